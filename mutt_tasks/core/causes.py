"""What there is to tell: causes, each under a key that stays the same for as long as it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Causes of one kind are told together. The order is that of importance."""

    DEAD = "dead"
    PAUSE = "pause"
    RECOVERED = "recovered"
    JOB = "job"


# These happen once; the others last until they end.
EVENTS = frozenset({Kind.RECOVERED, Kind.JOB})


@dataclass(frozen=True)
class Cause:
    """Something that happened, or that lasts; moments in seconds since 1970, 0 for never.

    It began at `at` and was last added to at `last_at`: `count` messages by now. What lasts has
    `ended_at` when it is over. Somebody takes care of it until `quiet_until`. `facts` are what a
    text says of it, without credentials.
    """

    key: str
    kind: Kind
    at: float
    count: int = 0
    last_at: float = 0.0
    ended_at: float = 0.0
    quiet_until: float = 0.0
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it lasts still."""
        return self.kind not in EVENTS and not self.ended_at

    def is_quiet(self, now: float) -> bool:
        """Whether nothing is told of it: somebody takes care of it, or did when it ended."""
        return (self.ended_at or now) < self.quiet_until
