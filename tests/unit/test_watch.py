"""Whether the forwarder drops what it is sent: seen from what does not reach its limiter."""

import random
from collections import deque
from dataclasses import dataclass, field, replace

import pytest

from mutt_tasks.core.drop import HOLD_SECONDS, LONGEST_HOLD, MEMORY_SECONDS, SAFE_SHARE, Drop
from mutt_tasks.core.limiter import Accepted, Limiter
from mutt_tasks.core.shortfall import LASTING_SECONDS
from mutt_tasks.core.sight import Sight
from mutt_tasks.core.watch import Watch

NOW = 1_800_000_000.0
LOOK = 0.05


@dataclass
class Stream:
    """Alerts before a limiter of `limit` a second, `believed` to be another, looked at every 50 ms.

    `live` alerts come a second; a watch that does not hold lets `pace` replays a second go, of
    which a `share` is forwarded. `is_sure` says that they go straight to the forwarder.
    """

    limit: int = 50
    believed: int = 50
    live: float = 15.0
    pace: float = 30.0
    share: float = 1.0
    is_sure: bool = False
    is_even: bool = False
    seed: int = 1
    sees_limiter: bool = True
    watch: Watch = field(default_factory=Watch)
    now: float = NOW
    dropped: int = 0
    replays: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._window: deque[float] = deque()
        self._sent: deque[float] = deque()
        self._owed = 0.0
        self._next_live = self.now + self._gap()

    def run(self, seconds: float) -> "Stream":
        """Let time pass."""
        for _ in range(round(seconds / LOOK)):
            self._look()
        return self

    def _may_not_go(self) -> bool:
        return self.watch.drop.is_held(self.now) or self.watch.is_checking(self.now)

    def _gap(self) -> float:
        if not self.live:
            return float("inf")
        return 1 / self.live if self.is_even else self._random.expovariate(self.live)

    def _arrive(self, moment: float, is_ours: bool) -> None:
        while self._window and self._window[0] <= moment - 1:
            self._window.popleft()
        if len(self._window) < self.limit:
            self._window.append(moment)
        else:
            self.dropped += 1
            self.lost += is_ours

    def _look(self) -> None:
        while self._next_live <= self.now:
            self._arrive(self._next_live, is_ours=False)
            self._next_live += self._gap()
        used = sum(moment > self.now - 1 for moment in self._window) if self.sees_limiter else 0
        while self._sent and self._sent[0] <= self.now - 1:
            self._sent.popleft()
        sent = len(self._sent)
        live = float(max(0, used - sent))
        moments = sorted(moment for moment in self._window if moment > self.now - 1)
        leaving = tuple(moment + 1 - self.now for moment in moments)
        limiter = Limiter(self.believed, 1.0, Accepted(used, used, leaving))
        certain = sum(moment > self.now - 0.5 for moment in self._sent) if self.is_sure else 0
        sure, unsure = (sent, 0) if self.is_sure else (0, sent)
        sight = Sight(
            used=used,
            queued=0,
            sure=sure,
            certain=certain,
            unsure=unsure,
            live=live,
            period=1.0,
            limit=self.believed,
            longest_gap=limiter.longest_gap if self.sees_limiter else 0.0,
            leaving=leaving if self.sees_limiter else (),
            dispersion=0.0 if self.is_even else 1.0,
        )
        self.watch = self.watch.looked(sight, self.now)
        self._owed = min(max(3.0, self.pace * LOOK), self._owed + self.pace * LOOK)
        if self.watch.drop.ceiling >= 0:
            self._owed = min(
                self._owed, 1.0 if used < self.watch.drop.limit(self.believed) else 0.0
            )
        self.now += LOOK
        if self.watch.is_checking(self.now):
            self._send(self.watch.trial.may_send)
        while self._owed >= 1 and not self._may_not_go():
            self._owed -= 1
            self._send(1)

    def _send(self, replays: int) -> None:
        if not replays:
            return
        self.replays += replays
        self._sent.extend([self.now] * replays)
        self.watch = self.watch.sent(replays, self.is_sure, self.now)
        for _ in range(replays):
            if self._random.random() < self.share:
                self._arrive(self.now, is_ours=True)


