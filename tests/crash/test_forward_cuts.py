"""Messages on their way to the old end of a long list, their worker killed at any command."""

from dataclasses import replace

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mutt_tasks import cycle as steps
from mutt_tasks.core.moments import iso
from mutt_tasks.cycle import Trigger
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import ScanBounds, new_id
from tests.model.faults import Dead, Fault, struck_by
from tests.pipeline import (
    DLQ,
    HEALTHY,
    INGEST,
    event,
    fill,
    lying_in,
    now_of,
    numbers_in,
    settings_of,
    surroundings_of,
)

SETTINGS = settings_of(REMEDIATION_DRAIN_INTERVAL=0, REMEDIATION_RETRY_BACKOFF=3600)
OURS = "mutt:remediation:"
BESIDE = [f"{OURS}{kind}:alerter" for kind in ("aside", "front")]
EVENTS = [event(n) for n in range(20, 30)]


def cycle(client: redis.Redis, store: Store) -> None:
    """A cycle, after whoever had the lease has been dead for long enough."""
    client.delete(f"{OURS}lease")
    # So short a list is deep already.
    world = replace(surroundings_of(store), scan=ScanBounds(messages=20, deep=3))
    name = new_id()
    if steps.begin(store, SETTINGS, world, name, Trigger.HAND) is None:
        steps.replay(store, SETTINGS, world, name, HEALTHY)


def prepare(client: redis.Redis) -> tuple[Store, list[bytes]]:
    """Ten that can go behind eight that wait; the next cycle is to bring some of them."""
    client.flushall()
    port = client.connection_pool.connection_kwargs["port"]
    store = Store(redis.Redis(port=port, retry=Retry(NoBackoff(), 3)))
    stamp = {"replays": 1, "last_at": iso(now_of(store))}
    older = [event(n, _remediation=stamp) for n in range(8)]
    fill(client, DLQ, [*older, *EVENTS])
    cycle(client, store)
    assert client.exists(f"{OURS}forward:alerter")
    return store, older


def is_cut(client: redis.Redis, kind: str, at: int) -> bool:
    """Whether a cycle sends so many commands; whatever becomes of it, nothing is lost."""
    store, older = prepare(client)
    has_died = False
    try:
        with struck_by(Fault(kind, at, False)):
            cycle(client, store)
    except Dead:
        has_died = True
    lists = [DLQ, INGEST, *BESIDE]
    numbers = sorted(number for name in lists for number in numbers_in(client, name))
    assert numbers == [*range(8), *range(20, 30)], (kind, at)
    for _ in range(12):
        if client.llen(INGEST) < len(EVENTS):
            cycle(client, store)
    assert numbers_in(client, INGEST) == list(range(20, 30)), (kind, at)
    assert lying_in(client, DLQ) == older, (kind, at)
    assert not client.exists(*BESIDE), (kind, at)
    return has_died


def test_whoever_is_killed_while_messages_are_brought_forward_loses_none(
    client: redis.Redis,
) -> None:
    commands = 0
    while is_cut(client, "before", commands):
        commands += 1
    assert commands > 20
    assert all(is_cut(client, "after", at) for at in range(commands))
    for at in range(commands):
        is_cut(client, "lost", at)  # the answer; then it is asked for again
