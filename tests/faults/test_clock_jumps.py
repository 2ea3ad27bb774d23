"""The server's clock was wrong for a while: whatever it left behind holds nothing up for long."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import redis

from mutt_tasks.core.moments import iso
from mutt_tasks.store.store import Store
from tests.pipeline import (
    DLQ,
    INGEST,
    event,
    fill,
    now_of,
    numbers_in,
    run_cycle,
    settings_of,
)

DAY = 86_400.0
ROUTE = "mutt:remediation:route:alerter"


def _tick(client: redis.Redis, moment: float) -> None:
    client.set("mutt:remediation:tick", round(moment * 1000))


def _cursor(client: redis.Redis, moment: float) -> None:
    client.hset(ROUTE, mapping={"cursor": 3, "cursor_until": moment, "moved_at": moment})


def _pace(client: redis.Redis, moment: float) -> None:
    client.hset("mutt:remediation:pace", mapping={"tokens": 0, "at": moment})


def _health(client: redis.Redis, moment: float) -> None:
    fields: dict[Any, Any] = {"healthy": 0, "reason": "timeout", "checked_at": moment}
    fields |= {"usable_until": moment + 60, "not_before": moment + 60}
    client.hset("mutt:remediation:health", mapping=fields)


def _headers(client: redis.Redis, moment: float) -> None:
    client.delete(DLQ)
    header = {"replays": 1, "first_at": iso(moment), "last_at": iso(moment)}
    fill(client, DLQ, [event(n, _remediation=header) for n in range(5)])


def _journal(client: redis.Redis, moment: float) -> None:
    client.xadd("mutt:remediation:journal", {"event": "x"}, id=f"{round(moment * 1000)}-0")


@pytest.mark.parametrize("jump", [DAY, 365 * DAY, -DAY, -365 * DAY])
@pytest.mark.parametrize("leave", [_tick, _cursor, _pace, _health, _headers, _journal])
def test_moments_from_another_time_do_not_stop_a_drain(
    client: redis.Redis, store: Store, leave: Callable[[redis.Redis, float], None], jump: float
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    leave(client, now_of(store) + jump)
    for _ in range(3):
        run_cycle(store, settings_of(REMEDIATION_MAX_RATE=100))
        client.delete("mutt:remediation:lease")
    assert numbers_in(client, INGEST) == list(range(5))


@pytest.mark.parametrize("milliseconds", [math.inf, 3_600_000])
def test_a_lease_that_outlives_every_lease_is_taken_over(
    client: redis.Redis, store: Store, milliseconds: float
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    client.set("mutt:remediation:lease", "a" * 32)
    if math.isfinite(milliseconds):
        client.pexpire("mutt:remediation:lease", round(milliseconds))
    assert run_cycle(store, settings_of()).outcome == "replayed"
    assert numbers_in(client, INGEST) == list(range(5))


def test_a_drain_that_rests_as_long_as_it_may_keeps_its_lease(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(50)])
    settings = settings_of(REMEDIATION_DRAIN_INTERVAL=60)
    assert run_cycle(store, settings).next_cycle
    assert run_cycle(store, settings).outcome == "busy"
