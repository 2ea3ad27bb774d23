"""What a commit moves, and what it has moved."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from mutt_tasks.core.policy import (
    INCOMPLETE,
    MALFORMED,
    POISON,
    STALE,
    SUSPECT,
    Action,
    Decision,
)

# The letters of commit.lua's plan for messages that are set aside, by reason.
_LETTERS = {MALFORMED: "m", INCOMPLETE: "i", POISON: "p", STALE: "s", SUSPECT: "u"}

_LETTER_OF = {
    Action.REPLAY: "r",
    Action.WAIT: "w",
    Action.MOVE: "t",
    Action.EDIT: "e",
    Action.RESTORE: "b",
    Action.REMOVE: "x",
}
_WAITS = frozenset({Action.WAIT})
_STAYS = _WAITS | {Action.EDIT, Action.RESTORE}
_REPLAYED = frozenset({Action.REPLAY})
_TO_TARGET = _REPLAYED | {Action.MOVE}
# For these nothing is pushed but the message itself.
_AS_THEY_LIE = frozenset({Action.WAIT, Action.MOVE, Action.REMOVE})


@dataclass(frozen=True)
class Batch:
    """Adjacent messages of a queue, oldest first, each with its decision.

    `skip` is how many still older ones are left alone.
    """

    skip: int
    messages: Sequence[bytes]
    decisions: Sequence[Decision]

    @property
    def going(self) -> int:
        """How many of the messages leave the queue."""
        return sum(d.action not in _STAYS for d in self.decisions)

    @property
    def places(self) -> list[int]:
        """Where the messages lie that leave, counted from the oldest of the queue."""
        decisions = enumerate(self.decisions, self.skip)
        return [place for place, decision in decisions if decision.action not in _STAYS]

    @property
    def data_bytes(self) -> int:
        """How many bytes the messages have together, those that wait among them too."""
        return sum(map(len, self.messages))

    @property
    def replays(self) -> int:
        """How many of the messages are replayed."""
        return sum(d.action in _REPLAYED for d in self.decisions)

    @property
    def pushed_to_target(self) -> int:
        """How many of the messages go to the target: replayed, or as they lie."""
        return sum(d.action in _TO_TARGET for d in self.decisions)

    @property
    def sends_suspect(self) -> bool:
        """Whether one of the messages that are replayed failed alone before."""
        return any(d.is_suspect and d.action in _REPLAYED for d in self.decisions)

    @property
    def bad_counters(self) -> int:
        """How many of those that leave held a counter that was no counter."""
        return sum(not d.is_sound for d in self.decisions if d.action not in _WAITS)

    @property
    def came_back(self) -> int:
        """How many of those that leave are replays that failed."""
        return sum(d.came_back for d in self.decisions)

    @property
    def first_bounces(self) -> int:
        """How many of those came back from their first replay: each alert counts once."""
        return sum(d.is_first_return for d in self.decisions)

    @property
    def forgiven(self) -> int:
        """How many of those failures do not count against their messages."""
        return sum(d.forgiven for d in self.decisions)

    def plan(self) -> str:
        """One letter for each message, as commit.lua reads it.

        Raises ValueError for a reason that it knows no letter for: the message would be left lying.
        """
        return "".join(map(_letter, self.decisions))

    def digest(self) -> str:
        """What commit.lua compares to see that the messages are still the same."""
        return _sha1("".join(map(_sha1, self.messages)).encode())

    def payloads(self) -> list[bytes]:
        """What is pushed, oldest first; malformed messages are pushed from where they lie."""
        return [
            d.payload
            for d in self.decisions
            if d.action not in _AS_THEY_LIE and d.reason != MALFORMED
        ]


@dataclass(frozen=True)
class Moved:
    """What a commit did, by reason, and how many messages it left in the source."""

    replayed: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    remaining: int = 0

    @property
    def total(self) -> int:
        """How many messages left the source."""
        return self.replayed + sum(self.quarantined.values())

    def __add__(self, other: "Moved") -> "Moved":
        """Both together, `other` being the later one."""
        quarantined = {
            reason: self.quarantined.get(reason, 0) + other.quarantined.get(reason, 0)
            for reason in self.quarantined | other.quarantined
        }
        return Moved(self.replayed + other.replayed, quarantined, other.remaining)


def _sha1(text: bytes) -> str:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def _letter(decision: Decision) -> str:
    if decision.action in _LETTER_OF:
        return _LETTER_OF[decision.action]
    if decision.reason not in _LETTERS:
        raise ValueError(f"quarantine reason: got {decision.reason!r}, accepts {tuple(_LETTERS)}")
    return _LETTERS[decision.reason]
