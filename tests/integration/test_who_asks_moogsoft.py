"""Which tasks ask Moogsoft: a call by hand does, a drain's cycles use the answer that is there."""

import base64
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import redis

from mutt_tasks.store.store import Store
from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import DLQ, event, fill, run_cycle, settings_of
from tests.redis_server import RedisServer
from tests.services import ROOT

LEASE = "mutt:remediation:lease"
TASKS = "remediation"

# Runs the bodies of tasks, one after the other, in a process of its own.
PROGRAM = """
import json, sys
from mutt_tasks import tasks
for name, arguments in json.loads(sys.argv[1]):
    print(json.dumps(getattr(tasks, name)(**arguments)))
"""


def run(server: RedisServer, *calls: tuple[str, dict[str, Any]], **env: str) -> list[Any]:
    """Run tasks, and return their results."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REMEDIATION_", "MOOG_", "REDIS_", "CELERY_"))
        and not name.lower().endswith("_proxy")
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(calls)],
        cwd=ROOT,
        env=inherited | {"REDIS_URL": server.url, "REMEDIATION_ROUTES": "alerter"} | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.usefixtures("client")
def test_only_a_call_by_hand_asks_before_an_answer_is_old(redis_server: RedisServer) -> None:
    with MoogsoftServer(status(200)) as moogsoft:
        patient = {
            "MOOG_WEBHOOK_URL": moogsoft.url,
            "MOOG_HEALTH_CACHE_TTL": "3600",
            "MOOG_HEALTH_TIMEOUT": "20",
        }
        triggers = ("beat", "drain", "drain", "worker", "beat", "drain")
        checks = [("check_moogsoft_health", {"trigger": trigger}) for trigger in triggers]
        found = run(redis_server, *checks, **patient)
        assert [result["outcome"] for result in found] == ["healthy"] * len(triggers)
        assert len(moogsoft.requests) == 1
        run(redis_server, ("check_moogsoft_health", {"trigger": "hand"}), **patient)
        assert len(moogsoft.requests) == 2
        run(redis_server, ("check_moogsoft_health", {}), **patient)
        assert len(moogsoft.requests) == 3


@pytest.mark.parametrize("trigger", ["hand", "beat", "worker", "drain"])
def test_a_cycle_tells_its_check_who_started_it(
    client: redis.Redis, store: Store, redis_server: RedisServer, trigger: str
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    call: dict[str, str] = {"trigger": trigger}
    if trigger == "drain":
        call["cycle"] = run_cycle(store, settings_of()).next_cycle
        assert client.persist(LEASE)  # until the task begins, however long its process takes
    (result,) = run(redis_server, ("remediate", call))
    assert result["outcome"] == "started"
    (sent,) = (json.loads(raw) for raw in client.lrange(TASKS, 0, -1))
    assert sent["headers"]["task"] == "mutt_tasks.check_moogsoft_health"
    _, kwargs, _ = json.loads(base64.b64decode(sent["body"]))
    assert kwargs == {"cycle": result["cycle"], "trigger": trigger}
