"""A real server for tests: killed, frozen, started again, and its password changed."""

import itertools
import os
import signal
import socket
from pathlib import Path

import redis

from stand_ins import redis_server

# Each test process draws from a range of its own, below the ports that the kernel hands out to
# clients: nothing else takes a port between our asking for it and our listening on it.
_first = 20_000 + 100 * (os.getpid() % 120)
_ports = itertools.cycle(range(_first, _first + 100))


def free_port() -> int:
    """A TCP port that nobody listens on."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("unreachable")


class RedisServer:
    """One server process with its own directory and append-only file (fsync at every write)."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        durable = ("--appendonly", "yes", "--appendfsync", "always")
        debug = ("--enable-debug-command", "yes")
        self._server = redis_server.RedisServer(folder, self.port, *durable, *debug, *options)
        self.client = redis.Redis(port=self.port)

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`."""
        return self._server.url

    @property
    def pid(self) -> int:
        """The process' number while it runs."""
        return self._server.pid

    def start(self) -> "RedisServer":
        """Start, and wait until it listens."""
        with (self.folder / "redis.log").open("ab") as log:
            self._server.start(log)
        return self

    def kill(self) -> None:
        """SIGKILL: what was not written is lost, as in a crash."""
        self._server.kill()

    def stop(self) -> None:
        """An orderly end."""
        self.client.close()
        self.thaw()
        self._server.stop()

    def __enter__(self) -> "RedisServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._server.child.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """End a freeze."""
        self._server.child.send(signal.SIGCONT)

    def change_password(self, password: str) -> None:
        """Accept this password alone from now on, and cut every connection with another."""
        self.client.config_set("requirepass", password)
        self.client.close()
        self.client = redis.Redis(port=self.port, password=password)
        for kind in ("normal", "pubsub"):
            self.client.client_kill_filter(_type=kind, skipme=True)
