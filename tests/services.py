"""Real worker and beat processes for acceptance tests, and waiting for what they do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import forking
from tests.redis_server import free_port

# At which ports the pages say that a worker is to be found; here each has others.
METRICS, HEALTH = 8086, 8087


def until(what: Callable[[], object], seconds: float = 30, hint: Callable[[], str] = str) -> None:
    """Wait until something is true; fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, hint() or "it did not happen in time"
        time.sleep(0.02)


ROOT = forking.ROOT

Process = forking.Process | subprocess.Popen[bytes]


class Services:
    """Workers and beats on one Redis, each with its log file in `folder`.

    They are forked (forking.py), unless they are to be executed, as outside of tests (`executes`).
    """

    executes = False

    def __init__(self, folder: Path, redis_url: str, **env: object) -> None:
        self.folder = folder
        self.metrics_port, self.health_port = free_port(), free_port()
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("REMEDIATION_", "MOOG_", "REDIS_", "CELERY_", "COV_"))
        }
        self.env = inherited | {
            "REDIS_URL": redis_url,
            "METRICS_PORT_REMEDIATION": str(self.metrics_port),
            "HEALTH_PORT_REMEDIATION": str(self.health_port),
            "REMEDIATION_INTERVAL": "1",
            "REMEDIATION_MAX_RATE": "0",
            "REMEDIATION_DRAIN_INTERVAL": "0.1",
            **{name: str(value) for name, value in env.items()},
        }
        self._started = 0
        self._running: list[Process] = []

    def worker(self, **env: object) -> Process:
        """Start a worker with one slot."""
        name = f"w{self._started}@test"
        return self.start("worker", "-Q", "remediation", "-c", "1", "-n", name, **env)

    def beat(self, **env: object) -> Process:
        """Start a beat."""
        return self.start("beat", **env)

    def start(self, *arguments: str, **env: object) -> Process:
        """Start `celery -A mutt_tasks …`; its output goes to a file of its own."""
        log = (self.folder / f"{self._started}-{arguments[0]}.log").open("wb")
        self._started += 1
        given = self.env | {name: str(value) for name, value in env.items()}
        command = (forking.CELERY, "-A", "mutt_tasks", *arguments)
        process: Process
        with log:
            if self.executes:
                program = [sys.executable, "-m", *command]
                process = subprocess.Popen(
                    program, cwd=ROOT, env=given, stdout=log, stderr=log, start_new_session=True
                )
            else:
                file = log.fileno()
                process = forking.Process(command, given, file, file, start_new_session=True)
        self._running.append(process)
        return process

    def call(self, task: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `celery -A mutt_tasks call TASK …` to its end."""
        command = (forking.CELERY, "-A", "mutt_tasks", "call", task, *arguments)
        return forking.run(command, self.env)

    def kill(self, process: Process) -> None:
        """SIGKILL a process with all its children, as a node that dies."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._running.remove(process)

    def forget(self, process: Process) -> None:
        """A process that has ended by itself."""
        self._running.remove(process)

    def logs(self) -> str:
        """What all processes printed so far."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(file.read_text(errors="replace") for file in files)

    def stop(self) -> None:
        """End all of them: politely, then for certain."""
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._running.clear()


@contextmanager
def services(folder: Path, redis_url: str, **env: object) -> Iterator[Services]:
    """Services that are gone when the block ends."""
    found = Services(folder, redis_url, **env)
    try:
        yield found
    finally:
        found.stop()
