"""The window, the landing of replays, the breaker: told as looks between batches."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.failures import Failures
from mutt_tasks.core.flow import Flow, Landing, Settled, Trouble, quota, settle
from mutt_tasks.core.limits import BACKOFF, NOT_TAKEN, WINDOW, Allowance
from mutt_tasks.core.window import Bounds

NOW = 1_800_000_000.0
BOUNDS = Bounds(canary=10, largest=1000, backoff=60)


@dataclass
class Story:
    """A route through time; replays are sent and looked at one second later."""

    flow: Flow = field(default_factory=Flow)
    now: float = NOW
    landed: int = 0
    trips: int = 0
    bounds: Bounds = BOUNDS

    def look(
        self,
        seconds: float = 1.0,
        is_healthy: bool = True,
        is_dropping: bool = False,
        **landing: Any,
    ) -> Settled:
        """Time passes, then a look finds this."""
        self.now += seconds
        found = Landing(**({"source": 1000} | landing))
        settled = settle(self.flow, found, self.bounds, Trouble(is_healthy, is_dropping), self.now)
        self.flow = settled.flow
        self.landed += settled.landed
        self.trips += settled.has_tripped
        return settled

    def send(self, messages: int = 0) -> int:
        """A batch of so many, or of what the quota allows."""
        sent = messages or quota(self.flow, self.bounds, self.now).messages
        self.flow = self.flow.moved(sent, sent, self.now)
        return sent


def begun(**landing: Any) -> Story:
    """A story whose first look is over."""
    story = Story()
    story.look(**landing)
    return story


def widened(seconds: int = 4) -> Story:
    """A story in which everything stuck for a while, beside steady live traffic."""
    story = begun(live=20)
    for _ in range(seconds):
        story.send()
        story.look(live=20)
    return story


# --- the window ---


def test_the_first_batch_is_a_canary_and_each_that_lands_doubles_the_next() -> None:
    story, sent = begun(), []
    for _ in range(9):
        sent.append(story.send())
        story.look()

    assert sent == [10, 20, 40, 80, 160, 320, 640, 1000, 1000]


def test_a_canary_is_given_time_to_come_back() -> None:
    story = begun()
    story.send()

    held = quota(story.flow, BOUNDS, story.now + 0.4)

    assert (held.messages, held.limit, round(held.delay, 6)) == (0, WINDOW, 0.6)


def test_a_window_that_was_not_used_up_is_not_made_wider() -> None:
    story = begun()
    for _ in range(5):
        story.send(3)
        story.look()

    assert story.flow.window.size == 10


def test_after_a_minute_without_replays_the_next_is_a_canary_again() -> None:
    story = widened()
    assert story.flow.window.size > 100

    story.look(seconds=60)

    assert (story.flow.window.size, story.flow.window.is_canary) == (10, True)


@pytest.mark.parametrize("interval", [60, 300])
def test_one_batch_a_tick_is_doubled_too(interval: float) -> None:
    story, sent = begun(), []
    for _ in range(6):
        sent.append(story.send())
        story.look(seconds=interval)

    assert sent == [10, 20, 40, 80, 160, 320]


def test_a_slow_consumer_gets_no_more_than_it_takes() -> None:
    """It takes 3 of ours a second: what waits for it stays about a second's worth."""
    story, waiting, most = begun(), 0, 0
    for second in range(60):
        waiting += story.send() if quota(story.flow, BOUNDS, story.now).messages else 0
        if second > 10:
            most = max(most, waiting)
        waiting = max(0, waiting - 3)
        story.look(in_flight=waiting)

    assert most <= 6
    assert waiting <= 3


def test_nothing_follows_a_canary_until_somebody_has_taken_it() -> None:
    story = begun()
    waiting = story.send()
    for _ in range(100):
        story.look(in_flight=waiting)
        assert quota(story.flow, BOUNDS, story.now) == Allowance(0, NOT_TAKEN, BOUNDS.canary_delay)

    story.look(in_flight=1)
    assert quota(story.flow, BOUNDS, story.now).limit == NOT_TAKEN
    story.look(in_flight=0)
    assert quota(story.flow, BOUNDS, story.now).messages == 10


def test_after_a_minute_of_silence_what_was_not_taken_holds_the_next_canary_too() -> None:
    story = widened()
    story.send(5)
    story.look(300, in_flight=5)

    assert quota(story.flow, BOUNDS, story.now).limit == NOT_TAKEN


def test_a_canary_taken_slowly_has_passed() -> None:
    story = begun()
    waiting = story.send()
    while waiting:
        waiting -= 1
        story.look(in_flight=waiting)

    assert not story.flow.window.is_canary
    assert quota(story.flow, BOUNDS, story.now).messages > 0


