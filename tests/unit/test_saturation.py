"""What the looks at a limiter have shown, from look to look."""

from dataclasses import replace

import pytest

from mutt_tasks.core.saturation import Saturation
from mutt_tasks.core.sight import Sight
from mutt_tasks.core.stretch import Span, Stretch
from tests.unit.sights import sight

NOW = 1_800_000_000.0


def at(used: int = 10, **known: float) -> Saturation:
    """After a look that found so many alerts."""
    seen = Saturation(newer=Stretch(NOW, 9, 1.0), looked_at=NOW, newest=NOW, used=used)
    return replace(seen, **known)  # type: ignore[arg-type]


def test_a_span_goes_from_one_look_at_empty_queues_to_the_next() -> None:
    seen = at().sent(3, NOW)
    look = sight(12, leaving=(0.1, 0.985, 0.99))

    span = seen.span(look, NOW + 0.02)
    assert span == Span(span.seconds, 10, 12, 2, 3, is_quiet=False)
    assert span.seconds == pytest.approx(0.02)
    queued = replace(look, queued=1)
    waiting = seen.looked(seen.span(queued, NOW + 0.02), queued, 0.0, NOW + 0.02)
    assert (waiting.looked_at, waiting.coming, waiting.used) == (NOW, 3, 10)
    later = replace(look, leaving=(0.08, 0.965, 0.97))
    assert waiting.span(later, NOW + 0.04) == replace(
        span, seconds=waiting.span(later, NOW + 0.04).seconds
    )


def test_an_alert_that_was_taken_at_the_moment_of_a_look_counts_at_the_next_one() -> None:
    seen = at(newest=NOW - 0.03)
    look = sight(10, leaving=(0.5, 0.95, 0.98))

    assert seen.span(look, NOW + 0.02).took == 1  # at NOW; the other one was seen before
    found = seen.looked(seen.span(look, NOW + 0.02), look, 0.0, NOW + 0.02)
    assert found.newest == pytest.approx(NOW)
    later = replace(look, leaving=(0.48, 0.93, 0.96))
    assert found.span(later, NOW + 0.04).took == 0


def test_behind_a_queue_and_after_a_fifth_of_a_period_nobody_knows() -> None:
    look = sight(12)

    assert at().span(replace(look, queued=1), NOW + 0.02).seconds == 0
    assert at().span(look, NOW + 0.19).seconds > 0
    assert at().span(look, NOW + 0.21).seconds == 0
    assert at().span(replace(look, period=2.0), NOW + 0.21).seconds > 0
    assert at().span(look, NOW).seconds == 0


def test_replays_are_under_way_for_six_hundredths_of_a_second() -> None:
    look = sight(10)

    assert not at(sent_at=NOW - 0.05).span(look, NOW + 0.02).is_quiet
    assert at(sent_at=NOW - 0.07).span(look, NOW + 0.02).is_quiet


def test_of_a_large_window_what_was_taken_is_told_by_the_youngest_of_each_few() -> None:
    def took(*leaving: float) -> int:
        return at(100).span(sight(100, leaving=leaving, stride=4), NOW + 0.02).took

    assert (took(0.5), took(0.5, 0.99), took(0.5, 0.985, 0.99)) == (0, 1, 5)
    assert at(97).span(sight(100, leaving=(0.5,), stride=4), NOW + 0.02).took == 3


def test_a_new_stretch_begins_every_three_periods_beside_the_last_one() -> None:
    def begun(after: float, period: float = 1.0) -> bool:
        now = NOW + after
        seen = at(looked_at=now - 0.02)
        look = sight(10, period=period)
        found = seen.looked(seen.span(look, now), look, 0.0, now)
        return found.newer == Stretch(now) and found.older.level == 9

    assert [begun(2.9), begun(3.1), begun(3.1, 2.0), begun(6.1, 2.0)] == [False, True, False, True]


def test_what_should_have_come_adds_up_until_something_does() -> None:
    def unseen(look: Sight, expected: float = 0.5) -> float:
        seen = at(unseen=2.0)
        return seen.looked(seen.span(look, NOW + 0.02), look, expected, NOW + 0.02).unseen

    assert unseen(sight(10)) == 2.5
    assert unseen(sight(10, queued=1)) == 2.0
    assert unseen(sight(11, leaving=(0.99,))) == 0.0


def test_the_less_likely_stretch_tells_the_level() -> None:
    full = Stretch(NOW, level=20, quiet=1.0, live=9, quiet_full=1.0)
    less = Stretch(NOW, level=10, quiet=0.5, live=4)

    assert Saturation(older=full, newer=less).fullest(1.0) == (0.5**9, 20)
    assert Saturation(older=less, newer=full).fullest(1.0) == (0.5**9, 20)
