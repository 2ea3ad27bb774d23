"""`make run`: `python -m demo`."""

import argparse
import os
import sys
from pathlib import Path

from demo.backlog import DEFAULT_EVENTS
from demo.embedded import EmbeddedError
from demo.run import Options, run
from mutt_tasks.errors import SettingsError, StoreError
from stand_ins.stopping import stop_on_signals


def main(argv: list[str] | None = None) -> int:
    """Run worker, beat, metrics and health, with stand-ins for what is not configured."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=main.__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(".data"), help="folder of the embedded Redis and the logs"
    )
    parser.add_argument(
        "--events", type=_events, default=DEFAULT_EVENTS, help="size of the sample backlog"
    )
    parser.add_argument(
        "--outage", type=_seconds, default=15.0, help="how long Moogsoft goes down (s); 0: not"
    )
    parser.add_argument("--until-drained", action="store_true", help="stop once all is drained")
    parser.add_argument(
        "--timeout", type=_seconds, help="with --until-drained: fail after this many seconds"
    )
    options = parser.parse_args(argv)
    if options.timeout is not None and not options.until_drained:
        parser.error("--timeout needs --until-drained")
    stopping = stop_on_signals()
    try:
        return run(Options(**vars(options)), os.environ, stopping)
    except SettingsError as error:
        problems = error.lines
    except (EmbeddedError, StoreError) as error:
        problems = [str(error)]
    except BrokenPipeError:
        # Whoever read our lines has gone; all is stopped, and nobody listens any more.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 — for the interpreter's last flush
        return 1
    for problem in problems:
        print(f"mutt_tasks: {problem}", file=sys.stderr)
    return 1


def _events(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:9]) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"got {text!r}, accepts a whole number up to 1000000")
    return int(text)


def _seconds(text: str) -> float:
    is_number = text.isascii() and text.replace(".", "", 1).isdecimal()
    if not (is_number and float(text) <= 86_400):
        raise argparse.ArgumentTypeError(f"got {text!r}, accepts a number of seconds up to 86400")
    return float(text)


if __name__ == "__main__":
    sys.exit(main())
