"""What a cycle's end enters for the service levels, against a plain model of each message."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.slo_books import (
    CONSERVED,
    LANDED,
    ON_TIME,
    RECOVERED,
    Books,
    Count,
    Counted,
    Queue,
    Seen,
    looked,
    totals,
)

# Arrivals lie on whole seconds in these tests, so no stay lasts exactly as long as it may.
WITHIN = 899.5
INTERVAL = 300.0


@dataclass
class Message:
    """A message that came when the clock of health showed `came`."""

    came: float
    is_late: bool = False


@dataclass
class Plain:
    """A queue whose messages are each looked at: those that wait, and how many were judged."""

    waiting: list[Message] = field(default_factory=list)
    clock: float = 0.0
    judged: int = 0
    late: int = 0

    def passes(self, seconds: float, come: int, is_well: bool) -> None:
        """Time passes; so many messages come, evenly spread."""
        began, self.clock = self.clock, self.clock + (seconds if is_well else 0.0)
        gap = self.clock - began
        self.waiting += [Message(began + gap * (n + 1) / come) for n in range(come)]

    def looked(self, leave: int) -> None:
        """A cycle ends, in which so many messages left, the oldest first."""
        for message in self.waiting:
            if not message.is_late and message.came <= self.clock - WITHIN:
                message.is_late = True
                self.late, self.judged = self.late + 1, self.judged + 1
        gone, self.waiting = self.waiting[:leave], self.waiting[leave:]
        self.judged += sum(not message.is_late for message in gone)


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[float, int, int, bool]]:
    """Stretches of time: how long, how many come, how many may leave, and whether all is well."""
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from([60.0, 120.0, 300.0, 1800.0, 7200.0]),
                st.integers(0, 6),
                st.integers(0, 8),
                st.booleans(),
            ),
            max_size=40,
        )
    )


def seen(
    at: float, depth: int, left: int, *, is_well: bool = True, interval: float = 300.0
) -> Seen:
    return Seen(at, is_well, interval, {"alerter": Queue(depth, left)})


def counts(books: Books, at: float, counted: Counted = Counted()) -> dict[str, Count]:  # noqa: B008
    return totals(books, counted, at, WITHIN)


@given(steps(), st.integers(0, 50))
def test_stays_are_judged_as_if_each_message_had_a_clock_of_its_own(
    stretches: list[tuple[float, int, int, bool]], left: int
) -> None:
    plain, at, was_well = Plain(), 1000.0, True
    books = looked(Books(), seen(at, 0, left), WITHIN)
    for seconds, come, may_leave, is_well in stretches:
        at += seconds
        plain.passes(seconds, come, was_well)
        leave = min(may_leave, len(plain.waiting))
        plain.looked(leave)
        left += leave
        books = looked(books, seen(at, len(plain.waiting), left, is_well=is_well), WITHIN)
        was_well = is_well

        assert counts(books, at)[RECOVERED] == Count(plain.judged, plain.late)


@given(steps(), st.lists(st.sampled_from([0.4, 0.7, 1.0, 2.5]), min_size=41, max_size=41))
def test_what_is_shown_between_two_cycles_is_never_taken_back(
    stretches: list[tuple[float, int, int, bool]], looks: list[float]
) -> None:
    books, at, depth, left = looked(Books(), seen(1000.0, 0, 0), WITHIN), 1000.0, 0, 0
    shown = counts(books, at)
    for (seconds, come, leave, is_well), look in zip(stretches, looks, strict=False):
        between = counts(books, at + min(look, 1.0) * seconds)
        at += seconds
        depth += come
        gone = min(leave, depth)
        depth, left = depth - gone, left + gone
        books = looked(books, seen(at, depth, left, is_well=is_well), WITHIN)
        for name, count in counts(books, at).items():
            assert shown[name].events <= between[name].events <= count.events
            assert shown[name].failures <= between[name].failures <= count.failures
            assert count.failures <= count.events
        shown = counts(books, at)


def test_what_waits_is_late_once_also_when_it_leaves_later() -> None:
    books = looked(Books(), seen(0.0, 0, 0), WITHIN)
    books = looked(books, seen(60.0, 10, 0), WITHIN)

    assert counts(books, 900.0)[RECOVERED] == Count(0, 0)
    assert counts(books, 1000.0)[RECOVERED] == Count(10, 10)  # no cycle has looked yet
    books = looked(books, seen(1200.0, 0, 10), WITHIN)
    assert counts(books, 1200.0)[RECOVERED] == Count(10, 10)


@pytest.mark.parametrize(("is_well", "late"), [(True, 7), (False, 0)])
def test_the_clock_stands_while_moogsoft_is_ill_or_an_operator_pauses(
    is_well: bool, late: int
) -> None:
    """In an hour of health ten come evenly; for three of them the quarter hour is not over."""
    books = looked(Books(), seen(0.0, 0, 0, is_well=is_well), WITHIN)
    books = looked(books, seen(3600.0, 10, 0, is_well=is_well), WITHIN)

    assert counts(books, 3600.0)[RECOVERED] == Count(late, late)


def test_what_came_while_no_worker_ran_is_late_when_one_comes_back() -> None:
    books = looked(Books(), seen(0.0, 0, 0), WITHIN)
    books = looked(books, seen(7200.0, 70, 10), WITHIN)  # 80 came, and ten left with this cycle

    assert counts(books, 7200.0)[RECOVERED] == Count(70, 70)


def test_messages_that_lie_there_at_the_first_look_have_their_time_from_then_on() -> None:
    books = looked(Books(), seen(0.0, 100, 5), WITHIN)

    assert counts(books, 800.0)[RECOVERED] == Count(0, 0)
    books = looked(books, seen(800.0, 40, 65), WITHIN)
    assert counts(books, 800.0)[RECOVERED] == Count(60, 0)
    assert counts(books, 1000.0)[RECOVERED] == Count(100, 40)


def test_a_book_stays_small_however_often_it_is_written() -> None:
    books = Books()
    for second in range(5000):
        books = looked(books, seen(float(second), second % 7, second), WITHIN)

    assert len(books.queues["alerter"].marks) <= 70


# --- on time ---


@given(st.lists(st.floats(0.8, 1.2), min_size=1, max_size=50))
def test_ticks_that_are_a_little_early_or_late_miss_nothing(gaps: list[float]) -> None:
    books, at = looked(Books(), seen(0.0, 0, 0), WITHIN), 0.0
    for gap in gaps:
        at += gap * INTERVAL
        books = looked(books, seen(at, 0, 0), WITHIN)

    assert counts(books, at)[ON_TIME] == Count(len(gaps) + 1, 0)


@given(st.integers(1, 50))
def test_a_gap_misses_what_would_have_fitted_into_it(intervals: int) -> None:
    books, at = looked(Books(), seen(0.0, 0, 0), WITHIN), intervals * INTERVAL + 3

    assert counts(books, at)[ON_TIME] == Count(intervals, intervals - 1)
    books = looked(books, seen(at, 0, 0), WITHIN)
    assert counts(books, at)[ON_TIME] == Count(intervals + 1, intervals - 1)


def test_the_cycles_of_a_drain_stand_in_for_ticks_and_miss_nothing() -> None:
    books = Books()
    for second in range(3600):
        books = looked(books, seen(float(second), 5, second), WITHIN)

    found = counts(books, 3600.0)[ON_TIME]
    assert found.failures == 0
    assert 12 <= found.events <= 17


def test_a_gap_is_reckoned_by_the_interval_that_was_in_force_in_it() -> None:
    books = looked(Books(), seen(0.0, 0, 0, interval=10.0), WITHIN)
    books = looked(books, seen(10.0, 0, 0, interval=1000.0), WITHIN)
    books = looked(books, seen(1010.0, 0, 0, interval=10.0), WITHIN)

    assert counts(books, 1010.0)[ON_TIME] == Count(3, 0)


def test_a_clock_that_goes_back_misses_nothing() -> None:
    books = looked(Books(), seen(1e9, 0, 0), WITHIN)
    books = looked(books, seen(1000.0, 0, 0), WITHIN)
    books = looked(books, seen(1300.0, 0, 0), WITHIN)

    assert counts(books, 1300.0)[ON_TIME].failures == 0
    assert counts(books, 1300.0)[RECOVERED] == Count(0, 0)


# --- landed and conserved ---


def test_replays_that_landed_and_alerts_that_came_back_are_counted_once_each() -> None:
    found = counts(Books(), 0.0, Counted(landed=95, returned=3, dropped=2))

    assert found[LANDED] == Count(98, 5)  # what was dropped had landed, as far as was seen
    assert found[CONSERVED] == Count(2, 2)


@pytest.mark.parametrize(
    ("counted", "found"),
    [
        (Counted(brought=100), Count(100, 0)),
        (Counted(brought=107, missing=7), Count(107, 7)),
        (Counted(brought=100, missing=7, dropped=5), Count(100, 12)),
    ],
)
def test_what_left_the_lists_uncounted_and_what_was_dropped_is_not_conserved(
    counted: Counted, found: Count
) -> None:
    assert counts(Books(), 0.0, counted)[CONSERVED] == found
