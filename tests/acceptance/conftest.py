"""Commands as people and scripts run them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from mutt_tasks.store.store import Store
from tests import forking
from tests.pipeline import DLQ, event, fill, run_cycle, settings_of
from tests.redis_server import RedisServer
from tests.services import ROOT, Services

SCRIPT = (str(Path(sys.executable).with_name("mutt-dlq")),)

# In a message of the night.
SECRET = "hunter2Zk4"

Ended = subprocess.CompletedProcess[str]
Run = Callable[..., Ended]


@pytest.fixture
def run(redis_server: RedisServer, client: redis.Redis, tmp_path: Path) -> Run:
    """Run a command to its end, on the session's empty server; another `program` is executed."""

    def run(*arguments: str, program: tuple[str, ...] = (), **env: str) -> Ended:
        given = Services(tmp_path, redis_server.url).env | env
        given = {name: value for name, value in given.items() if name != "NO_COLOR"} | env
        if not program:
            return forking.run((forking.SCRIPT, *arguments), given)
        return subprocess.run(
            [*program, *arguments],
            cwd=ROOT,
            env=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def of(ended: Ended, status: int = 0) -> Any:
    """What it printed as JSON."""
    assert ended.returncode == status, ended.stderr
    return json.loads(ended.stdout)


def at_night(client: redis.Redis, store: Store) -> None:
    """Two poison letters, one malformed and hostile; three that wait, one with a secret."""
    fill(client, DLQ, [event(n, _moog_retry_count=9, program="sshd") for n in range(2)])
    fill(client, DLQ, [b"\x1b[2Jgarbage\x07 password=" + SECRET.encode() + b"\xff"])
    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=10))
    client.delete("mutt:remediation:lease")
    odd = "\u202eevil \x1b]0;title\x07 \x9b2J"
    fill(client, DLQ, [event(n, message=f"link {n} down") for n in range(10, 13)])
    fill(client, DLQ, [event(13, message=odd, hostname=odd, api_key=SECRET)])
