"""Words for tests: messages, lists as they lie, and a cycle run in this process."""

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

import redis

from mutt_tasks import cycle as steps
from mutt_tasks.cycle import Trigger
from mutt_tasks.operations import switches
from mutt_tasks.replay.cycle_context import Health
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.queues import Queues
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import ScanBounds, Surroundings, new_id
from stand_ins import facts

SCAN = ScanBounds()
HEALTHY, ILL = Health(True, "test"), Health(False, "test")

# By how many seconds clocks of stores were put forward, and the moments at which some stand still.
_skipped: WeakKeyDictionary[Store, float] = WeakKeyDictionary()
_stopped: WeakKeyDictionary[Store, float] = WeakKeyDictionary()

LIMITER, MOOG_DLQ, ALERTS = facts.LIMITER_KEY, facts.MOOG_DLQ, facts.ALERT_QUEUE
DLQ, INGEST, DEAD = facts.ALERTER_DLQ, facts.INGEST_QUEUE, facts.DEAD_LIST


def settings_of(**env: object) -> Settings:
    """Settings from the given variables alone: one route, without a limit on the rate."""
    usual = {"REMEDIATION_MAX_RATE": "0", "REMEDIATION_ROUTES": "alerter"}
    return load(usual | {name: str(value) for name, value in env.items()})


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
    now = now_of(store)
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


def now_of(store: Store) -> float:
    """Redis' clock as the cycles of this store see it."""
    now = _stopped[store] if store in _stopped else store.now()
    return now + _skipped.get(store, 0.0)


def stop_clock(store: Store, moment: float) -> None:
    """The clock of a store's cycles stands at a moment from now on, but for `let_pass`."""
    _stopped[store] = moment


def let_pass(store: Store, seconds: float) -> None:
    """Put the clock of a store's cycles forward, without waiting."""
    _skipped[store] = _skipped.get(store, 0.0) + seconds


def surroundings_of(store: Store, wait: Callable[[float], None] | None = None) -> Surroundings:
    """A world in which waits pass at once, or as `wait` lets them."""
    return Surroundings(partial(now_of, store), wait=wait or partial(let_pass, store))


def operator_pauses(store: Store, seconds: float, reason: str = "change window") -> None:
    """Somebody pauses, as the task does."""
    switches.pause(store, new_id(), "ann", reason, seconds)


def begin(
    store: Store, settings: Settings, cycle: str, trigger: Trigger = Trigger.HAND
) -> CycleResult | None:
    """The first step of a cycle."""
    return steps.begin(store, settings, surroundings_of(store), cycle, trigger)


def replay(
    store: Store,
    settings: Settings,
    cycle: str,
    healthy: bool = True,
    wait: Callable[[float], None] | None = None,
    scan: ScanBounds = SCAN,
) -> CycleResult | None:
    """The last step of a cycle."""
    surroundings = dataclasses.replace(surroundings_of(store, wait), scan=scan)
    return steps.replay(store, settings, surroundings, cycle, HEALTHY if healthy else ILL)


def run_cycle(
    store: Store,
    settings: Settings,
    cycle: str = "",
    healthy: bool = True,
    wait: Callable[[float], None] | None = None,
    scan: ScanBounds = SCAN,
) -> CycleResult:
    """One cycle as the tasks run it, without Celery; `cycle` goes on with a drain.

    Its waits, and the delay after it, pass at once, or as `wait` lets them.
    """
    wait = wait or partial(let_pass, store)
    if not cycle:
        cycle = new_id()
        ended = begin(store, settings, cycle)
        if ended is not None:
            return ended
    result = replay(store, settings, cycle, healthy, wait, scan)
    assert result is not None
    wait(result.delay)
    return result


class Observed:
    """A store's queues, with somebody who acts or watches at a look or before a commit."""

    def __init__(
        self,
        queues: Queues,
        looked: Callable[[list[bytes]], object] = lambda _: None,
        commits: Callable[[], object] = lambda: None,
    ) -> None:
        self._queues, self._looked, self._commits = queues, looked, commits

    def look(self, *args: Any) -> list[bytes]:
        """A look; then `looked` gets what it found."""
        found = self._queues.look(*args)
        self._looked(found)
        return found

    def commit(self, *args: Any) -> Any:
        """A commit, before which `commits` is called."""
        self._commits()
        return self._queues.commit(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queues, name)


def observe(store: Store, **acts: Callable[..., object]) -> None:
    """From now on somebody acts at the looks and commits of this store; see Observed."""
    store.queues = cast(Queues, Observed(store.queues, **acts))


def drain(store: Store, settings: Settings, scan: ScanBounds = SCAN) -> list[CycleResult]:
    """Cycles until the drain ends by itself, or has nothing to do but wait for rests to end."""
    results = [run_cycle(store, settings, scan=scan)]
    while results[-1].next_cycle:
        results.append(run_cycle(store, settings, results[-1].next_cycle, scan=scan))
        if all(r.reason == "waiting" and r.delay for r in results[-1].routes.values()):
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
