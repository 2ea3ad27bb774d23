"""Child processes: started in sessions of their own, watched, and ended within a bound."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from stand_ins import tied

GRACE = 15.0
ASK_AGAIN_SECONDS = 3.0


class Child:
    """One running child process.

    It has a session of its own: the Ctrl-C of a terminal reaches the demo alone, which then
    ends its children in the right order.
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

    def ask_to_end(self) -> None:
        """Send SIGTERM if it still runs; do not wait."""
        if not self.ended():
            self._process.terminate()

    def wait(self, grace: float) -> None:
        """Wait at most `grace` seconds for its end, then kill what is left of its session."""
        deadline = time.monotonic() + grace
        while not self.ended() and time.monotonic() < deadline:
            try:
                self._process.wait(ASK_AGAIN_SECONDS)
            except subprocess.TimeoutExpired:
                # Beat can miss a signal that comes while it starts.
                self.ask_to_end()
        # Its own children, such as the worker's pool, outlive it when it was killed.
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, grace: float) -> None:
        """Ask it to end, and wait for that."""
        self.ask_to_end()
        self.wait(grace)


@contextmanager
def worker_and_beat(env: Mapping[str, str], logs: Path | None) -> Iterator[list[Child]]:
    """Celery's worker and beat while the context lasts; beat is asked to end first.

    Their lines go to `worker.log` and `beat.log` in the folder `logs`, or else to standard
    error.
    """
    celery = [sys.executable, "-m", "celery", "-A", "mutt_tasks", "--quiet"]
    # There is one worker: looking for others would only delay it.
    alone = ["--without-mingle", "--without-gossip"]
    roles = {
        "beat": [*celery, "beat"],
        "worker": [*celery, "worker", "-n", "remediation@%h", *alone],
    }
    children: list[Child] = []
    if logs:
        logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.callback(_stop_all, children)
        for name, argv in roles.items():
            log = stack.enter_context((logs / f"{name}.log").open("wb")) if logs else None
            # Killed at once when the demo is: their Redis goes away in the same moment, and
            # waiting for it would leave them behind. Every step they take survives that.
            children.append(Child(name, argv, dies_by=signal.SIGKILL, env=env, log=log))
        yield children


def _stop_all(children: list[Child]) -> None:
    for child in children:
        child.ask_to_end()
    for child in children:
        child.wait(GRACE)
