"""How often Moogsoft is asked while it is down: thrice a minute, and within 30 s of the last."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.asking import Asking

TTL = 60.0


def most_in_a_minute(asked: list[float]) -> int:
    return max(sum(start <= at < start + 60 for at in asked) for start in asked)


def asked_for(seconds: float, answers_after: float = 0.0) -> list[float]:
    """When a Moogsoft that is down is asked, from its first failed answer on."""
    asking, at, asked = Asking(), 0.0, []
    while at < seconds:
        asked.append(at)
        asking = asking.answered(False, at, TTL)
        at = asking.next_at(at + answers_after)
    return asked


def test_the_second_question_comes_after_five_seconds_and_then_twice_a_minute() -> None:
    assert asked_for(150) == [0.0, 5.0, 32.5, 60.0, 87.5, 115.0, 142.5]


@given(st.floats(0, 20))
def test_a_recovery_is_found_within_half_a_minute_by_three_questions_a_minute(
    answers_after: float,
) -> None:
    asked = asked_for(3600, answers_after)
    assert most_in_a_minute(asked) <= 3
    assert all(0 < later - at <= 30 for at, later in pairwise(asked))


@given(st.lists(st.booleans(), min_size=20, max_size=60), st.floats(20, 120))
def test_a_moogsoft_that_flaps_is_asked_no_more_often(answers: list[bool], ttl: float) -> None:
    asking, at, asked = Asking(), 0.0, []
    for healthy in answers:
        asked.append(at)
        asking = asking.answered(healthy, at, ttl)
        at = max(at + ttl, asking.earliest()) if healthy else asking.next_at(at)
    assert most_in_a_minute(asked) <= 3


@given(st.lists(st.floats(0.1, 20), min_size=10, max_size=60))
def test_hastened_questions_are_not_too_many_and_leave_the_regular_ones_their_time(
    looks: list[float],
) -> None:
    asking = Asking().answered(False, 0.0, TTL)
    asked, at = [0.0], 0.0
    for gap in looks:
        at += gap
        due = asking.next_at(asked[-1])
        while due <= at:  # the regular ones
            asked.append(due)
            asking = asking.answered(False, due, TTL)
            due = asking.next_at(due)
        if asking.may_hasten(at):
            asked.append(at)
            asking = asking.answered(False, at, TTL)
    assert most_in_a_minute(asked) <= 3
    assert all(later - before <= 30 for before, later in pairwise(asked))


def test_a_question_may_be_hastened_once_the_ones_before_are_long_enough_ago() -> None:
    soon = Asking().answered(False, 0.0, TTL).answered(False, 5.0, TTL)
    assert not soon.may_hasten(32.4)
    later = soon.answered(False, 32.5, TTL).answered(False, 60.0, TTL)
    assert not later.may_hasten(64.9)
    assert later.may_hasten(65.0)


def test_whoever_wants_an_answer_for_each_batch_is_not_slowed_down_by_healthy_ones() -> None:
    asking = Asking()
    for at in (0.0, 1.0, 2.0):
        asking = asking.answered(True, at, ttl=0)
    assert asking.answered(False, 3.0, ttl=0).next_at(3.0) == 8.0


# --- at the bounds ---


def down(*asked: float) -> Asking:
    """After failed answers to questions at these moments."""
    asking = Asking()
    for at in asked:
        asking = asking.answered(False, at, TTL)
    return asking


def test_a_slow_answer_is_followed_by_a_pause_of_two_seconds() -> None:
    assert down(0.0).next_at(1.0) == 5.0
    assert down(0.0).next_at(3.0) == 5.0
    assert down(0.0).next_at(3.5) == 5.5
    assert down(0.0, 5.0).next_at(31.0) == 33.0
    assert Asking().next_at(7.0) == 12.0


def test_a_fourth_question_comes_a_minute_after_the_first_of_three() -> None:
    assert down(0.0, 5.0).earliest() == 0.0
    assert down(0.0, 5.0, 32.5).earliest() == 60.0
    assert down(0.0, 5.0, 32.5, 60.0) == Asking(4, (5.0, 32.5, 60.0))


def test_a_healthy_answer_ends_the_row_and_its_question_counts_if_it_is_used_for_20_seconds() -> (
    None
):
    assert down(0.0, 5.0).answered(True, 32.5, ttl=20.0) == Asking(0, (0.0, 5.0, 32.5))
    assert down(0.0, 5.0).answered(True, 32.5, ttl=19.9) == Asking(0, ())


def test_a_question_is_not_hastened_where_the_two_after_it_would_have_to_wait() -> None:
    # After one more at 65 the regular ones come at 92.5 and 120: a minute behind 32.5 and 60.
    assert Asking().may_hasten(0.0)
    assert down(0.0).may_hasten(32.5)
    assert down(0.0).may_hasten(5.0)
    assert not down(0.0).may_hasten(4.9)
    assert not down(0.0, 5.0).may_hasten(32.4)
    assert down(0.0, 5.0).may_hasten(32.5)
