"""What the forwarder's breaker means, as it stands in Redis."""

import math

import pytest

from mutt_tasks.core.breaker import Breaker, Marks, State, judged

NOW, TIMEOUT = 1_000_000.0, 300.0


@pytest.mark.parametrize(
    ("marks", "state"),
    [
        (Marks(), State.CLOSED),
        (Marks(b"CLOSED", b"999900"), State.CLOSED),
        (Marks(b"HALF_OPEN", b"999900"), State.CLOSED),
        (Marks(b"nonsense"), State.CLOSED),
        (Marks(b"OPEN", b"999999.5"), State.OPEN),
        (Marks(b'"open"\n', b'"999900.25"'), State.OPEN),
        (Marks(b"OPEN", b"999700.1"), State.OPEN),
        (Marks(b"OPEN", b"999700"), State.STALE),
        (Marks(b"OPEN", b"0"), State.STALE),
        (Marks(b"OPEN", b"1000030"), State.OPEN),  # another clock
    ],
)
def test_open_counts_until_its_time_is_over(marks: Marks, state: State) -> None:
    assert judged(marks, NOW, TIMEOUT).state is state


def test_an_open_breaker_says_until_when_and_a_stale_one_since_when() -> None:
    assert judged(Marks(b"OPEN", b"999900"), NOW, TIMEOUT) == Breaker(State.OPEN, 1_000_200)
    assert judged(Marks(b"OPEN", b"900000"), NOW, TIMEOUT) == Breaker(State.STALE, 900_300)


@pytest.mark.parametrize("open_time", [None, b"", b"soon", b"nan", b"inf", b"-5", b"2000000"])
def test_an_open_without_a_usable_time_counts_from_when_it_was_first_seen(
    open_time: bytes | None,
) -> None:
    unseen = judged(Marks(b"OPEN", open_time), NOW, TIMEOUT)
    assert unseen == Breaker(State.OPEN, NOW + TIMEOUT, is_undated=True)
    seen = Marks(b"OPEN", open_time, seen_at=NOW - 299)
    assert judged(seen, NOW, TIMEOUT) == Breaker(State.OPEN, NOW + 1, is_undated=True)
    assert judged(seen, NOW + 1, TIMEOUT) == Breaker(State.STALE, NOW + 1, is_undated=True)


def test_a_moment_of_first_sight_in_the_future_is_none() -> None:
    marks = Marks(b"OPEN", seen_at=NOW + 3600)
    assert judged(marks, NOW, TIMEOUT).until == NOW + TIMEOUT


@pytest.mark.parametrize("state", [None, b"CLOSED", b"OPEN"])
def test_an_older_forwarders_mark_is_open_while_it_is_there(state: bytes | None) -> None:
    found = judged(Marks(state, b"0", has_old_mark=True), NOW, TIMEOUT)
    assert (found.state, found.until) == (State.OPEN, math.inf)


def test_only_an_open_breaker_holds() -> None:
    assert Breaker(State.OPEN).is_open
    assert not Breaker(State.STALE).is_open
    assert not Breaker(State.CLOSED).is_open


def test_a_clock_may_be_ahead_by_a_minute_and_no_more() -> None:
    assert judged(Marks(b"OPEN", b"1000060"), NOW, TIMEOUT) == Breaker(State.OPEN, 1_000_360)
    assert judged(Marks(b"OPEN", b"1000060.5"), NOW, TIMEOUT).is_undated


def test_a_breaker_that_was_seen_just_now_counts_from_now() -> None:
    assert judged(Marks(b"OPEN", seen_at=NOW), NOW, TIMEOUT).until == NOW + TIMEOUT


def test_an_older_mark_beside_a_closed_breaker_is_dated_and_beside_an_undated_one_not() -> None:
    assert not judged(Marks(b"CLOSED", has_old_mark=True), NOW, TIMEOUT).is_undated
    assert judged(Marks(b"OPEN", has_old_mark=True), NOW, TIMEOUT).is_undated
    assert not judged(Marks(b"OPEN", b"999900", has_old_mark=True), NOW, TIMEOUT).is_undated


def test_a_closed_breaker_has_no_end() -> None:
    assert judged(Marks(b"CLOSED"), NOW, TIMEOUT) == Breaker(State.CLOSED, 0.0)
    assert Breaker(State.CLOSED).until == 0.0
