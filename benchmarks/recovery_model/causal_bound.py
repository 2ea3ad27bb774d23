"""What no policy can beat that does not know the future, before a limiter with a sliding window.

A policy that leaves `x` alerts of the limiter free on average lets (limit - x) / period alerts a
second pass, live ones and replays. In any time u that fits into a period the window accepts the x
that are free and what leaves it meanwhile, u * (limit - x) / period on average; what comes live
beyond that is dropped. With A(u) live arrivals in u, drops a second are at least

    max over h <= period of  E[ sup over u <= h of (A(u) - u * (limit - x) / period - x)+ ] / h

(by convexity: a window that is free to another extent at other times drops more). A(u) is a Poisson
process, or one of bursts of `burst` alerts each.
"""

from dataclasses import dataclass
from functools import cache
from math import exp, isfinite, sqrt

from benchmarks.recovery_model.scenario import EVEN, Scenario

# Parts of an alert, and steps of time in which one part leaves the window; finer ones change the
# bound in the third digit.
_PARTS = 4
# Chances smaller than this are left out.
_TINY = 1e-13
# Halvings of the interval that x is sought in.
_HALVINGS = 18


@dataclass(frozen=True)
class Limited:
    """A limiter, `limit` alerts in `period` seconds, under `live` alerts a second."""

    limit: float
    period: float
    live: float
    burst: int = 1


def drops_a_second(limited: Limited, free: float) -> float:
    """The fewest drops a second of any policy that leaves this many alerts free on average."""
    outflow = (limited.limit - free) / limited.period
    step = 1 / (_PARTS * outflow)
    chances = _poisson(limited.live * step / limited.burst)
    jump = limited.burst * _PARTS
    # How many parts of an alert the window has free, and with what chance.
    depth = round(free * _PARTS)
    size = depth + round(_PARTS * _deepest(limited, outflow)) + 1
    free_parts = [0.0] * size
    free_parts[depth] = 1.0
    most = dropped = 0.0
    for number in range(1, max(1, int(limited.period / step)) + 1):
        free_parts = [0.0, *free_parts[:-2], free_parts[-2] + free_parts[-1]]
        after = [chances[0] * chance for chance in free_parts]
        for bursts, chance in enumerate(chances[1:], start=1):
            parts = min(bursts * jump, size)
            for at in range(parts):
                dropped += chance * free_parts[at] * (bursts * jump - at) / _PARTS
            after[0] += chance * sum(free_parts[:parts])
            for at in range(parts, size):
                after[at - parts] += chance * free_parts[at]
        free_parts = after
        most = max(most, dropped / (number * step))
    return most


def bound_of(scenario: Scenario, drops_an_hour: float) -> float | None:
    """The least possible `times_least` of a scenario; None where it is not the limiter that bounds.

    It does where nothing else is narrower, no limit changes, and live events come by chance.
    """
    allowed = scenario.limit / scenario.period
    others = (
        scenario.forwarders / scenario.post_seconds,
        scenario.moogsoft_rate or float("inf"),
        1 / scenario.alerter_seconds,
    )
    is_random = scenario.live_rate and scenario.live_pattern != EVEN
    if not is_random or scenario.changes or min(others) < allowed:
        return None
    limited = Limited(scenario.limit, scenario.period, scenario.live_rate, scenario.live_burst)
    bound = times_least(limited, drops_an_hour)
    return bound if isfinite(bound) else None


@cache
def times_least(limited: Limited, drops_an_hour: float) -> float:
    """How much longer than the least possible it takes at that many drops; infinite: for ever.

    The least possible is what would be needed if the window were never free.
    """
    spare = limited.limit / limited.period - limited.live
    low, high = 0.0, limited.limit - limited.live * limited.period
    if spare <= 0 or drops_a_second(limited, high) * 3600 > drops_an_hour:
        return float("inf")
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if drops_a_second(limited, middle) * 3600 > drops_an_hour:
            low = middle
        else:
            high = middle
    return spare / max(1e-9, spare - high / limited.period)


def _poisson(mean: float) -> list[float]:
    chances: list[float] = []
    chance = exp(-mean)
    while chance > _TINY or len(chances) < mean:
        chances.append(chance)
        chance *= mean / len(chances)
    return chances


def _deepest(limited: Limited, outflow: float) -> float:
    """How many alerts can be free within a period, but for chances that do not matter."""
    mean = limited.live * limited.period
    return max(0.0, outflow * limited.period - mean) + 8 * sqrt(mean * limited.burst) + 20
