"""The consumers' own limits on a real server, and whether they are what they are believed to be."""

from dataclasses import replace

import pytest
import redis

from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.logs import log_cycle
from tests.flowing import Forwarder, drained_by, limiter_holds, metric
from tests.pipeline import (
    ALERTS,
    DLQ,
    INGEST,
    LIMITER,
    MOOG_DLQ,
    counters,
    event,
    fill,
    now_of,
    observe,
    run_cycle,
    settings_of,
)


@pytest.mark.parametrize("route", ["alerter", "moog"])
def test_a_limiter_that_is_switched_off_at_run_time_is_no_limiter_that_drops(
    client: redis.Redis, store: Store, route: str
) -> None:
    """MUTT's script then deletes its own set at once, so that nothing is ever seen there."""
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES=route)
    client.set("mutt:config:moog_rate_period", "0")
    fill(client, DLQ if route == "alerter" else MOOG_DLQ, [event(n) for n in range(100)])
    forwarder = Forwarder(client, store, limit=10**9)
    forwarder.key = "no limiter"

    drained_by(client, store, settings, 15, forwarder)

    assert forwarder.delivered == 100
    assert metric(store, "drops_total") == 0


def test_without_drains_a_batch_looks_on_until_its_last_replay_must_have_arrived(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(
        REMEDIATION_MAX_RATE="auto",
        REMEDIATION_ROUTES="moog",
        REMEDIATION_DRAIN="false",
        REMEDIATION_BATCH_SIZE=1000,
    )
    fill(client, MOOG_DLQ, [event(n) for n in range(400)])
    forwarder = Forwarder(client, store, limit=50)
    run_cycle(store, settings, wait=forwarder.work)  # the limiter is known
    sent_at: list[float] = []
    observe(store, commits=lambda: sent_at.append(now_of(store)))

    run_cycle(store, settings, wait=forwarder.work)

    assert now_of(store) - sent_at[-1] >= 1.0


@pytest.mark.parametrize("dynamic", ["true", "false"])
@pytest.mark.parametrize("route", ["alerter", "moog"])
def test_a_limit_that_is_lowered_in_the_middle_of_a_drain_is_kept_at_once(
    client: redis.Redis, store: Store, dynamic: str, route: str
) -> None:
    settings = settings_of(
        REMEDIATION_MAX_RATE="auto",
        REMEDIATION_ROUTES="alerter,moog",
        DYNAMIC_CONFIG_ENABLED=dynamic,
    )
    fill(client, DLQ if route == "alerter" else MOOG_DLQ, [event(n) for n in range(400)])
    forwarder = Forwarder(client, store, limit=50)
    drained_by(client, store, settings, 6, forwarder)
    assert forwarder.delivered > 60
    client.set("mutt:config:moog_rate_limit", "5")
    forwarder.limit = 5
    client.delete("mutt:remediation:lease")
    before = forwarder.delivered
    drained_by(client, store, settings, 60, forwarder)

    assert forwarder.dropped_replays <= 5  # what was on its way
    assert forwarder.delivered - before > 30


@pytest.mark.parametrize("route", ["alerter", "moog"])
def test_a_limit_that_is_smaller_than_any_setting_says_is_found_and_kept(
    client: redis.Redis, store: Store, route: str
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="alerter,moog")
    fill(client, DLQ if route == "alerter" else MOOG_DLQ, [event(n) for n in range(400)])
    forwarder = Forwarder(client, store, limit=10, live=2)
    result = drained_by(client, store, settings, 20, forwarder)

    assert counters(client)["drops"] >= 1
    assert metric(store, "limiter_alerts") <= 9
    lost = forwarder.dropped_replays
    assert lost < 100
    before = forwarder.delivered
    client.delete("mutt:remediation:lease")
    result = drained_by(client, store, settings, 60, forwarder)
    assert result.routes[route].reason != "window"
    assert forwarder.dropped_replays - lost <= 2
    assert forwarder.delivered - before > 60


def test_a_limiter_under_another_key_holds_the_forwarders_route_and_says_dropping(
    client: redis.Redis, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog")
    fill(client, MOOG_DLQ, [event(n) for n in range(100)])
    forwarder = Forwarder(client, store, limit=50)
    forwarder.key = "another:limiter"
    result = drained_by(client, store, settings, 8, forwarder)

    assert result.reason == "dropping"
    assert metric(store, "dropping") == 1
    assert forwarder.delivered <= 12
    log_cycle(replace(result, dropped=7))
    assert [record.levelname for record in caplog.records if "dropping" in record.message] == [
        "WARNING"
    ]


def test_while_nobody_takes_the_first_canary_nothing_follows_it(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(n) for n in range(400)])
    result = run_cycle(store, settings)
    for _ in range(60):
        result = run_cycle(store, settings, result.next_cycle)

    assert (result.reason, client.llen(INGEST)) == ("not_taken", 10)
    forwarder = Forwarder(client, store, limit=50, live=5)
    drained_by(client, store, settings, 0, forwarder)
    client.delete("mutt:remediation:lease")
    drained_by(client, store, settings, 30, forwarder)
    assert forwarder.dropped_replays == 0
    assert forwarder.delivered > 200


def test_a_queue_that_stands_before_a_forwarder_that_sleeps_is_named(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(n) for n in range(400)])
    limiter_holds(client, store, 20)
    run_cycle(store, settings)
    client.delete(INGEST, LIMITER, "mutt:remediation:lease")
    client.lpush(ALERTS, *(b'{"live": %d}' % n for n in range(30)))
    result = run_cycle(store, settings)

    assert (result.reason, client.llen(INGEST)) == ("queue_standing", 0)
    assert result.next_cycle  # the drain goes on: the queue will be gone in a moment


@pytest.mark.parametrize("threshold", [5, 20])
def test_replays_never_fill_the_alert_queue_up_to_a_lowered_shed_threshold(
    client: redis.Redis, store: Store, threshold: int
) -> None:
    client.set("mutt:config:alerter_queue_shed_threshold", str(threshold))
    fill(client, MOOG_DLQ, [event(n) for n in range(100)])
    settings = settings_of(REMEDIATION_ROUTES="moog", REMEDIATION_BATCH_SIZE=50)
    result = run_cycle(store, settings)
    for _ in range(5):
        result = run_cycle(store, settings, result.next_cycle)

    assert client.llen(ALERTS) == threshold // 2
    assert result.reason == "backpressure"
