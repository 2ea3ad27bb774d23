"""A process that is cut at every command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from tests.crash.scenarios import BATCH
from tests.redis_server import RedisServer
from tests.services import ROOT


class Victim:
    """The process that runs cycles and is killed in forks of itself."""

    def __init__(self, redis_url: str) -> None:
        env = {
            name: value for name, value in os.environ.items() if not name.startswith("REMEDIATION_")
        }
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.crash.victim"],
            cwd=ROOT,
            env=env | ENV | {"REDIS_URL": redis_url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, scenario: str, cut_at: int = -1, side: str = "") -> dict[str, Any]:
        """Run one cycle, cut as asked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"scenario": scenario, "cut_at": cut_at, "side": side}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def cuts(self, scenario: str, client: redis.Redis, prepare: Callable[[], object]) -> "Cuts":
        """Cut this scenario everywhere; `prepare` puts what lies there before into Redis."""
        return Cuts(self, scenario, client, prepare)

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


@dataclass(frozen=True)
class Cut:
    """Where a process was killed.

    `leaves_new` says that no earlier cut left the same: the process had changed the data as often
    by then. What happens next depends on the data alone, so it need not be seen again otherwise.
    """

    at: str
    leaves_new: bool


class Cuts:
    """A scenario, killed before, within and after each single command that it sends.

    `commands` are those of an uncut run.
    """

    def __init__(
        self, victim: Victim, scenario: str, client: redis.Redis, prepare: Callable[[], object]
    ) -> None:
        self._victim, self._scenario, self._client = victim, scenario, client
        self._prepare = prepare
        self._begin()
        self.commands: list[str] = victim.run(scenario)["commands"]

    def __iter__(self) -> Iterator[Cut]:
        """Prepare, run and kill; what is yielded has just happened."""
        seen = set()
        many = len(self.commands)
        for cut_at, command in enumerate(self.commands):
            for side in ("before", "within", "after"):
                at = f"{side} command {cut_at} ({command}) of {many}"
                before = self._begin()
                assert self._victim.run(self._scenario, cut_at, side)["ended"] == "killed", at
                changes = self._changes() - before
                yield Cut(at, changes not in seen)
                seen.add(changes)

    def _begin(self) -> int:
        """Prepare; returns how often the data have been changed by then."""
        self._client.flushall()
        self._client.script_flush()  # so that every run sends the same commands
        self._prepare()
        return self._changes()

    def _changes(self) -> int:
        """How often anybody has changed the data, which this server never saves."""
        found: Any = self._client.info("persistence")
        changes: int = found["rdb_changes_since_last_save"]
        return changes


ENV = {"REMEDIATION_BATCH_SIZE": str(BATCH), "REMEDIATION_MAX_RATE": "0"}


@pytest.fixture(scope="module")
def victim(redis_server: RedisServer) -> Iterator[Victim]:
    found = Victim(redis_server.url)
    yield found
    found.close()
