"""The room in the forwarder's limiter: how many replays may go now beside the live alerts to come.

A replay that goes now stays in the window for a whole period. It costs a live alert if one comes
until then for which only the place that the replay holds would be left. How likely that is follows
from the moments at which alerts leave the window: while so many of them are still there, it happens
once as many live alerts have come as the limiter takes beside those and the replays. Over a time in
which none leaves, the chances add up to

    P(N(end) > room) - P(N(start) > room), which is at most rate * (end - start) * P(N(end) = room)

for N, the number of live alerts, a Poisson process, or one whose numbers are scaled by how much
more or less the measured traffic varies. So many drops more are expected for a replay; one may go
if these are worth it. A drop is for good, and waiting costs time only: replays at the rate that
live traffic leaves may cost DROPS_A_SECOND. Before a small limiter, or under heavy traffic, nothing
would ever go at that price. There it is what makes both losses together least (simulated,
docs/design.md): a few times the chance that live alerts alone fill a window.
"""

from collections.abc import Callable, Iterable
from math import exp, inf, lgamma, log, sqrt
from typing import NamedTuple

from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.live_traffic import LiveTraffic

# Expected drops that replays may add in a second, 6.5 an hour. The chances of neighbouring moments
# overlap, so that fewer come true: simulated, about one an hour, before any limiter.
DROPS_A_SECOND = 1.8e-3
# Or so many times the chance that live alerts alone fill a window, where that is more; before a
# small limiter fewer times, the square root of its limit.
TIMES_WITHOUT_US = 5.0
# Where that chance is more than this, live traffic alone fills the limiter: nothing goes.
MOST_WITHOUT_US = 0.0228

# Traffic that is more even than this counts as this even (variance over mean).
_LEAST_DISPERSION = 0.005


class _Moment(NamedTuple):
    """Until this moment the limiter has `places` beside what is left in its window.

    Live alerts come in steps of `step` alerts, `mean` of these until then, and `coming` of them
    since the moment before.
    """

    places: int
    step: float
    mean: float
    log_mean: float
    coming: float


def _added_drops(moments: Iterable[_Moment], replays: int, most: float = inf) -> float:
    """How many drops the last of so many replays adds; more than `most` are not counted."""
    added = 0.0
    for places, step, mean, log_mean, coming in moments:
        room = (places - replays) / step
        if room <= mean:
            return inf
        # P(N > room) is P(N = room) times this: of a Poisson distribution's tail, a geometric sum.
        beyond = mean / (room + 1) / (1 - mean / (room + 2))
        just_full = exp(room * log_mean - mean - lgamma(room + 1))
        added += just_full * (coming if coming < beyond else beyond)
        if added > most:
            break
    return added


def room(limiter: Limiter, queued: int, traffic: LiveTraffic) -> int:
    """How many more alerts may go; `queued` alerts have not reached the limiter yet."""
    worth = _worth(limiter, traffic)
    if not worth:
        return 0
    moments = _moments(limiter, queued, traffic)
    too_many = _first_above(0, lambda replays: _added_drops(moments, replays, worth) > worth)
    return too_many - 1


def limit_needed(limiter: Limiter, traffic: LiveTraffic) -> int:
    """The smallest limit, in alerts, with which live traffic as it is leaves room for replays.

    0 where that is the case already.
    """

    def is_enough(limit: int) -> bool:
        return _without_us(limit, limiter, traffic) <= MOST_WITHOUT_US

    return 0 if is_enough(limiter.limit) else _first_above(limiter.limit, is_enough)


def _first_above(low: int, holds: Callable[[int], bool]) -> int:
    """The first number above `low` for which this holds, as it does for every larger one."""
    step = 1
    while not holds(low + step):
        low, step = low + step, 2 * step
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _worth(limiter: Limiter, traffic: LiveTraffic) -> float:
    """How many expected drops a replay is worth; 0 where live traffic alone fills the limiter."""
    without_us = _without_us(limiter.limit, limiter, traffic)
    if without_us > MOST_WITHOUT_US:
        return 0.0
    left_a_second = limiter.limit / limiter.period - traffic.mean / limiter.span
    times = min(TIMES_WITHOUT_US, sqrt(limiter.limit))
    return max(DROPS_A_SECOND / left_a_second, times * without_us)


def _without_us(limit: int, limiter: Limiter, traffic: LiveTraffic) -> float:
    """The chance that live alerts alone fill a window of a limiter with this limit."""
    return min(1.0, _added_drops(_moments(Limiter(limit, limiter.period), 0, traffic), 1))


def _moments(limiter: Limiter, queued: int, traffic: LiveTraffic) -> list[_Moment]:
    """Each moment at which alerts leave the window, and the end of the period, in order."""
    evenness, mean_varies = max(_LEAST_DISPERSION, traffic.dispersion), 1 / traffic.known_for
    rate, span = traffic.mean, limiter.span
    left, since, moments = limiter.used + queued, 0.0, []
    for until in (*limiter.accepted.leaving, limiter.period):
        spans = until / span
        # Few samples tell the mean badly: it varies as well.
        step = evenness * (1 + spans * mean_varies)
        mean = rate * spans / step
        coming = rate * (until - since) / span / step
        log_mean = log(mean) if mean > 0 else -inf
        moments.append(_Moment(limiter.limit - left, step, mean, log_mean, coming))
        left, since = max(queued, left - limiter.accepted.stride), until
    return moments
