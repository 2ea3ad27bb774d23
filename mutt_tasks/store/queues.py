"""Look at the oldest messages of a dead letter queue, and commit what becomes of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mutt_tasks.core.policy import (
    INCOMPLETE,
    MALFORMED,
    POISON,
    QUARANTINE_REASONS,
    STALE,
    SUSPECT,
    Action,
    Decision,
)
from mutt_tasks.core.routes import Route
from mutt_tasks.store import keys
from mutt_tasks.store.lease import TTL_MS
from mutt_tasks.store.scripts import Scripts

JOURNAL_LENGTH = 10_000

# Bounds of a look for replays: messages that came into the source, and newest ones of a queue.
SAMPLE, SAMPLE_BYTES, SAMPLE_LARGEST = 400, 2 << 20, 64 << 10
QUEUE_SAMPLE, QUEUE_SAMPLE_BYTES = 2000, 4 << 20

_LETTERS = {MALFORMED: "m", INCOMPLETE: "i", POISON: "p", STALE: "s", SUSPECT: "u"}


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
        return sum(d.action is not Action.WAIT for d in self.decisions)

    @property
    def replays(self) -> int:
        """How many of the messages are replayed."""
        return sum(d.action is Action.REPLAY for d in self.decisions)

    @property
    def odd(self) -> int:
        """How many of those that leave held a counter that was no counter."""
        return sum(not d.is_sound for d in self.decisions if d.action is not Action.WAIT)

    @property
    def came_back(self) -> int:
        """How many of those that leave are replays that failed."""
        return sum(d.came_back for d in self.decisions)

    @property
    def forgiven(self) -> int:
        """How many of those failures do not count against their messages."""
        return sum(d.forgiven for d in self.decisions)

    def plan(self) -> str:
        """One letter for each message, as commit.lua reads it."""
        return "".join(
            "r" if d.action is Action.REPLAY else _LETTERS.get(d.reason, "w")
            for d in self.decisions
        )

    def digest(self) -> str:
        """What commit.lua compares to see that the messages are still the same."""
        lengths = ",".join(str(len(message)) for message in self.messages).encode()
        found = hashlib.sha1(lengths + b":", usedforsecurity=False)
        for message in self.messages:
            found.update(message)
        return found.hexdigest()

    def payloads(self) -> list[bytes]:
        """What is pushed, oldest first; malformed messages are pushed from where they lie."""
        return [
            d.payload
            for d in self.decisions
            if d.action is not Action.WAIT and d.reason != MALFORMED
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


class Queues:
    """The message lists."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def look(self, source: str, skip: int, most: int, most_bytes: int) -> list[bytes]:
        """The oldest messages of a list after the first `skip`, oldest first; removes nothing.

        Returns at most `most` messages and `most_bytes` bytes, but always one if there is one.
        """
        found: list[bytes] = self._scripts.call("look", [source], [skip, most, most_bytes])
        return found

    def landing(
        self, route: Route, alert_queue: str, arrivals: int
    ) -> tuple[int, list[bytes], list[bytes]]:
        """How many replays of a route still lie in the queues, and what came into its source.

        Of the `arrivals` messages since the last look some of the oldest and of the newest are
        returned, within bounds.
        """
        bounds = [SAMPLE, SAMPLE_BYTES, SAMPLE_LARGEST, route.name, QUEUE_SAMPLE]
        under_way, oldest, newest = self._scripts.call(
            "landing",
            [route.source, route.target, alert_queue],
            [arrivals, *bounds, QUEUE_SAMPLE_BYTES],
        )
        return under_way, oldest, newest

    def commit(
        self,
        lease: str,
        commit_id: str,
        cycle: str,
        route: Route,
        dead_letter_queue: str,
        batch: Batch,
        state: dict[str, Any],
        pace: dict[str, Any],
        raised: dict[str, int],
    ) -> Moved | None:
        """Do what was decided, in one step; None when the queue changed since the look.

        `state` and `pace` are written to the route's state and the pace in the same step, and the
        counters in `raised` are raised.
        Raises LeaseLost when the lease is not held by `lease` any more.
        """
        answer = self._scripts.call(
            "commit",
            [
                keys.LEASE,
                route.source,
                route.target,
                dead_letter_queue,
                keys.route_state(route.name),
                keys.STATS,
                keys.JOURNAL,
                keys.PACE,
            ],
            [
                lease,
                TTL_MS,
                commit_id,
                batch.skip,
                batch.plan(),
                batch.digest(),
                route.name,
                cycle,
                JOURNAL_LENGTH,
                *flat(state),
                *flat(pace),
                *flat(raised),
                *batch.payloads(),
            ],
        )
        if answer[0] == b"changed":
            return None
        replayed, *quarantined, remaining = (int(number) for number in answer[1:])
        by_reason = dict(zip(QUARANTINE_REASONS, quarantined, strict=True))
        return Moved(replayed, by_reason, remaining)


def flat(fields: dict[str, Any]) -> list[Any]:
    """A mapping as scripts read it: how many values follow, then field, value, …"""
    values = [part for pair in fields.items() for part in pair]
    return [len(values), *values]
