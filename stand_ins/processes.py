"""Child processes: started in sessions of their own, watched, and ended within a bound."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from stand_ins import tied

ASK_AGAIN_SECONDS = 3.0


class Child:
    """One running child process; on Linux it ends with this one, by the signal `dies_by`.

    It has a session of its own: the Ctrl-C of a terminal reaches its parent alone, which then
    ends its children in the right order. Without a `log` it writes to standard error.
    """

    def __init__(
        self,
        name: str,
        argv: list[str],
        *,
        dies_by: signal.Signals,
        env: Mapping[str, str] | None = None,
        log: IO[bytes] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(  # noqa: S603 — arguments are ours
            tied.command(argv, dies_by),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log or sys.stderr,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
            pass_fds=pass_fds,
        )

    @property
    def pid(self) -> int:
        """The process' number, which is its session's too."""
        return self._process.pid

    def ended(self) -> str:
        """How it ended, in words; empty while it runs."""
        status = self._process.poll()
        if status is None:
            return ""
        if status < 0:
            return f"{self.name} was ended by {signal.Signals(-status).name}"
        return f"{self.name} ended by itself with exit status {status}"

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing when it has ended."""
        self._process.send_signal(number)

    def ask_to_end(self) -> None:
        """Send SIGTERM if it still runs; do not wait."""
        self.send(signal.SIGTERM)

    def wait(self, grace: float) -> None:
        """Wait at most `grace` seconds for its end, then kill what is left of its session."""
        deadline = time.monotonic() + grace
        while not self.ended() and time.monotonic() < deadline:
            try:
                self._process.wait(min(ASK_AGAIN_SECONDS, grace))
            except subprocess.TimeoutExpired:
                # Beat can miss a signal that comes while it starts.
                self.ask_to_end()
        self.kill()

    def kill(self) -> None:
        """End it and its session at once, by SIGKILL."""
        # Its own children, such as the worker's pool, outlive it when it was killed.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, grace: float) -> None:
        """Ask it to end, and wait for that at most `grace` seconds."""
        self.ask_to_end()
        self.wait(grace)
