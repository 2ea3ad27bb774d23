"""What a look at the queues finds of replays, and what is remembered of it for the next look."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Bounds of a look, so that it holds Redis for a few milliseconds: messages that came into the
# source, their bytes for either half of them, and the largest; the newest messages of the queues.
SAMPLE, SAMPLE_BYTES, SAMPLE_LARGEST = 400, 512 << 10, 64 << 10
QUEUE_SAMPLE, QUEUE_SAMPLE_BYTES = 1000, 512 << 10

# The field of a route's state that keeps what was seen of its queues.
FIELD = "landing"

_SIGHT = re.compile(r"([0-9a-f]{40}):([0-9]{1,15})")


@dataclass(frozen=True)
class QueueSight:
    """One queue: a digest of its `oldest` message, and how many `replays` of the route lie there.

    While the oldest message stays the same, nobody has taken anything from the queue.
    """

    oldest: str
    replays: int


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
    digests = [digest.decode() for digest in seen[::2]]
    counts: list[int] = seen[1::2]
    sights = tuple(map(QueueSight, digests, counts))
    return Landing(sum(counts), oldest, newest, sights)


def encoded(sights: Sequence[QueueSight]) -> dict[str, str]:
    """The sights as a field of a route's state."""
    return {FIELD: " ".join(f"{sight.oldest}:{sight.replays}" for sight in sights)}


def decoded(text: str) -> tuple[QueueSight, ...]:
    """The sights that a field tells; none when it is damaged, which only costs pace."""
    found = [_SIGHT.fullmatch(part) for part in text.split(" ")]
    return tuple(QueueSight(each[1], int(each[2])) for each in found if each and all(found))
