"""The forwarder's decisions, without a clock, a queue or a connection."""

from collections.abc import Callable
from enum import Enum, auto

from stand_ins import facts


class Fate(Enum):
    """What becomes of an alert."""

    GIVEN_UP = auto()  # to the dead letter queue, as it is
    DESTROYED = auto()  # it met the full window of the limiter
    TRIED_AGAIN = auto()  # back to the new end of the alert queue after a sleep, its counter raised
    POSTED = auto()  # Moogsoft's answer decides
    DELIVERED = auto()


def before_the_post(
    tries: float,
    has_place: Callable[[], bool],
    breaker_is_open: Callable[[], bool],
    most: int = facts.FORWARDER_MAX_RETRIES,
) -> Fate:
    """What becomes of an alert that was tried this often: counter, limiter, breaker, in this order.

    `has_place` takes a place in the limiter's window. While the breaker is open the alert spends
    that place and a retry, and no post is made.
    """
    if tries > most:
        return Fate.GIVEN_UP
    if not has_place():
        return Fate.DESTROYED
    return Fate.TRIED_AGAIN if breaker_is_open() else Fate.POSTED


def answered(status: int) -> Fate:
    """What Moogsoft's answer makes of an alert; see facts for what stands in place of a status."""
    if status in facts.DELIVERED:
        return Fate.DELIVERED
    return Fate.TRIED_AGAIN if facts.is_tried_again(status) else Fate.GIVEN_UP