def learnt(**options: object) -> Stream:
    """A stream whose live traffic has been watched for a while, without a replay."""
    stream = Stream(**(options | {"pace": 0.0}))  # type: ignore[arg-type]
    stream.run(30)
    stream.pace = float(options.get("pace", 30.0))  # type: ignore[arg-type]
    stream.dropped = 0
    return stream


def until_found(stream: Stream, seconds: float) -> None:
    """Let time pass until the watch has found that alerts are dropped."""
    began = stream.now
    while not stream.watch.drop.drops:
        stream.run(LOOK)
        assert stream.now < began + seconds, f"not found in {seconds} seconds"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("limit", "live", "pace", "sure"),
    [
        *((5, 1.0, 30.0, sure) for sure in (True, False)),
        *((20, 15.0, 30.0, sure) for sure in (True, False)),
        *((30, 15.0, 33.0, sure) for sure in (True, False)),
        (5, 15.0, 30.0, True),
        (20, 0.0, 40.0, True),
    ],
)
def test_a_limiter_smaller_than_it_is_believed_to_be_is_found_soon(
    limit: int, live: float, pace: float, sure: bool, seed: int
) -> None:
    # Through the alerter it was never larger; straight to the forwarder it is lowered just now.
    stream = learnt(limit=50 if sure else limit, live=live, pace=pace, is_sure=sure, seed=seed)
    stream.limit = limit
    until_found(stream, seconds=15)

    assert stream.watch.drop.is_dropping
    assert stream.watch.drop.is_held(stream.now)
    assert stream.watch.drop.ceiling <= limit + (live if sure else 0)
    assert stream.watch.drop.dropped >= 3


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("limit", "most"), [(20, 50), (25, 40)])
def test_a_limiter_lowered_while_replays_fill_it_is_found_though_it_was_fuller_just_before(
    limit: int, most: int, seed: int
) -> None:
    stream = learnt(limit=50, live=8.0, pace=36.0, seed=seed).run(10)
    assert stream.watch.saturation.older.level > 42  # hardly less than a trial could make it
    stream.limit, before = limit, stream.lost
    until_found(stream, seconds=10)

    assert stream.watch.drop.drops == 1
    assert stream.lost - before <= most


BELOW_LIVE_TRAFFIC = [(7, 12.0), (5, 15.0), (7, 20.0)]
ABOUT_LIVE_TRAFFIC = [(10, 12.0), (10, 8.0), (7, 8.0), (5, 8.0), (15, 15.0)]


@pytest.mark.parametrize("seed", range(5))
def test_a_large_limiter_lowered_while_replays_fill_it_is_found(seed: int) -> None:
    stream = learnt(limit=500, believed=500, live=20.0, pace=400.0, seed=seed).run(10)
    assert stream.dropped == 0
    stream.limit = 300
    stream.run(10)

    assert stream.watch.drop.drops == 1
    assert stream.lost <= 200


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("limit", "live"), BELOW_LIVE_TRAFFIC + ABOUT_LIVE_TRAFFIC)
def test_a_limiter_lowered_below_or_about_live_traffic_is_found_with_few_replays(
    limit: int, live: float, seed: int
) -> None:
    stream = learnt(limit=50, live=live, pace=42.0 - live, seed=seed).run(10)
    stream.limit, before = limit, stream.lost
    until_found(stream, seconds=15)

    assert (stream.watch.drop.drops, stream.watch.drop.ceiling) == (1, limit)
    assert stream.lost - before <= 40


def test_live_traffic_that_falls_while_its_events_stop_being_forwarded_is_no_drop() -> None:
    for seed in range(10):
        stream = learnt(limit=500, live=12.0, pace=28.0, seed=seed).run(10)
        stream.live, stream.share = 2.0, 0.0
        stream.run(60)

        assert stream.watch.drop.drops == 0


