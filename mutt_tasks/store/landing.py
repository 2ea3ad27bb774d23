"""What a look at the queues finds of replays, and what is remembered of it for the next look."""

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

# Bounds of a look, so that it holds Redis for a few milliseconds: messages that came into the
# source, their bytes for either half of them, and the largest; the newest messages of the queues.
SAMPLE, SAMPLE_BYTES, SAMPLE_LARGEST = 400, 512 << 10, 64 << 10
QUEUE_SAMPLE, QUEUE_SAMPLE_BYTES = 1000, 512 << 10

# The field of a route's state that keeps what was seen of its queues.
FIELD = "landing"

_SIGHT = re.compile(r"([0-9a-f]{40}):([0-9a-f]{40}):([0-9]{1,15})")


@dataclass(frozen=True)
class QueueSight:
    """One queue: a digest of its `oldest` message, and how many `replays` of the route lie there.

    While the oldest message stays the same, nobody has taken anything from the queue; `whole` is a
    digest of its length and both its ends: while that stays the same, nothing has come either.
    """

    oldest: str
    whole: str
    replays: int

    def after(self, sent: int) -> "QueueSight":
        """What is known of the queue after so many replays went there: it can have changed then."""
        return replace(self, whole="", replays=self.replays + sent) if sent else self


@dataclass(frozen=True)
class Landing:
    """Where replays of a route are.

    `in_flight` of them still lie in the queues, of which `sights` tell: the target, then the alert
    queue if that is another. `oldest` and `newest` are messages that came into the source since the
    last look, within bounds.
    """

    in_flight: int = 0
    oldest: Sequence[bytes] = ()
    newest: Sequence[bytes] = ()
    sights: tuple[QueueSight, ...] = ()


def landing_of(seen: list[Any], oldest: Sequence[bytes], newest: Sequence[bytes]) -> Landing:
    """What `landing.lua` answers, and the arrivals that `arrivals.lua` does."""
    parts = zip(seen[::3], seen[1::3], seen[2::3], strict=True)
    sights = tuple(QueueSight(old.decode(), whole.decode(), count) for old, whole, count in parts)
    return Landing(sum(sight.replays for sight in sights), oldest, newest, sights)


def encoded(sights: Sequence[QueueSight]) -> dict[str, str]:
    """The sights as a field of a route's state."""
    return {FIELD: " ".join(":".join(map(str, astuple(sight))) for sight in sights)}


def decoded(text: str) -> tuple[QueueSight, ...]:
    """The sights that a field tells; none when it is damaged, which only costs pace."""
    found = [_SIGHT.fullmatch(part) for part in text.split(" ")]
    return tuple(
        QueueSight(each[1], each[2], int(each[3])) for each in found if each and all(found)
    )
