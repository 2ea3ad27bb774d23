"""Runs a command that ends with its parent, even when the parent is killed.

    python -m mutt_tasks.demo.tied SIGNAL PARENT COMMAND [ARGUMENT …]

A killed demo cannot stop its children; on Linux the kernel does it, by sending them SIGNAL.
The request for that survives exec, so nothing stays between parent and command. Elsewhere the
command just runs.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def command(argv: list[str], dies_by: signal.Signals) -> list[str]:
    """The command line that runs `argv` (its program as a path) tied to this process."""
    here = [sys.executable, "-m", "mutt_tasks.demo.tied"]
    return [*here, str(int(dies_by)), str(os.getpid()), *argv]


def main() -> None:
    """Tie this process to its parent and become the command."""
    dies_by, parent, *argv = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(dies_by))
        if os.getppid() != int(parent):
            sys.exit("the parent ended before this command began")
    os.execv(argv[0], argv)  # noqa: S606 — the whole purpose; no shell, arguments from our own code


if __name__ == "__main__":
    main()