def test_live_traffic_that_falls_is_no_drop_and_costs_seconds() -> None:
    for seed in range(5):
        stream = learnt(limit=500, live=12.0, pace=28.0, seed=seed).run(10)
        stream.live, before = 4.0, stream.replays
        stream.run(60)

        assert stream.watch.drop.drops == 0
        assert stream.replays - before > 52 * 28.0


def test_a_limiter_lowered_to_nearly_nothing_costs_a_few_replays() -> None:
    for seed in range(10):
        stream = learnt(limit=50, live=1.0, pace=30.0, is_sure=True, seed=seed)
        stream.limit = 5
        stream.run(5)

        assert stream.watch.drop.is_dropping
        assert stream.lost <= 10


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("live", "pace", "share"),
    [(15.0, 25.0, 1.0), (0.0, 40.0, 1.0), (20.0, 20.0, 0.0), (15.0, 30.0, 0.5), (5.0, 40.0, 0.3)],
)
def test_what_the_alerter_does_not_forward_is_no_drop(
    live: float, pace: float, share: float, seed: int
) -> None:
    stream = learnt(limit=500, live=live, pace=pace, share=share, seed=seed).run(10)
    if stream.watch.drop.drops:  # how much is forwarded is not known in the first seconds
        stream.run(30)
    before, sent = stream.watch.drop.drops, stream.replays
    stream.run(200)

    assert before <= 1
    assert stream.watch.drop.drops == before
    assert stream.replays - sent > (0 if before else 150 * pace)  # at most a short check at times


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("sure", [True, False])
def test_live_traffic_that_ends_is_no_drop(even: bool, sure: bool) -> None:
    for seed in range(5):
        stream = learnt(live=15.0, pace=30.0, is_even=even, is_sure=sure, seed=seed).run(20)
        stream.live, stream._next_live = 0.0, float("inf")
        stream.run(60)

        assert stream.watch.drop.drops == 0


def test_a_limiter_that_is_looked_for_under_another_key_is_noticed_after_a_few_replays() -> None:
    stream = learnt(live=15.0, pace=10.0, is_sure=True, sees_limiter=False).run(2)

    assert stream.watch.drop.is_dropping
    assert stream.watch.drop.limit(50) == 1
    assert stream.replays <= 8


def test_a_canary_that_does_not_arrive_makes_the_next_wait_longer() -> None:
    stream = learnt(live=0.0, pace=10.0, is_sure=True, sees_limiter=False).run(2)
    before = stream.replays
    stream.run(3600)

    assert stream.replays - before <= 12
    assert stream.watch.drop.holds_until - stream.now <= LONGEST_HOLD


@pytest.mark.parametrize("live", [0.0, 3.0])
def test_after_a_canary_that_arrived_it_goes_on_below_the_estimate(live: float) -> None:
    stream = learnt(limit=50, live=live, pace=30.0, is_sure=True)
    stream.limit = 10
    stream.run(5)
    assert stream.watch.drop.is_dropping
    stream.run(HOLD_SECONDS + 5)

    assert not stream.watch.drop.is_dropping
    assert not stream.watch.drop.is_held(stream.now)
    assert stream.watch.drop.limit(50) == int(SAFE_SHARE * stream.watch.drop.ceiling) <= 9


def test_the_estimate_is_forgotten_after_an_hour_without_a_drop_or_when_it_is_disproved() -> None:
    found = Watch(drop=Drop(ceiling=10, dropped_at=NOW, holds_until=NOW, drops=1))
    idle = Sight(used=2, queued=0, sure=0, certain=0, unsure=0, live=2.0, period=1.0, limit=50)

    assert found.looked(idle, NOW + MEMORY_SECONDS - 1).drop.limit(50) == 9
    assert found.looked(idle, NOW + MEMORY_SECONDS + 1).drop.limit(50) == 50
    busy = Sight(used=20, queued=0, sure=0, certain=0, unsure=0, live=20.0, period=1.0, limit=50)
    assert found.looked(busy, NOW + 1).drop.limit(50) == 50


