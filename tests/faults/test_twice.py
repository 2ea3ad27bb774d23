"""Twice of everything: workers, beats, calls, deliveries; and clocks that jump."""

import json
import re
from pathlib import Path
from typing import Any

import redis

from tests.pipeline import DEAD, DLQ, INGEST, counters, event, fill, journal, numbers_in
from tests.redis_server import RedisServer
from tests.services import services, until

INTERVAL = 1.0
BATCH = 5
LATE = 1.0


def loops(client: redis.Redis) -> int:
    return counters(client).get("loops", 0)


def commit_moments(client: redis.Redis) -> list[float]:
    """When each batch was committed, in seconds, by Redis' own clock."""
    entries: Any = client.xrange("mutt:remediation:journal")
    return [
        int(entry.split(b"-")[0]) / 1000
        for entry, fields in entries
        if fields[b"event"] == b"moved"
    ]


def test_two_workers_two_beats_and_calls_move_everything_once_and_in_order(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    numbers = list(range(150))
    fill(client, DLQ, [event(n) for n in numbers])
    with services(tmp_path, redis_server.url, REMEDIATION_BATCH_SIZE=BATCH) as running:
        for _ in range(2):
            running.worker()
            running.beat()
        until(lambda: loops(client) > 0, hint=running.logs)
        running.call("mutt_tasks.remediate")
        running.call("mutt_tasks.remediate")
        until(lambda: client.llen(INGEST) == len(numbers), hint=running.logs)
    assert numbers_in(client, INGEST) == numbers
    assert counters(client)["replayed:alerter"] == len(numbers)
    entries = journal(client, "moved")
    assert sum(int(entry["replayed"]) for entry in entries) == len(numbers)
    # One drain at a time: what one batch took was gone before the next one looked.
    assert {entry["replayed"] for entry in entries} == {str(BATCH)}
    assert counters(client)["ticks:busy"] > 0


def test_a_second_beat_does_not_double_the_pace(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(n) for n in range(200)])
    env = {
        "REMEDIATION_BATCH_SIZE": BATCH,
        "REMEDIATION_DRAIN": "false",
        "REMEDIATION_INTERVAL": INTERVAL,
    }
    with services(tmp_path, redis_server.url, **env) as running:
        running.worker()
        running.beat()
        until(lambda: loops(client) > 0, hint=running.logs)
        running.beat()
        until(lambda: counters(client).get("ticks:early", 0) >= 5, 90, hint=running.logs)
    moments = commit_moments(client)
    # Three quarters of the interval is what tells a tick from a second beat's; LATE is what the
    # first commit may be behind its tick when the machine is busy.
    assert len(moments) - 1 <= (moments[-1] - moments[0] + LATE) / (0.75 * INTERVAL)
    assert client.llen(INGEST) == BATCH * len(moments)


def test_tasks_that_are_delivered_again_an_hour_late_do_nothing(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(n) for n in range(BATCH)])
    env = {"REMEDIATION_BATCH_SIZE": BATCH, "REMEDIATION_DRAIN": "false"}
    with services(tmp_path, redis_server.url, **env) as running:
        # What a worker would take is recorded before there is one: first the call, then the chain.
        recorded: list[bytes] = []
        running.call("mutt_tasks.remediate")
        monitor = redis.Redis(port=redis_server.port)
        with monitor.monitor() as commands:  # type: ignore[no-untyped-call]
            running.worker()
            for command in commands.listen():
                words = command["command"]
                if words.startswith("LPUSH remediation "):
                    recorded.append(words.partition("LPUSH remediation ")[2].encode())
                if len(recorded) == 2:
                    break
        monitor.close()
        until(lambda: loops(client) == 1, hint=running.logs)
        fill(client, DLQ, [event(n) for n in range(100, 110)])
        before = counters(client)
        # The lease of their cycle is long gone, as it would be after the visibility timeout.
        assert not client.exists("mutt:remediation:lease")
        for message in recorded:
            assert json.loads(message)["headers"]["task"].startswith("mutt_tasks.")
            client.lpush("remediation", message)
        until(lambda: client.llen("remediation") == 0, hint=running.logs)
        running.call("mutt_tasks.pause", "--args", '["test", "everything before is done"]')
        until(lambda: client.exists("mutt:remediation:paused"), hint=running.logs)
    assert counters(client) == before
    assert numbers_in(client, INGEST) == list(range(BATCH))
    assert numbers_in(client, DLQ) == list(range(100, 110))


def test_clocks_that_jumped_stop_nothing(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    far = "9999-12-31T00:00:00Z"
    future = {"replays": 1, "first_at": far, "last_at": far}
    past = {"replays": 1, "first_at": "1970-01-01T00:00:00Z", "last_at": "1970-01-01T00:00:00Z"}
    fill(client, DLQ, [event(1, _remediation=future), event(2, _remediation=past), event(3)])
    client.set("mutt:remediation:tick", 10**15)
    state: dict[Any, Any] = {
        "cursor": 2,
        "cursor_until": 10**12,
        "moved_at": 10**12,
        "speed": "nan",
    }
    client.hset("mutt:remediation:route:alerter", mapping=state)
    client.hset("mutt:remediation:pace", mapping={"tokens": "-inf", "at": 10**12})
    health: dict[Any, Any] = {
        "healthy": 0,
        "reason": "old",
        "checked_at": 10**12,
        "usable_until": 10**13,
    }
    client.hset("mutt:remediation:health", mapping=health)
    with services(tmp_path, redis_server.url, REMEDIATION_MAX_RATE=50) as running:
        running.worker()
        running.beat()
        until(lambda: client.llen(INGEST) == 3, hint=running.logs)
    assert sorted(numbers_in(client, INGEST)) == [1, 2, 3]
    assert (client.llen(DLQ), client.llen(DEAD)) == (0, 0)
    assert re.search(r"outcome=replayed", running.logs())
