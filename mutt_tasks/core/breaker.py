"""The forwarder's circuit breaker as others see it: closed, open, or left open by nobody.

Its OPEN never expires. Only a forwarder that looks at it ends it, once its time is over; where
forwarders are gone, or run without it, it would stand for ever.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

# The reason that a cycle gives while it is open.
BREAKER_OPEN = "breaker_open"

# Clocks of forwarders may be ahead of Redis' by this many seconds; a later opening is nonsense.
LARGEST_SKEW = 60.0


class State(StrEnum):
    """HALF_OPEN counts as closed: the forwarder is trying."""

    CLOSED = "closed"
    OPEN = "open"
    STALE = "stale"


@dataclass(frozen=True)
class Marks:
    """What stands in Redis: the breaker's `state` and `open_time`, each None when it is not there.

    `has_old_mark` says whether an older forwarder's key exists, which it does while that one's
    breaker is open. `seen_at` is when we first saw an OPEN without a usable time (0: never).
    """

    state: bytes | None = None
    open_time: bytes | None = None
    has_old_mark: bool = False
    seen_at: float = 0.0


@dataclass(frozen=True)
class Breaker:
    """The breaker at a moment.

    An open one becomes stale at `until`, a stale one has been so since then (seconds since 1970;
    infinite while an older forwarder's key exists, 0 when closed). `is_undated` says that it is
    OPEN without a time that could be used, so that the moment when we saw it counts.
    """

    state: State
    until: float = 0.0
    is_undated: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing may be sent."""
        return self.state is State.OPEN


def judged(marks: Marks, now: float, timeout: float) -> Breaker:
    """What the marks mean at `now`, when a forwarder's breaker stays open for `timeout` seconds."""
    says_open = marks.state is not None and marks.state.strip(b'" \n').upper() == b"OPEN"
    opened_at = _moment(marks.open_time, now) if says_open else None
    is_undated = says_open and opened_at is None
    if marks.has_old_mark:
        return Breaker(State.OPEN, math.inf, is_undated)
    if not says_open:
        return Breaker(State.CLOSED)
    if opened_at is None:
        opened_at = marks.seen_at if 0 < marks.seen_at <= now else now
    until = opened_at + timeout
    return Breaker(State.OPEN if now < until else State.STALE, until, is_undated)


def _moment(raw: bytes | None, now: float) -> float | None:
    """When the breaker opened; None when the text does not tell."""
    try:
        moment = float((raw or b"").strip(b'" \n'))
    except ValueError:
        return None
    return moment if 0 <= moment <= now + LARGEST_SKEW else None
