"""The script `mutt-console`."""

import sys

from mutt_tasks.environment import complain


def main() -> int:
    """Serve the console until a signal comes; returns the exit status."""
    try:
        from mutt_tasks.console.command import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("mutt_tasks"):
            raise
        complain(
            f"{missing.name} is missing: pip install 'mutt-tasks[console]'", program="mutt-console"
        )
        return 1
    return run()


if __name__ == "__main__":
    sys.exit(main())
