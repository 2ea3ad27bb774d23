"""The room in the forwarder's limiter: how many replays may go now beside the live alerts to come.

A replay that goes now stays in the window for a whole period. Until then alerts leave the window
one by one while live ones come, so the window is fullest just before one of them leaves, or at the
end of the period. At each of these moments there has to be room for the replays beside the most
live alerts that may come by then; the tightest moment decides.

How rare a chance room is kept for weighs what a drop costs against what waiting costs, at thirty
alerts for an hour. Simulated (docs/design.md), both are least together at HEADROOM_SIGMAS where
the limiter is large. Before a small one, or under heavy traffic, that would leave no room at all,
ever; there they are least, within a few percent, if there is just room for one replay in a window
that holds no other alert.
"""

from math import sqrt

from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.live_traffic import LiveTraffic

# Room is kept for as many live alerts as chance exceeds twice in 100,000 times, in standard
# deviations. At one look every 20 ms, before 50/s under 20/s, that is about one drop an hour.
HEADROOM_SIGMAS = 4.1
# If room for one replay is only left below this many standard deviations, live traffic alone fills
# the limiter in more than one period of fifty: nothing goes.
LEAST_SIGMAS = 2.0

# Room is always kept for this many live alerts, however little traffic was seen.
_AT_LEAST = 1.0
# Differences between two floating-point numbers that should be equal.
_ROUNDING = 1e-6


def sigmas(limiter: Limiter, traffic: LiveTraffic) -> float:
    """How rare a chance room is kept for, in standard deviations; below LEAST_SIGMAS: no room.

    It is HEADROOM_SIGMAS, or where that leaves no room for a single replay, the most that does.
    """
    mean, variance, skew = traffic.expected(limiter.period / limiter.span)
    # The z of mean + z * sqrt(variance) + skew * (z² - 1) = limit - 1.
    free = limiter.limit - 1 - mean + skew
    if free <= 0:
        return 0.0
    deviations = sqrt(variance + 4 * skew * free) + sqrt(variance)
    return min(HEADROOM_SIGMAS, 2 * free / deviations) if deviations else HEADROOM_SIGMAS


def room(limiter: Limiter, traffic: LiveTraffic, sigmas: float) -> float:
    """How many more alerts may go so that chance as rare as `sigmas` does not fill the window."""
    # As `traffic.expected` tells, in a form that is quick enough for some hundred moments.
    mean, dispersion = traffic.mean, traffic.dispersion
    known, span = traffic.known_for, limiter.span
    variance, offset = dispersion * mean, dispersion / 6 * (sigmas * sigmas - 1)
    tightest = float("inf")
    left = limiter.used
    for seconds in (*limiter.accepted.leaving, limiter.period):
        spans = seconds / span
        most = mean * spans + sigmas * sqrt(variance * spans * (1 + spans / known)) + offset
        tightest = min(tightest, limiter.limit - left - max(_AT_LEAST, most))
        left = max(0, left - limiter.accepted.stride)
    return tightest + _ROUNDING


def limit_needed(limiter: Limiter, traffic: LiveTraffic) -> int:
    """The smallest limit with which live traffic as it is leaves room for replays, in alerts."""
    mean, variance, skew = traffic.expected(limiter.period / limiter.span)
    most = mean + LEAST_SIGMAS * sqrt(variance) + skew * (LEAST_SIGMAS**2 - 1)
    return int(most) + 2
