"""A process that is cut at every command."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

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

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


ENV = {"REMEDIATION_BATCH_SIZE": str(BATCH), "REMEDIATION_MAX_RATE": "0"}


@pytest.fixture(scope="module")
def victim(redis_server: RedisServer) -> Iterator[Victim]:
    found = Victim(redis_server.url)
    yield found
    found.close()
