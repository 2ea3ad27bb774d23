"""What lies in Redis at one moment, and whether the counters and the journal agree with it."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import redis

from tests.pipeline import DEAD, DLQ, INGEST

KINDS = ("replayed", "malformed", "incomplete", "poison", "stale")
STATS, JOURNAL = "mutt:remediation:stats", "mutt:remediation:journal"


@dataclass(frozen=True)
class Books:
    """Lists by name (oldest first), counters and journal entries, all read in one step."""

    lists: dict[str, list[bytes]]
    counters: dict[str, int]
    journal: list[dict[str, str]]

    @classmethod
    def of(cls, client: redis.Redis, *more: str) -> "Books":
        """Read them; `more` are further lists."""
        names = (DLQ, INGEST, DEAD, *more)
        with client.pipeline(transaction=True) as steps:
            for name in names:
                steps.lrange(name, 0, -1)
            steps.hgetall(STATS)
            steps.xrange(JOURNAL)
            *lists, stats, entries = steps.execute()
        found: dict[str, list[bytes]] = dict(zip(names, lists, strict=True))
        return cls(
            {name: messages[::-1] for name, messages in found.items()},
            {name.decode(): int(value) for name, value in stats.items()},
            [_texts(fields) for _, fields in entries],
        )

    def numbers(self, name: str) -> list[int]:
        """The numbers of the events in a list, oldest first."""
        return [json.loads(message)["number"] for message in self.lists[name]]

    def check(self) -> None:
        """Counters and journal tell the same moves, and the messages' own headers too."""
        moves = [entry for entry in self.journal if entry["event"] == "moved"]
        for kind in KINDS:
            assert self.counted(kind) == sum(int(entry[kind]) for entry in moves)
        cycles = [entry for entry in self.journal if entry["event"] == "cycle"]
        assert self.counters.get("loops", 0) == len(cycles)
        commits = Counter(entry["commit"] for entry in moves)
        assert set(commits.values()) <= {1}
        assert self.counted("replayed") == sum(
            replays_of(message) for messages in self.lists.values() for message in messages
        )

    def counted(self, kind: str) -> int:
        """A counter of all routes together."""
        return sum(value for name, value in self.counters.items() if name.partition(":")[0] == kind)


def replays_of(message: bytes) -> int:
    """How often a message was replayed, as its header says."""
    try:
        fields: Any = json.loads(message)
    except ValueError:
        return 0
    header = fields.get("_remediation", {}) if isinstance(fields, dict) else {}
    return int(header.get("replays", 0))


def _texts(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in fields.items()}
