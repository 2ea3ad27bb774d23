"""`python -m demo` as a process of its own, in a folder of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.redis_server import free_port
from tests.services import ROOT, until

# The same demo, faster: what takes a minute there takes seconds here.
PACE = {
    "REMEDIATION_INTERVAL": "1",
    "REMEDIATION_DRAIN_INTERVAL": "0.1",
    "REMEDIATION_BATCH_SIZE": "100",
    "REMEDIATION_MAX_RATE": "150",
    "REMEDIATION_RETRY_BACKOFF": "0.3",
    "MOOG_HEALTH_CACHE_TTL": "0.3",
    "MOOG_RATE_LIMIT": "500",
}


def environment(**more: str) -> dict[str, str]:
    """An environment in which nothing is configured but the pace and free ports."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REMEDIATION_", "MOOG_", "REDIS_", "CELERY_", "COV_", "CONSOLE_"))
    }
    ports = {
        "METRICS_PORT_REMEDIATION": str(free_port()),
        "HEALTH_PORT_REMEDIATION": str(free_port()),
        "CONSOLE_PORT": str(free_port()),
    }
    # The folder of the test has no demo in it, nor has the installed package.
    return inherited | {"PYTHONPATH": str(ROOT)} | ports | PACE | more


def command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "demo", *arguments]


class DemoRun:
    """A run without a terminal; its lines go to a file, those of worker and beat to another."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.env = environment(**env)
        self._out, self._err = folder / "out.txt", folder / "err.txt"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                command(*arguments),
                cwd=folder,
                env=self.env,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def text(self) -> str:
        """What it has printed so far."""
        return self._out.read_text()

    def errors(self) -> str:
        """What went to standard error so far."""
        return self._err.read_text()

    def wait_for(self, words: str, seconds: float = 30) -> None:
        """Wait until it has printed these words."""
        until(lambda: words in self.text(), seconds, hint=lambda: self.text() + self.errors())

    def end(self, seconds: float = 60) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(seconds)


def descendants(pid: int) -> set[int]:
    """All processes that come from this one, whatever their sessions."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    unseen = [pid]
    while unseen:
        children = parents.get(unseen.pop(), [])
        found.update(children)
        unseen += children
    return found


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def all_gone(pids: set[int], seconds: float = 5) -> bool:
    """Whether all these processes end in time."""
    deadline = time.monotonic() + seconds
    while not all(map(is_gone, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
