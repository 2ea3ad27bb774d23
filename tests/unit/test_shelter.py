"""How many alerts stay before a forwarder that cannot deliver, and what moving one aside says."""

import json
from math import ceil

import pytest

from mutt_tasks.core.limiter import Accepted, Limiter
from mutt_tasks.core.live_traffic import LiveTraffic
from mutt_tasks.core.routes import moog_route
from mutt_tasks.core.shelter import (
    IN_TIME_SECONDS,
    KEPT_SHARE,
    excess,
    kept,
    sheltered,
    stands_too_long,
)

MOOG = moog_route("dlq", "alerts", "dead")
QUIET = LiveTraffic()
# What stays of a limiter of fifty, without live traffic.
STAY = 10


def limiter(limit: int, used: int = 0, period: float = 1.0) -> Limiter:
    return Limiter(limit, period, Accepted(used))


def busy(mean: float) -> LiveTraffic:
    return LiveTraffic(mean=mean, spread=mean, samples=100, sampled_at=1.0)


@pytest.mark.parametrize(
    ("limit", "stay"), [(500, 100), (50, 10), (49, 9), (10, 2), (5, 1), (4, 1), (1, 1)]
)
def test_a_fifth_of_what_the_limiter_takes_stays_and_at_least_one(limit: int, stay: int) -> None:
    assert kept(limiter(limit), QUIET) == stay


@pytest.mark.parametrize("mean", [5.0, 20.0, 30.0, 45.0, 500.0])
def test_what_stays_leaves_room_for_live_alerts_of_the_same_period(mean: float) -> None:
    """One stays in any case: nobody else can find out that Moogsoft is back."""
    stay = kept(limiter(50), busy(mean))
    assert stay == max(1, min(int(KEPT_SHARE * 50), 50 - ceil(busy(mean).most(1.0))))
    assert stay == 1 or stay + busy(mean).most(1.0) <= 50


def test_heavier_live_traffic_leaves_less() -> None:
    amounts = [kept(limiter(50), busy(mean)) for mean in (0.0, 10.0, 20.0, 25.0, 45.0)]
    assert amounts == sorted(amounts, reverse=True)
    assert (amounts[0], amounts[-1]) == (STAY, 1)


def test_nothing_is_moved_aside_that_the_forwarder_delivers_in_time() -> None:
    used = 20
    in_time = int(used * IN_TIME_SECONDS)
    assert excess(in_time, limiter(50, used), QUIET) == 0
    assert excess(in_time + 1, limiter(50, used), QUIET) == in_time + 1 - STAY
    # The same number in a period twice as long is half the rate.
    assert excess(in_time, limiter(50, used, period=2.0), QUIET) == in_time - STAY


def test_all_but_what_stays_is_too_much_where_the_forwarder_takes_nothing() -> None:
    assert [excess(queued, limiter(50), QUIET) for queued in (0, 1, 10, 11, 1000)] == [
        *(0, 0, 0, 1, 990)
    ]


def test_a_queue_stands_too_long_that_is_longer_than_what_may_stay() -> None:
    assert not stands_too_long(STAY, 0, 50, 1.0)
    assert stands_too_long(STAY + 1, 0, 50, 1.0)
    assert not stands_too_long(100, 20, 50, 1.0)
    assert stands_too_long(101, 20, 50, 1.0)
    assert not stands_too_long(1, 0, 1, 1.0)
    assert stands_too_long(2, 0, 1, 1.0)


def header(**fields: object) -> bytes:
    """An alert with a header and counters of ours."""
    ours = {"replays": 2, "forgiven": 2, "last_at": "2024-05-01T12:00:00.000Z"}
    return json.dumps({"severity": "major", "_remediation": ours} | fields).encode()


def stamp(payload: bytes) -> tuple[int, int, str]:
    found = json.loads(payload)["_remediation"]
    return found["replays"], found["forgiven"], found["lane"]


def test_a_replay_that_nobody_tried_is_undone() -> None:
    found = sheltered(header(_moog_retry_count=0), MOOG, "c")
    assert found.undoes_replay
    assert stamp(found.payload) == (1, 1, "sheltered")


def test_a_replay_that_was_tried_counts() -> None:
    found = sheltered(header(_moog_retry_count=1), MOOG, "c")
    assert not found.undoes_replay
    assert stamp(found.payload) == (2, 2, "sheltered")


def test_a_live_alert_has_no_replay_to_undo() -> None:
    found = sheltered(b'{"severity":"major"}', MOOG, "c")
    assert not found.undoes_replay
    assert stamp(found.payload) == (0, 0, "sheltered")


@pytest.mark.parametrize("raw", [b"no object", b"[]", b""])
def test_what_is_no_object_goes_as_it_is(raw: bytes) -> None:
    found = sheltered(raw, MOOG, "c")
    assert (found.payload, found.undoes_replay) == (raw, False)


def test_live_alerts_are_counted_over_the_whole_of_a_long_period() -> None:
    # 8 a second are 32 in four seconds, and 32 + 4 * sqrt(32 * 1.08) + 2.5 leave no room in 50.
    assert kept(limiter(50, period=4.0), busy(8.0)) == 1
    assert kept(limiter(50, period=1.0), busy(8.0)) == 10
