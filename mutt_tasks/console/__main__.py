"""The script `mutt-console`."""

import sys


def main() -> int:
    """Serve the console until a signal comes; returns the exit status."""
    try:
        from mutt_tasks.console.command import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("mutt_tasks"):
            raise
        print(
            f"mutt-console: {missing.name} is missing: pip install 'mutt-tasks[console]'",
            file=sys.stderr,
        )
        return 1
    return run()


if __name__ == "__main__":
    sys.exit(main())
