"""The least time to empty that is possible, with and without knowing what will come."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.recovery_model.causal_bound import bound_of
from benchmarks.recovery_model.message import Kind
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.world import World
from stand_ins import runtime
from stand_ins.facts import ALERTER_DLQ

# Rests between a poison message's three replays, by the rules of the service (60 s, doubling).
POISON_RESTS = 60.0 + 120.0
# At how many drops what can be reached without knowing the future is told.
DROPS_AN_HOUR = 1.0


@dataclass(frozen=True)
class Least:
    """The least `seconds` to empty, and the `causal` ones of those that do not know the future."""

    seconds: float = 0.0
    causal: float = 0.0


def least_possible(scenario: Scenario, world: World) -> Least:
    """Work that has to pass / what the narrowest part has left beside live events.

    Every good message passes forwarder, limiter and Moogsoft, those too that the limiter has
    destroyed by now; those of the alerter's queue pass the alerter as well.
    Poison needs its rests, whatever else happens; the longest of all counts.
    Until the forwarder is there, and its breaker lets something through again, nobody can deliver
    at all. Who does not know the future has to keep room for live events that may come by chance
    (causal_bound.py), and meets the last of many poison messages when nearly all else is done: its
    rests come on top.
    """
    events = world.client.llen(ALERTER_DLQ)
    good = max(0, world.books.good_in_dlq)
    narrow = min(
        scenario.limit / scenario.period,
        scenario.forwarders / scenario.post_seconds,
        scenario.moogsoft_rate or float("inf"),
    )
    work = good + len(world.books.drops)
    # Where no limiter thins them out, the queues of the trouble have to pass first.
    is_thinned = narrow >= scenario.limit / scenario.period
    waiting = 0 if is_thinned else _of_the_trouble(scenario, world)
    times = [_passed(scenario, work + waiting if work else 0, narrow)]
    times.append(_time(min(good, events), 1 / scenario.alerter_seconds - scenario.live_rate))
    resumed_after = _resumed_after(scenario, world) if work else 0.0
    drained, rests = max(times), POISON_RESTS if _is_poisoned(world) else 0.0
    kept = bound_of(scenario, DROPS_AN_HOUR) or 1.0
    return Least(max(drained, rests) + resumed_after, kept * drained + rests + resumed_after)


def _is_poisoned(world: World) -> bool:
    return any(world.books.kinds[n] == Kind.POISON for n in world.books.to_recover)


def resumed(delivered_at: Iterable[float], since: float) -> float:
    """When Moogsoft took something for the first time from a moment on; that moment if never."""
    return min((at for at in delivered_at if at >= since), default=since)


def _resumed_after(scenario: Scenario, world: World) -> float:
    """How long after the trouble something reached Moogsoft again while nobody replayed."""
    since = scenario.trouble_to
    if not since or scenario.trouble == "alerter":
        return scenario.forwarder_from
    return resumed(world.books.delivered_at, since) - since


def _of_the_trouble(scenario: Scenario, world: World) -> int:
    """How many messages stood in the queues when the trouble was over, counted some time later.

    Those that are left, and by how many more have been delivered since than have come.
    """
    since, books = scenario.trouble_to, world.books
    delivered = sum(at >= since for at in books.delivered_at)
    came = sum(at >= since for at in books.born)
    return len(world.alerts) + len(world.ingest) + max(0, delivered - came)


def _passed(scenario: Scenario, work: int, rate: float) -> float:
    """How long the work takes at a rate beside live events, from a changed limit on at that."""
    seconds = _time(work, rate - scenario.live_rate)
    for change in scenario.changes:
        if change.name == runtime.RATE_LIMIT and seconds > change.at:
            left = work * (1 - change.at / seconds)
            rate = min(rate, int(change.value) / scenario.period)
            seconds = change.at + _time(left, rate - scenario.live_rate)
    return seconds


def _time(work: float, spare: float) -> float:
    if work == 0:
        return 0.0
    return work / spare if spare > 0 else float("inf")
