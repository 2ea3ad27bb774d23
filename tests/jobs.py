"""Words for tests of jobs: who wants what of exactly these messages, and how it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import redis

from mutt_tasks import cycle as steps
from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.identity import digest
from mutt_tasks.core.jobs import Job, State
from mutt_tasks.core.plan import Plan, Verb, etag_of
from mutt_tasks.cycle import Trigger
from mutt_tasks.operations import jobs
from mutt_tasks.operations.jobs import Order
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.pipeline import (
    DLQ,
    event,
    fill,
    run_cycle,
    settings_of,
    surroundings_of,
)

SETTINGS = settings_of()
OFF = settings_of(REMEDIATION_ENABLED="false")
LEASE, TRASH, BESIDE = (f"mutt:remediation:{name}" for name in ("lease", "trash", "aside:alerter"))


def order(**wanted: object) -> Order:
    """What ann wants, each time anew."""
    return Order("ann", "--actor", "change 4711", new_id(), **wanted)  # type: ignore[arg-type]


def plan_of(
    store: Store, verb: Verb, messages: Mapping[str, Sequence[bytes]], destination: str = ""
) -> Plan:
    """A plan that means exactly these messages of these lists."""
    sets = {
        source: FrozenSet.of(bytes.fromhex(digest(raw)) for raw in found)
        for source, found in messages.items()
    }
    sources = {source: len(members) for source, members in sets.items()}
    plan = Plan(
        f"p-{new_id()[:12]}",
        etag_of(verb, destination, sets),
        verb,
        sources,
        destination=destination,
        made_at=store.now(),
    )
    store.plans.save(plan, sets)
    return plan


def after(store: Store, job: Job) -> Job:
    """The job as it stands now."""
    return jobs.get(store, job.id)


def discarded(client: redis.Redis, store: Store, count: int = 3) -> Job:
    """A discard that has ended; nobody holds the lease."""
    events = [event(n) for n in range(count)]
    fill(client, DLQ, events)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events}), order())
    run_cycle(store, OFF)
    assert after(store, job).state is State.DONE
    return job


def begun_with_clock(store: Store, seconds_each: float) -> list[float]:
    """A cycle's first step by a clock that goes on by so much at each look; returns the waits."""
    waits: list[float] = []
    clock = (seconds_each * number for number in count())
    world = replace(surroundings_of(store, waits.append), monotonic=lambda: next(clock))
    assert steps.begin(store, SETTINGS, world, new_id(), Trigger.HAND) is None
    return waits