def test_a_clock_that_jumped_back_holds_nothing() -> None:
    held = Watch(
        drop=Drop(ceiling=10, dropped_at=NOW + 900, holds_until=NOW + 910, has_passed=False)
    )
    idle = Sight(used=0, queued=0, sure=0, certain=0, unsure=0, live=0.0, period=1.0, limit=50)

    assert not held.looked(idle, NOW).drop.is_held(NOW)


def test_a_forwarder_that_sleeps_after_a_failure_is_not_suspected_of_dropping() -> None:
    watch = learnt(is_sure=True).watch
    sight = Sight(used=0, queued=0, sure=20, certain=20, unsure=0, live=0.0, period=1.0, limit=50)
    awake, asleep = watch, watch
    for look in range(20):
        now = NOW + 30 + look * LOOK
        awake = awake.looked(sight, now)
        asleep = asleep.looked(replace(sight, is_failing=True), now)

    assert awake.drop.drops
    assert not asleep.drop.drops
    # For two periods more the window is emptier than usual.
    few = replace(sight, certain=0, sure=0, unsure=20)
    for look in range(30):
        asleep = asleep.looked(few, NOW + 31 + look * LOOK)
        assert not asleep.trial.is_on


def test_replays_that_are_missing_at_several_looks_within_a_moment_may_be_on_their_way() -> None:
    watch = learnt(is_sure=True).watch
    sight = Sight(used=0, queued=0, sure=20, certain=20, unsure=0, live=0.0, period=1.0, limit=50)
    for look in range(4):
        watch = watch.looked(sight, NOW + 30 + look * 0.02)
    assert not watch.drop.drops
    assert watch.looked(sight, NOW + 30 + LASTING_SECONDS).drop.drops == 1


def test_what_still_lies_in_a_queue_is_not_missing() -> None:
    watch = Watch()
    for tick in range(200):
        waiting = Sight(
            used=0, queued=40, sure=40, certain=40, unsure=0, live=0.0, period=1.0, limit=50
        )
        watch = watch.looked(waiting, NOW + tick * LOOK)

    assert watch.drop.drops == 0


@pytest.mark.parametrize("seed", range(5))
def test_a_trial_leaves_room_for_live_alerts_to_vary(seed: int) -> None:
    stream = learnt(limit=40, live=15.0, pace=30.0, seed=seed)
    fullest = 0
    while not stream.watch.drop.drops and stream.now < NOW + 300:
        went = stream.watch.trial.went
        stream.run(LOOK)
        part = stream.watch.trial.went - went
        fullest = max(fullest, stream.watch.saturation.used + part if part > 0 else 0)

    assert stream.watch.drop.drops == 1
    assert 40 < fullest < 50 - 1 - 2  # of the 50 that it is believed to take


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("limit", "live"), [(2, 10.0), (5, 10.0), (9, 10.0), (5, 50.0)])
def test_before_a_limiter_that_even_live_alerts_fill_alone_nothing_goes(
    limit: int, live: float, seed: int
) -> None:
    stream = learnt(limit=limit, live=live, pace=30.0, is_even=True, seed=seed).run(60)

    assert stream.replays <= 30
    assert stream.watch.trial.is_crowded or stream.watch.drop.drops


def test_once_live_alerts_leave_room_a_crowded_limiter_is_judged() -> None:
    stream = learnt(limit=9, live=10.0, pace=30.0, is_even=True).run(60)
    assert stream.watch.trial.is_crowded
    stream.live = 1.0
    stream.run(20)

    assert stream.watch.drop.ceiling == 9
    assert stream.lost <= 30


def test_a_crowded_limiter_that_takes_more_after_all_holds_nothing() -> None:
    stream = learnt(limit=3, live=10.0, pace=30.0, is_even=True).run(60)
    assert stream.watch.trial.is_crowded
    stream.limit, before = 50, stream.replays
    stream.run(5)

    assert not stream.watch.trial.is_on
    assert stream.replays - before > 60
