"""How large the next batch may be, step by step."""

from dataclasses import replace

import pytest

from mutt_tasks.core.window import Bounds, Window

BOUNDS = Bounds(canary=10, largest=1000, backoff=60.0)


def test_a_canary_is_no_larger_than_the_largest_batch() -> None:
    assert Window.canary(BOUNDS) == Window(10)
    assert Window.canary(replace(BOUNDS, largest=4)) == Window(4)


def test_a_window_is_cut_to_what_the_settings_allow_and_keeps_what_it_knows() -> None:
    known = Window(500, steady=300, is_canary=False)

    assert known.within(BOUNDS) == known
    assert known.within(replace(BOUNDS, largest=100)) == replace(known, size=100)


def test_half_a_window_is_where_doubling_ends() -> None:
    assert Window(81, is_canary=False).halved() == Window(40, 40, is_canary=False)
    assert Window(1, is_canary=False).halved() == Window(1, 1, is_canary=False)


@pytest.mark.parametrize(
    ("size", "queued", "is_piling_up"),
    [(100, 25, False), (100, 26, True), (1, 1, False), (1, 2, True), (7, 1, False), (7, 2, True)],
)
def test_replays_pile_up_from_more_than_a_quarter_of_the_window_on(
    size: int, queued: int, is_piling_up: bool
) -> None:
    assert Window(size).is_piling_up(queued) is is_piling_up


def test_a_narrowed_window_is_what_the_consumer_took() -> None:
    window = Window(100, is_canary=False)

    assert window.narrowed(60, BOUNDS) == Window(60, 60, is_canary=False)
    assert window.narrowed(1, BOUNDS) == Window(1, 1, is_canary=False)
    assert window.narrowed(150, BOUNDS) == Window(100, 100, is_canary=False)
    # Where nothing was taken, it is a canary's size; never wider than before.
    assert window.narrowed(0, BOUNDS) == Window(10, 10, is_canary=False)
    assert window.narrowed(-5, BOUNDS) == Window(10, 10, is_canary=False)
    assert Window(4, is_canary=False).narrowed(0, BOUNDS) == Window(4, 4, is_canary=False)


def wider(window: Window, batch: int, queued: int = 0) -> int:
    return window.widened(batch, queued, BOUNDS).size


def test_only_a_window_of_which_three_quarters_were_used_is_widened() -> None:
    assert wider(Window(100), 75) == 200
    assert wider(Window(100), 74) == 100


def test_a_window_doubles_up_to_where_it_was_narrowed_and_grows_by_a_tenth_from_there() -> None:
    assert wider(Window(40, steady=50), 40) == 80
    assert wider(Window(50, steady=50), 50) == 55
    assert wider(Window(60, steady=50), 60) == 66
    assert wider(Window(5, steady=5), 5) == 6
    assert wider(Window(600), 600) == 1000
    assert wider(Window(950, steady=5), 950) == 1000


def test_where_an_eighth_lies_in_the_queue_the_consumer_takes_no_more() -> None:
    assert wider(Window(80, steady=80), 80, queued=10) == 88
    assert wider(Window(80, steady=80), 80, queued=11) == 80
    # That is not asked before the window was ever narrowed.
    assert wider(Window(80), 80, queued=11) == 160


def test_a_canary_that_lies_in_a_queue_is_still_one_if_others_wait_for_it() -> None:
    unlimited = replace(BOUNDS, awaits_canary=False)

    assert Window(10).widened(10, 1, BOUNDS).is_canary
    assert not Window(10).widened(10, 0, BOUNDS).is_canary
    assert not Window(10).widened(10, 1, unlimited).is_canary
    assert not Window(10, is_canary=False).widened(10, 1, BOUNDS).is_canary
    # Also where something else was the limit.
    assert not Window(10).widened(1, 0, BOUNDS).is_canary
