"""A trial: a full limiter is told from events that match no rule, with a known error."""

import random
from dataclasses import dataclass

import pytest

from mutt_tasks.core.tally import Tally
from mutt_tasks.core.trial import ATTEMPTS, ERROR, LEAST_ROOM, OVER, Trial, Verdict

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Look:
    used: int
    queued: int = 0
    sent: int = 0
    period: float = 1.0
    limit: int = 50
    longest_gap: float = 1.0


def tried(
    full_at: int, takes: int, live: int, share: float = 1.0, seed: int = 1
) -> tuple[Verdict, int, int]:
    """A trial before a limiter that `takes` so many: its verdict, what it sent, what was dropped.

    `live` alerts are in the window at any time; the alerter forwards a `share` of the replays.
    """
    chance = random.Random(seed)
    trial, verdict, now = Trial(NOW, full_at), Verdict.OPEN, NOW
    ours, sent, dropped, since = 0, 0, 0, NOW
    while verdict is Verdict.OPEN:
        now += 0.05
        if trial.since > since:
            ours, since = 0, trial.since
        trial, verdict = trial.looked(Look(live + ours, sent=0), now)
        if trial.may_send:
            going = trial.may_send
            forwarded = sum(chance.random() < share for _ in range(going))
            taken = min(forwarded, takes - live - ours)
            sent, dropped, ours = sent + going, dropped + forwarded - taken, ours + taken
            trial = trial.sent(going, is_sure=False, now=now)
    return verdict, sent, dropped


@pytest.mark.parametrize(("takes", "live"), [(30, 10), (30, 20), (20, 5), (12, 2), (35, 8)])
def test_a_limiter_that_is_full_at_the_level_is_blamed_and_costs_little(
    takes: int, live: int
) -> None:
    verdict, _, dropped = tried(full_at=takes, takes=takes, live=live)

    assert verdict is Verdict.FULL
    assert dropped <= 2 * OVER


def test_a_level_far_too_high_is_brought_down_to_the_true_one() -> None:
    verdict, _, dropped = tried(full_at=42, takes=8, live=1)

    assert verdict is Verdict.FULL
    assert dropped <= 40


@pytest.mark.parametrize(("full_at", "takes"), [(28, 30), (32, 35)])
def test_a_level_a_little_too_low_is_raised_to_the_true_one(full_at: int, takes: int) -> None:
    verdict, _, dropped = tried(full_at=full_at, takes=takes, live=5)

    assert verdict is Verdict.FULL
    assert dropped <= 2 * OVER


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("full_at", [16, 22, 30])
def test_events_that_match_no_rule_are_blamed_as_rarely_as_stated(
    share: float, full_at: int
) -> None:
    verdicts = [
        tried(full_at=full_at, takes=1000, live=10, share=share, seed=seed)[0]
        for seed in range(400)
    ]

    assert verdicts.count(Verdict.FULL) <= len(verdicts) * ERROR * ATTEMPTS


def test_without_room_below_the_level_nothing_is_sent() -> None:
    verdict, sent, _ = tried(full_at=10 + LEAST_ROOM - 1, takes=1000, live=10)

    assert (verdict, sent) == (Verdict.NOTHING, 0)


def test_no_burst_rises_above_the_limit_that_is_believed() -> None:
    verdict, sent, _ = tried(full_at=44, takes=1000, live=10)

    assert verdict is Verdict.INNOCENT
    assert sent + 10 <= 49


@pytest.mark.parametrize(
    ("tally", "chance"),
    [
        (Tally(1, 1, 1, 0), 0.5),
        (Tally(8, 8, 8, 0), 1 / 12_870),
        (Tally(5, 2, 5, 2), 31 / 42),
        (Tally(5, 0, 5, 5), 1.0),
    ],
)
def test_the_chance_is_that_of_fishers_exact_test(tally: Tally, chance: float) -> None:
    assert tally.chance == pytest.approx(chance)


def test_a_part_that_still_lies_in_a_queue_is_not_judged() -> None:
    trial, _ = Trial(NOW, 30).looked(Look(10), NOW + 2)
    trial = trial.sent(trial.may_send, is_sure=False, now=NOW + 2)
    waiting, verdict = trial.looked(Look(10, queued=trial.part), NOW + 2.3)

    assert (verdict, waiting.tally) == (Verdict.OPEN, Tally())
    landed, verdict = waiting.looked(Look(10 + trial.part), NOW + 2.4)
    assert (verdict, landed.tally.low_seen) == (Verdict.OPEN, trial.part)
    assert waiting.looked(Look(10, queued=1), NOW + 2.5)[1] is Verdict.NOTHING


def test_parts_that_land_so_late_that_the_first_alerts_left_again_say_nothing() -> None:
    """A forwarder that takes no more than forty a second fills its window no higher."""
    trial, _ = Trial(NOW, 38).looked(Look(20), NOW + 2)
    for moment, used in ((NOW + 2.0, 28), (NOW + 2.4, 36)):
        trial = trial.sent(trial.may_send, is_sure=False, now=moment)
        trial, verdict = trial.looked(Look(used), moment + 0.4)
        assert verdict is Verdict.OPEN
    assert trial.is_second
    trial = trial.sent(trial.may_send, is_sure=False, now=NOW + 2.8)

    assert trial.looked(Look(38), NOW + 3.2)[1] is Verdict.NOTHING


def test_parts_of_different_routes_are_not_compared() -> None:
    trial = Trial(NOW, 30)
    trial, _ = trial.looked(Look(10), NOW + 2)
    trial = trial.sent(trial.may_send, is_sure=True, now=NOW + 2)
    trial, _ = trial.looked(Look(18), NOW + 2.2)
    trial = trial.sent(trial.may_send, is_sure=False, now=NOW + 2.2)

    assert trial.looked(Look(18), NOW + 2.5)[1] is Verdict.NOTHING