def test_without_a_limit_on_the_rate_canaries_do_not_wait_for_each_other() -> None:
    story, waiting = Story(bounds=replace(BOUNDS, awaits_canary=False)), 0
    story.look()
    for _ in range(5):
        waiting += story.send()
        story.look(in_flight=waiting)

    assert waiting == 50


def test_while_the_forwarder_drops_what_it_is_sent_the_next_batch_is_a_canary() -> None:
    story = widened()
    assert quota(story.flow, BOUNDS, story.now).messages > 100
    story.look(is_dropping=True)

    assert quota(story.flow, BOUNDS, story.now + 1).messages == 10


def test_a_consumer_that_stops_gets_nothing_more() -> None:
    story = widened()
    waiting = story.send()
    story.look(in_flight=waiting)
    assert quota(story.flow, BOUNDS, story.now).messages == 0

    for _ in range(100):
        story.look(in_flight=waiting)
        assert quota(story.flow, BOUNDS, story.now).messages == 0


# --- what comes back ---


def test_poison_among_the_rest_does_not_narrow_the_window() -> None:
    story = begun(live=20)
    for _ in range(6):
        sent = story.send()
        story.look(live=20, returned=sent // 50)

    assert story.flow.window.size == 640
    assert story.trips == 0


def test_replays_that_all_come_back_while_others_pass_are_their_own_fault() -> None:
    story = widened()
    for _ in range(20):
        sent = story.send()
        story.look(live=20, returned=sent)

    assert story.trips == 0
    assert story.flow.spans == ()
    assert story.flow.window.size == 10


def test_a_quiet_system_with_nothing_but_poison_is_no_outage() -> None:
    story = begun(source=5)
    for _ in range(3):
        story.send(5)
        story.look(source=5, returned=5)
        story.look(seconds=70, source=5)

    assert (story.trips, story.flow.spans) == (0, ())


def test_replays_that_come_back_beside_first_time_failures_are_an_outage() -> None:
    story = begun(live=20)
    seconds = 0
    while not story.trips:
        sent = story.send()
        story.look(returned=sent, fresh=20)
        seconds += 1
        assert seconds < 15

    assert quota(story.flow, BOUNDS, story.now).limit == BACKOFF
    assert story.flow.window.size == 10
    assert all(
        any(start <= moment <= end for start, end in story.flow.spans)
        for moment in (NOW, story.now)
    )


@pytest.mark.parametrize("interval", [100, 130, 300])
def test_what_was_sent_at_one_tick_and_came_back_before_the_next_is_forgiven(
    interval: float,
) -> None:
    story = begun()
    story.look(seconds=interval, fresh=2 * interval)
    story.send(10)
    sent_at = story.now
    story.look(seconds=interval, returned=10, fresh=2 * interval)

    assert story.trips == 1
    assert any(start <= sent_at <= end for start, end in story.flow.spans)


def test_poison_behind_a_busy_consumer_is_no_outage() -> None:
    """More than half comes back for a while, one or the other is always under way."""
    story = begun(live=1)
    for _ in range(60):
        sent = story.send() if quota(story.flow, BOUNDS, story.now).messages else 0
        story.look(live=1, returned=sent * 9 // 10, in_flight=1)

    assert (story.trips, story.flow.spans) == (0, ())


def test_what_is_replayed_after_an_outage_is_not_forgiven() -> None:
    story = tripped()
    end = story.now
    story.look(seconds=61, live=20)
    story.send()
    story.look(live=20, returned=10)

    assert max(until for _, until in story.flow.spans) == end


def test_some_that_come_back_while_others_fail_too_halve_the_window() -> None:
    story = widened()
    failures = replace(story.flow.failures, sent=100.0)
    story.flow = replace(story.flow, failures=failures)
    window = story.flow.window.size
    story.look(seconds=5, live=20, fresh=100, returned=30)

    assert (story.flow.window.size, story.trips, story.flow.spans) == (window // 2, 0, ())


def test_shed_messages_are_no_failures() -> None:
    story = begun(live=20)
    for _ in range(5):
        sent = story.send()
        story.look(live=20, shed=sent + 100)

    assert (story.trips, story.flow.spans) == (0, ())


# --- the breaker ---


def tripped() -> Story:
    """A story whose breaker has just opened."""
    story = begun()
    while not story.trips:
        story.send(10)
        story.look(returned=10, fresh=20)
    return story


def test_the_breaker_stays_open_longer_each_time_to_at_most_an_hour() -> None:
    story, rests = tripped(), []
    for _ in range(9):
        rest = quota(story.flow, BOUNDS, story.now).delay
        rests.append(round(rest))
        story.look(seconds=rest - 0.5, fresh=20 * rest)
        assert quota(story.flow, BOUNDS, story.now).limit == BACKOFF
        story.look(seconds=0.5, fresh=10)
        assert story.send() == 10
        trips = story.trips
        story.look(returned=10, fresh=20)
        assert story.trips == trips + 1

    assert rests == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_without_a_backoff_for_messages_the_breaker_holds_for_a_second_at_least() -> None:
    story = begun()
    story.bounds = replace(BOUNDS, backoff=0.0)
    while not story.trips:
        story.send(10)
        story.look(returned=10, fresh=20)

    held = quota(story.flow, story.bounds, story.now)
    assert (held.limit, held.delay) == (BACKOFF, 1.0)


def test_of_many_troubles_the_latest_are_the_ones_that_are_forgiven() -> None:
    failures = Failures()
    for number in range(40):
        failures = failures.forgiving(NOW + 100 * number, NOW + 100 * number + 10)

    assert failures.spans[-1] == (NOW + 3900, NOW + 3910)
    assert len(failures.spans) == 32


def test_the_breaker_starts_anew_after_replays_have_landed() -> None:
    story = tripped()
    story.look(seconds=61)
    for _ in range(150):
        story.send(10)
        story.look(live=20)

    assert story.flow.breaker.trips == 0


def test_the_breaker_closes_early_when_failures_have_stopped_and_alerts_flow() -> None:
    story = tripped()
    for _ in range(4):
        story.look(fresh=20)
    for _ in range(11):
        assert (
            quota(story.flow, BOUNDS, story.now).limit == BACKOFF
            or story.flow.failures.fresh_at < story.now - 4
        )
        story.look(live=20)

    assert quota(story.flow, BOUNDS, story.now).messages == 10


def test_a_breaker_that_closed_early_stays_closed() -> None:
    story = tripped()
    for _ in range(3):
        story.look(fresh=20)
    for _ in range(20):
        story.look(live=20)
    for second in range(600):
        assert quota(story.flow, BOUNDS, story.now).limit == WINDOW
        story.look(live=20 * (second % 7 > 0), fresh=int(second % 100 == 0))


@pytest.mark.parametrize("landing", [{"live": 0}, {"live": 20, "fresh": 20}])
def test_the_breaker_stays_open_while_nothing_flows_or_failures_arrive(
    landing: dict[str, Any],
) -> None:
    story = tripped()
    for _ in range(50):
        story.look(**landing)
        assert quota(story.flow, BOUNDS, story.now).limit == BACKOFF


def test_rare_failures_are_not_taken_for_an_end_of_the_trouble() -> None:
    story = tripped()
    failures = replace(story.flow.failures, fresh_rate=0.02)
    story.flow = replace(story.flow, failures=failures)
    for _ in range(50):
        story.look(live=1)
        assert quota(story.flow, BOUNDS, story.now).limit == BACKOFF


def test_while_moogsoft_is_down_what_was_sent_before_is_forgiven_and_the_breaker_stays_closed() -> (
    None
):
    story = widened()
    last = story.now - 1
    story.look(is_healthy=False, returned=50, fresh=500)

    assert story.trips == 0
    assert any(start <= last <= end for start, end in story.flow.spans)
    assert (story.flow.window.size, story.flow.window.is_canary) == (10, True)


def test_a_clock_that_jumped_back_ends_a_backoff() -> None:
    story = tripped()

    assert quota(story.flow, BOUNDS, story.now - 1e6).limit != BACKOFF


# --- what stuck ---


def test_what_has_not_come_back_after_two_minutes_has_landed() -> None:
    story = begun()
    story.send(10)
    story.look(returned=3)
    story.look(seconds=100)
    assert story.landed == 0

    story.look(seconds=20)

    assert story.landed == 7


def test_what_was_shed_has_not_landed() -> None:
    story = begun()
    story.send(10)
    story.look(shed=4)
    story.look(seconds=125)

    assert story.landed == 6


def test_what_still_lies_in_the_queue_has_not_landed() -> None:
    story = begun()
    story.send(10)
    story.look(seconds=300, in_flight=10)
    assert story.landed == 0

    story.look(seconds=1, in_flight=0)

    assert story.landed == 10


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 90)), max_size=60))
def test_what_was_sent_has_landed_or_come_back_in_the_end(
    batches: list[tuple[int, int, int]],
) -> None:
    story, out, sent, returned = begun(), 0, 0, 0
    for messages, back, pause in batches:
        if messages:
            story.send(messages)
        sent, out = sent + messages, out + messages
        back = min(back, out)
        returned, out = returned + back, out - back
        story.look(seconds=pause + 1, returned=back)
        assert story.landed <= sent - 0
    story.look(seconds=500)
    story.look(seconds=1)

    # A return that comes later than two minutes after its replay was counted as stuck before.
    assert sent - returned <= story.landed <= sent
    assert story.flow.in_flight.cohorts == ()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=400))
def test_what_is_remembered_of_open_replays_stays_small(pauses: list[int]) -> None:
    story = begun()
    for pause in pauses:
        story.send(10)
        story.look(seconds=pause, in_flight=5000)

    assert len(story.flow.in_flight.cohorts) <= 400
