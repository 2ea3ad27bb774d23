"""Words for tests: messages, lists as they lie, and a cycle run in this process."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import redis

from mutt_tasks import cycle as steps
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.store import Store
from stand_ins import facts

LIMITER, MOOG_DLQ, ALERTS = facts.LIMITER_KEY, facts.MOOG_DLQ, facts.ALERT_QUEUE
DLQ, INGEST, DEAD = facts.ALERTER_DLQ, facts.INGEST_QUEUE, facts.DEAD_LIST


def settings_of(**env: object) -> Settings:
    """Settings from the given variables alone, without a limit on the rate."""
    return load({"REMEDIATION_MAX_RATE": "0"} | {name: str(value) for name, value in env.items()})


def event(number: int, **fields: Any) -> bytes:
    """An event as the alerter gives it up."""
    basic = {"hostname": f"host-{number}", "timestamp": "2026-11-21T05:00:00Z", "message": "up"}
    return json.dumps({**basic, "number": number, "_retry_count": 4, **fields}).encode()


def fill(client: redis.Redis, name: str, messages: list[bytes]) -> None:
    """Push messages as producers do: the first becomes the oldest."""
    for message in messages:
        client.lpush(name, message)


def consume(client: redis.Redis, store: Store) -> None:
    """Both consumers take all that waits for them; the forwarder's limiter knows of it."""
    taken: Any = client.llen(INGEST) + client.llen(ALERTS)
    for name in (INGEST, ALERTS):
        for message in lying_in(client, name):
            client.lpush("taken:" + name, message)
        client.delete(name)
    now = store.controls.now()
    client.zremrangebyscore(LIMITER, 0, (now - 1) * 1000)
    if taken:
        client.zadd(LIMITER, {f"{now}-{n}": now * 1000 for n in range(taken)})


def lying_in(client: redis.Redis, name: str) -> list[bytes]:
    """A list's messages, oldest first."""
    found: Any = client.lrange(name, 0, -1)
    return list(reversed(found))


def numbers_in(client: redis.Redis, name: str) -> list[int]:
    """The numbers of the events in a list, oldest first."""
    return [json.loads(message)["number"] for message in lying_in(client, name)]


def header_of(message: bytes) -> dict[str, Any]:
    """Our header in a message."""
    found: dict[str, Any] = json.loads(message)["_remediation"]
    return found


def let_pass(store: Store, seconds: float) -> None:
    """Put the clock that the store reads forward, without waiting."""
    found = vars(store.controls)
    clock = found.setdefault("clock", store.controls.now)
    found["skipped"] = found.get("skipped", 0.0) + seconds
    found["now"] = lambda: clock() + found["skipped"]


def run_cycle(
    store: Store,
    settings: Settings,
    cycle: str = "",
    healthy: bool = True,
    wait: Callable[[float], None] | None = None,
) -> steps.CycleResult:
    """One cycle as the tasks run it, without Celery; `cycle` goes on with a drain.

    Its waits, and the pause after it, pass at once, or as `wait` lets them.
    """
    wait = wait or partial(let_pass, store)
    if not cycle:
        cycle = steps.new_cycle_id()
        ended = steps.begin(store, settings, cycle, is_tick=False)
        if ended is not None:
            return ended
    result = steps.replay(store, settings, cycle, healthy, "test", wait)
    assert result is not None
    wait(result.pause)
    return result


def drain(store: Store, settings: Settings) -> list[steps.CycleResult]:
    """Cycles until the drain ends by itself, or has nothing to do but wait for rests to end."""
    results = [run_cycle(store, settings)]
    while results[-1].next_cycle:
        results.append(run_cycle(store, settings, results[-1].next_cycle))
        if all(r.reason == "waiting" and r.pause for r in results[-1].routes.values()):
            break
    return results


def counters(client: redis.Redis) -> dict[str, int]:
    """Every counter."""
    found: Any = client.hgetall("mutt:remediation:stats")
    return {name.decode(): int(value) for name, value in found.items()}


def journal(client: redis.Redis, event_name: str) -> list[dict[str, str]]:
    """The journal's entries of one kind, oldest first."""
    entries: Any = client.xrange("mutt:remediation:journal")
    texts = [
        {name.decode(): value.decode() for name, value in fields.items()} for _, fields in entries
    ]
    return [fields for fields in texts if fields["event"] == event_name]
