"""The forwarder's decisions, limiter and breaker, as MUTT's source has them."""

from functools import partial
from typing import Any

import pytest
import redis

from stand_ins import facts, forwarder, limiter, runtime
from stand_ins.breaker import CLOSED, OPEN, Breaker
from stand_ins.forwarder import Fate
from stand_ins.limiter import Limits
from stand_ins.runtime import RuntimeConfig

HAS_PLACE = limiter.TAKE_PLACE + "return take_place(KEYS[1], unpack(ARGV)) and 1 or 0"


def test_counter_limiter_and_breaker_are_asked_in_this_order_and_no_further_than_needed() -> None:
    asked: list[str] = []

    def noted(name: str, answer: bool) -> bool:
        asked.append(name)
        return answer

    def fate(tries: int, has_place: bool, is_open: bool) -> Fate:
        asked.clear()
        return forwarder.before_the_post(
            tries,
            has_place=partial(noted, "limiter", has_place),
            breaker_is_open=partial(noted, "breaker", is_open),
        )

    assert (fate(6, True, False), asked) == (Fate.GIVEN_UP, [])
    assert (fate(5, False, True), asked) == (Fate.DESTROYED, ["limiter"])
    assert (fate(5, True, True), asked) == (Fate.TRIED_AGAIN, ["limiter", "breaker"])
    assert (fate(0, True, False), asked) == (Fate.POSTED, ["limiter", "breaker"])


@pytest.mark.parametrize(
    ("status", "fate", "counts"),
    [
        *((status, Fate.DELIVERED, False) for status in (200, 201)),
        *((status, Fate.GIVEN_UP, False) for status in (202, 204, 301, 400, 404)),
        *((status, Fate.TRIED_AGAIN, True) for status in (429, 500, 503, facts.NO_ANSWER)),
        (facts.NOT_POSTED, Fate.TRIED_AGAIN, False),
    ],
)
def test_what_an_answer_makes_of_an_alert_and_of_the_breaker(
    status: int, fate: Fate, counts: bool
) -> None:
    breaker = Breaker(threshold=1)
    breaker.answered(status, 1.0)
    assert forwarder.answered(status) is fate
    assert (breaker.state == OPEN) is counts


def test_a_success_forgets_the_failures_and_other_answers_leave_them() -> None:
    breaker = Breaker(threshold=2)
    for status in (500, 400, 200, 500):
        breaker.answered(status, 1.0)
    assert (breaker.state, breaker.failures) == (CLOSED, 1)


def test_what_is_posted_holds_the_event_and_never_the_key() -> None:
    event = {"hostname": "h", "message": "m", "_correlation_id": "c-1"}
    posted = facts.posted(facts.alert(event, "the key", "team"), 7.9)
    assert posted["custom_info"] == event
    assert (posted["external_id"], posted["class"], posted["description"]) == ("c-1", "team", "m")
    assert (posted["severity"], posted["agent_time"]) == (3, 7)
    assert "the key" not in str(posted)


def test_a_severity_that_cannot_be_looked_up_is_an_error_and_an_unknown_one_a_warning() -> None:
    assert facts.posted({"severity": "Critical"}, 0.0)["severity"] == 5
    assert facts.posted({"severity": "Odd"}, 0.0)["severity"] == 3
    with pytest.raises(TypeError):
        facts.posted({"severity": ["Critical"]}, 0.0)


def test_limits_come_from_runtime_configuration_else_from_the_forwarder(client: Any) -> None:
    now = [0.0]
    config = RuntimeConfig(client.get, lambda: now[0])
    limits = Limits(config, 30, 0.5)
    assert limits.now() == (30, 500)
    client.mset({"mutt:config:moog_rate_limit": 5, "mutt:config:moog_rate_period": "soon"})
    assert limits.now() == (5, 500)
    client.set("mutt:config:moog_rate_period", 2)
    now[0] = runtime.CACHE_SECONDS
    assert limits.now() == (5, 2000)
    assert Limits(runtime.none(lambda: 0.0)).now() == (50, 1000)


def test_the_window_admits_its_limit_forgets_what_is_old_and_counts_a_millisecond_once(
    client: redis.Redis,
) -> None:
    def admits(now_ms: int) -> bool:
        return bool(client.eval(HAS_PLACE, 1, "window", *limiter.place(2, 1000, now_ms)))

    assert [admits(now) for now in (5000, 5000, 5001, 5002, 5999)] == [True] * 3 + [False] * 2
    assert admits(6000)  # the window holds what is younger than its length
    assert client.zrange("window", 0, -1, withscores=True) == [
        (limiter.member(5001).encode(), 5001.0),
        (limiter.member(6000).encode(), 6000.0),
    ]
    assert client.ttl("window") == limiter.expiry(1000)
