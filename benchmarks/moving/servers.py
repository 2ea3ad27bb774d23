"""Real servers to measure on: the embedded Valkey, and Redis where it is installed."""

import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from importlib import resources
from pathlib import Path
from typing import Any

import redis

from mutt_tasks.store.scripts import source
from stand_ins import redis_server
from tests.redis_server import free_port

START_SECONDS = 20.0
AOF_OFF, AOF_EVERYSEC = "AOF off", "AOF everysec"


@dataclass(frozen=True)
class Kind:
    """A server's program, by the name of what it is."""

    name: str
    program: str


def kinds() -> list[Kind]:
    """The servers that are there."""
    found = [Kind("Valkey", redis_server.program())]
    installed = shutil.which("redis-server")
    return [*found, Kind("Redis", installed)] if installed else found


class Server:
    """A running server; its slow log keeps every script that was run since `forget`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, name: str) -> None:
        self.process, self.port, self.name = process, port, name
        self.client = redis.Redis(port=port)

    @property
    def version(self) -> str:
        """Name and version."""
        found = self._info("server")
        return f"{self.name} {found.get('valkey_version', found['redis_version'])}"

    @property
    def seconds(self) -> float:
        """Processor time that the server has used so far."""
        found = self._info("cpu")
        return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])

    def forget(self) -> None:
        """Begin to measure anew."""
        self.client.slowlog_reset()

    def blocks(self) -> dict[str, list[float]]:
        """How long each run of each script took, in ms, ascending; no run below the threshold."""
        found: dict[str, list[float]] = defaultdict(list)
        entries: Any = self.client.slowlog_get(1_000_000)
        for entry in entries:
            words = entry["command"].split(b" ", 2)
            if words[0] == b"EVALSHA" and words[1] in _NAMES:
                found[_NAMES[words[1]]].append(entry["duration"] / 1000)
        return {name: sorted(times) for name, times in found.items()}

    def _info(self, section: str) -> dict[str, Any]:
        found: Any = self.client.info(section)
        return dict(found)


@contextmanager
def running(kind: Kind, persistence: str = AOF_OFF, threshold_us: int = 500) -> Iterator[Server]:
    """A server of its own in an empty folder, ended at the end."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        options = {
            "--appendonly": "yes" if persistence == AOF_EVERYSEC else "no",
            "--appendfsync": "everysec",
            "--slowlog-log-slower-than": str(threshold_us),
            "--slowlog-max-len": "1000000",
        }
        process = subprocess.Popen(
            [kind.program, "--port", str(port), "--dir", folder, "--save", "", *_flat(options)],
            stdout=subprocess.DEVNULL,
        )
        server = Server(process, port, kind.name)
        try:
            _await(server)
            yield server
        finally:
            server.client.close()
            process.terminate()
            process.wait()


def _flat(options: dict[str, str]) -> list[str]:
    return [word for pair in options.items() for word in pair]


def _await(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.client.ping()
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _scripts() -> dict[bytes, str]:
    folder = Path(str(resources.files("mutt_tasks.store") / "lua"))
    names = [path.stem for path in folder.glob("*.lua")]
    return {sha1(source(n).encode(), usedforsecurity=False).hexdigest().encode(): n for n in names}


_NAMES = _scripts()
