"""Runs a command that ends with its parent, even when the parent is killed.

    python tied.py SIGNAL PARENT COMMAND [ARGUMENT …]

A killed process cannot stop its children; on Linux the kernel does it, by sending them SIGNAL.
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
    # By its path and isolated, so that it needs nothing but the standard library, wherever it runs.
    here = [sys.executable, "-IS", __file__]
    return [*here, str(int(dies_by)), str(os.getpid()), *argv]


def tie(dies_by: signal.Signals) -> None:
    """Have this process sent a signal when its parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(dies_by))


def main() -> None:
    """Tie this process to its parent and become the command."""
    dies_by, parent, *argv = sys.argv[1:]
    tie(signal.Signals(int(dies_by)))
    if sys.platform == "linux" and os.getppid() != int(parent):
        sys.exit("the parent ended before this command began")
    os.execv(argv[0], argv)  # noqa: S606 — the whole purpose; no shell, arguments from our own code


if __name__ == "__main__":
    main()
