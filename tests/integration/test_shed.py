"""What the alerter shed has not landed: it lies in the dead letter queue again, untried."""

import json

import redis

from mutt_tasks.store.store import Store
from tests.pipeline import (
    DLQ,
    INGEST,
    counters,
    event,
    fill,
    let_pass,
    lying_in,
    run_cycle,
    settings_of,
)


def shed(raw: bytes) -> bytes:
    """A replay as the alerter sets it aside when its alert queue is too long."""
    fields = json.loads(raw) | {"shedding_reason": "queue_full"}
    return json.dumps(fields).encode()


def test_of_a_batch_what_was_shed_counts_as_landed_by_nobody(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE=100, REMEDIATION_DRAIN="false")
    fill(client, DLQ, [event(n) for n in range(10)])
    while client.llen(DLQ):
        run_cycle(store, settings)
    replays = lying_in(client, INGEST)
    assert len(replays) == 10
    client.delete(INGEST)
    fill(client, DLQ, [shed(raw) for raw in replays[:4]])
    run_cycle(store, settings)  # sees them come back
    let_pass(store, 125)
    run_cycle(store, settings)
    assert counters(client)["landed:alerter"] == 6
