"""The tasks' bodies: who asks Moogsoft, what is handed on, and ids that are none."""

import base64
import json

import pytest
import redis

from mutt_tasks.store.store import Store
from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import DLQ, INGEST, event, fill, run_cycle, settings_of
from tests.redis_server import RedisServer
from tests.task_process import run_tasks

LEASE = "mutt:remediation:lease"
TASKS = "remediation"


@pytest.mark.usefixtures("client")
def test_only_a_call_by_hand_asks_before_an_answer_is_old(redis_server: RedisServer) -> None:
    triggers = ("beat", "drain", "drain", "worker", "beat", "drain")
    checks = [("check_moogsoft_health", {"trigger": trigger}) for trigger in triggers]
    by_hand = ("check_moogsoft_health", {"trigger": "hand"})
    with MoogsoftServer(status(200)) as moogsoft:
        patient = {
            "MOOG_WEBHOOK_URL": moogsoft.url,
            "MOOG_HEALTH_CACHE_TTL": "3600",
            "MOOG_HEALTH_TIMEOUT": "20",
        }
        found = run_tasks(redis_server, *checks, **patient)
        assert [ended.result["outcome"] for ended in found] == ["healthy"] * len(triggers)
        assert len(moogsoft.requests) == 1
        run_tasks(redis_server, by_hand, ("check_moogsoft_health", {}), **patient)
        assert len(moogsoft.requests) == 3


def test_a_lease_outlives_the_probe_however_long_that_may_take(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    """Nothing renews it meanwhile."""
    cycle = "a" * 32
    client.set(LEASE, cycle, px=100_000)
    check = ("check_moogsoft_health", {"cycle": cycle, "trigger": "beat"})
    (ended,) = run_tasks(redis_server, check, MOOG_HEALTH_TIMEOUT="20")
    assert (ended.result["outcome"], ended.lease) == ("healthy", cycle)
    assert 10_000 < int(client.pttl(LEASE)) <= 30_000


@pytest.mark.parametrize("trigger", ["hand", "beat", "worker", "drain"])
def test_a_cycle_tells_its_check_who_started_it(
    client: redis.Redis, store: Store, redis_server: RedisServer, trigger: str
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    call: dict[str, str] = {"trigger": trigger}
    if trigger == "drain":
        call["cycle"] = run_cycle(store, settings_of()).next_cycle
        assert client.persist(LEASE)  # until the task begins, however long its process takes
    (ended,) = run_tasks(redis_server, ("remediate", call))
    assert ended.result == {"outcome": "started", "cycle": ended.lease}
    (sent,) = (json.loads(raw) for raw in client.lrange(TASKS, 0, -1))
    assert sent["headers"]["task"] == "mutt_tasks.check_moogsoft_health"
    _, kwargs, _ = json.loads(base64.b64decode(sent["body"]))
    assert kwargs == {"cycle": ended.lease, "trigger": trigger}


def test_a_batch_obeys_the_pipelines_runtime_configuration(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    client.set("mutt:config:remediation_batch_size", "3")
    (started,) = run_tasks(redis_server, ("remediate", {"trigger": "hand"}))
    assert client.persist(LEASE)
    healthy = {"outcome": "healthy", "reason": "test"}
    run_tasks(
        redis_server,
        ("replay_dlq_batch", {"health": healthy, "cycle": started.result["cycle"]}),
        REMEDIATION_BATCH_SIZE="10",
        DYNAMIC_CONFIG_ENABLED="true",
    )
    assert client.llen(INGEST) == 3


def test_what_is_no_id_of_a_cycle_is_refused_before_anything_is_done(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    """A value that a caller chose must never become the lease's."""
    fill(client, DLQ, [event(1)])
    healthy = {"outcome": "healthy", "reason": "test"}
    bad = ["", "x", "A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n", "a" * 32 + ":b", 7, None]
    calls = [
        call
        for cycle in bad
        for call in (
            ("remediate", {"trigger": "drain", "cycle": cycle}),
            ("replay_dlq_batch", {"health": healthy, "cycle": cycle}),
            ("replay_dlq_batch", {"health": {"outcome": "stale"}, "cycle": cycle}),
        )
    ]
    calls += [("check_moogsoft_health", {"cycle": cycle}) for cycle in bad if cycle]
    for (task, arguments), ended in zip(calls, run_tasks(redis_server, *calls), strict=True):
        assert ended.error.startswith("InvalidArgument: cycle: "), (task, arguments, ended)
        assert ended.lease is None
    assert (client.llen(DLQ), client.llen(INGEST), client.llen(TASKS)) == (1, 0, 0)
