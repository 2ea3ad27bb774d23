"""What a run is judged by, beside the run in which nobody replays anything."""

from dataclasses import dataclass
from math import ceil, isnan, nan

from benchmarks.recovery_model.least import resumed
from benchmarks.recovery_model.message import Kind
from benchmarks.recovery_model.run import Result

# The targets; every one has to be met.
# The time may be so many times what is possible without knowing the future, or so many times the
# least, whichever is longer.
CAUSAL_TARGET, TIME_TARGET = 1.1, 1.15
DELAY_TARGET = 2.0  # s added to the 99th percentile of live events
POISON_REPLAYS = 3


@dataclass(frozen=True)
class Measures:
    """One row of the page.

    `seconds` is the time to recover (None: not recovered in `watched` seconds, and `gave_up` says
    that the policy had ended by itself), `least` the least possible, `causal` the least without
    knowing the future. `delay` is in seconds, NaN where no live event came by. `live_lost` alerts
    met the limiter's full window without having been in a dead letter queue, whoever was to blame.
    Of all that met it `dropped` counts those beyond `dropped_anyway`, which the pipeline dropped by
    itself while nobody replayed, up to the same moment; `replays_dropped` those that the policy had
    put back; `live_dropped` live ones beyond those dropped anyway. `destroyed` events the alerter
    threw away, and `live_shed` live ones it set aside, both beyond those anyway.
    """

    scenario: str
    policy: str
    seconds: float | None
    watched: float
    gave_up: bool
    least: float
    causal: float
    good_left: int
    odd_left: int
    dropped: int
    replays_dropped: int
    live_dropped: int
    live_lost: int
    dropped_anyway: int
    destroyed: int
    live_shed: int
    good_dead: int
    poison_replays: tuple[int, int] | None
    delay: float
    lost: int
    doubled: int
    is_crowded: bool
    run_seconds: float
    depths: tuple[tuple[float, int], ...]

    @property
    def ratio(self) -> float:
        """Time to recover by the least possible; NaN when it did not, or had nothing to do."""
        return self.seconds / self.least if self.seconds is not None and self.least else nan

    @property
    def possible(self) -> float:
        """What can be reached without knowing the future by the least possible; NaN as `ratio`."""
        return self.causal / self.least if self.least else nan

    @property
    def _most_times(self) -> float:
        """How many times the least possible it may take."""
        return max(TIME_TARGET, CAUSAL_TARGET * self.possible)

    def missed(self) -> list[str]:
        """The targets that are not met, in a word or two each."""
        replays = self.poison_replays
        checks = {
            "time": self.seconds is not None and not self.ratio > self._most_times,
            "alerts lost": self.live_lost == 0 or self.is_crowded,
            "drops": self.dropped + self.replays_dropped + self.live_dropped == 0,
            "destroyed": self.destroyed == 0,
            "good quarantined": self.good_dead == 0,
            "poison": self.odd_left == 0 and replays in (None, (POISON_REPLAYS,) * 2),
            "live delay": not self.delay > DELAY_TARGET,
            "lost": self.lost == 0,
            "doubled": self.doubled == 0,
        }
        return [name for name, is_met in checks.items() if not is_met]


def measure(result: Result, baseline: Result) -> Measures:
    """Judge a run; `baseline` is the same scenario and seed with nobody replaying."""
    since = result.scenario.trouble_to
    anyway = sum(moment <= result.ended_at for moment, _ in baseline.drops)
    kinds = [Kind(kind) for kind in result.kinds]
    replays = [dead.replays for dead in result.dead if kinds[dead.number] == Kind.POISON]
    dropped, dropped_anyway = ([number for _, number in one.drops] for one in (result, baseline))
    destroyed, usual = ([number for _, number in one.destroyed] for one in (result, baseline))
    return Measures(
        scenario=result.scenario.name,
        policy=result.policy,
        seconds=max(0.0, result.recovered_at - since) if result.is_empty else None,
        watched=result.ended_at - since,
        gave_up=result.ended_at < result.cap_at - 1,
        least=result.least.seconds,
        causal=result.least.causal,
        good_left=result.good_left,
        odd_left=result.odd_left,
        dropped=max(0, len(result.drops) - anyway),
        replays_dropped=sum(result.replayed[number] for number in dropped),
        live_lost=sum(not result.replayed[number] for number in dropped),
        live_dropped=_live_beyond(result, dropped, dropped_anyway),
        dropped_anyway=anyway,
        destroyed=max(0, len(destroyed) - sum(number < len(result.born) for number in usual)),
        live_shed=_live_beyond(result, list(result.shed), list(baseline.shed)),
        good_dead=sum(kinds[dead.number].is_good for dead in result.dead),
        poison_replays=(min(replays), max(replays)) if replays else None,
        delay=added_delay(result, baseline),
        lost=result.lost,
        doubled=result.doubled,
        is_crowded=result.scenario.is_crowded,
        run_seconds=result.seconds,
        depths=result.depths,
    )


def _live_beyond(result: Result, numbers: list[int], anyway: list[int]) -> int:
    """How many more of a run's live events than in the run in which nobody replays.

    Both runs have the same live events, so far as the shorter one goes.
    """
    first, end = result.scenario.backlog, len(result.born)
    own = {number for number in numbers if number >= first and not result.replayed[number]}
    return max(0, len(own) - len({number for number in anyway if first <= number < end}))


def added_delay(result: Result, baseline: Result) -> float:
    """99th percentile in seconds of what replaying adds to live events' way to Moogsoft.

    Counted are those that came while something was left to recover and that arrive when nobody
    replays; one that did not arrive and was not dropped waits until the end of the run. What came
    before Moogsoft took anything again and was put back later is part of the backlog instead.
    """
    dropped = {number for _, number in result.drops}
    scenario = result.scenario
    first, resumed_at = scenario.backlog, resumed(baseline.delivered_at, scenario.trouble_to)
    added = []
    spans = iter(result.busy_spans)
    span = next(spans, None)
    for number in range(first, min(len(result.born), len(baseline.born))):
        born, usual = result.born[number], baseline.delivered_at[number]
        while span and born > span[1]:
            span = next(spans, None)
        if span is None:
            break
        if born < span[0] or isnan(usual) or number in dropped:
            continue
        if result.replayed[number] and born < resumed_at:
            continue
        arrived = result.delivered_at[number]
        if isnan(arrived):
            arrived = max(result.ended_at, usual)
        added.append(max(0.0, arrived - usual))
    added.sort()
    return added[ceil(0.99 * len(added)) - 1] if added else nan
