"""What the notifier keeps: its lease, what it knows, and the messages that are under way.

It reads what others wrote and moves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.store import keys
from mutt_tasks.store.connection import seconds_of, translated
from mutt_tasks.store.counters import BOUNCED, IMPORTED, MOVED, QUARANTINED, REPLAYED, Counters
from mutt_tasks.store.fields import listed, paired, text
from mutt_tasks.store.journal import Entry, entry_of
from mutt_tasks.store.scripts import Scripts

# Whoever looks renews it each second or so.
TTL_MS = 15_000
# A message is kept for longer than anybody could still be sending it.
KEPT_MS = 86_400_000


@dataclass(frozen=True)
class Happened:
    """What the journal tells behind an entry, the oldest first, and how things stand then.

    `has_all` says that nothing was trimmed before it was read. `waiting` messages are to be
    replayed, `arrived` have come to the dead letter list since counting began, and `dead` lie
    there.
    """

    now: float
    entries: list[tuple[str, Entry]]
    last: str
    has_all: bool
    is_last: bool
    replayed: int
    bounced: int
    quarantined: int
    arrived: int
    waiting: int
    dead: int


class Notices:
    """Read and write it. Raises StoreError."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def take(self, token: str) -> bool:
        """Take the lease, if nobody else has it."""
        with translated():
            is_taken = self._client.set(keys.NOTIFY_LEASE, token, nx=True, px=TTL_MS)
            return bool(is_taken) or self._client.get(keys.NOTIFY_LEASE) == token.encode()

    def release(self, token: str) -> None:
        """Drop the lease if it is ours."""
        self._scripts.call("release", [keys.NOTIFY_LEASE], [token])

    def known(self) -> dict[str, str]:
        """What was kept, by field."""
        with translated():
            found: Any = self._client.hgetall(keys.NOTIFY_STATE)
        return {text(name): text(value) for name, value in found.items()}

    def save(
        self,
        token: str,
        step: int,
        fields: Mapping[str, str],
        gone: Sequence[str] = (),
        messages: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Keep these fields, forget those that are `gone`, and keep the messages by target.

        Raises LeaseLost when the lease does not hold `token`.
        """
        messages = messages or {}
        self._scripts.call(
            "notify_save",
            [keys.NOTIFY_LEASE, keys.NOTIFY_STATE, *map(keys.notify_sending, messages)],
            [
                *(token, TTL_MS, step, KEPT_MS),
                *(*paired(fields), *listed(gone)),
                *(part for each in messages.values() for part in paired(each)),
            ],
        )

    def message(self, target: str) -> dict[str, str]:
        """The message that is under way to a target, or was last."""
        with translated():
            found: Any = self._client.hgetall(keys.notify_sending(target))
        return {text(name): text(value) for name, value in found.items()}

    def mark(self, target: str, its_id: str, name: str, value: str, **beside: str) -> bool:
        """Note something of a message once; False when it is gone, or something else stands there.

        `beside` is noted in the same step.
        """
        answer = self._scripts.call(
            "notify_mark", [keys.notify_sending(target)], [its_id, name, value, *paired(beside)]
        )
        return bool(answer[0] == b"marked")

    def happened(self, after: str, most: int, routes: Mapping[str, str], dead: str) -> Happened:
        """At most `most` entries behind the entry `after`, and how things stand in that moment.

        `routes` are the dead letter queues by the names of their routes.
        """
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.time()
            steps.xrange(keys.JOURNAL, min=f"({after}" if after else "-", count=most)
            steps.xrange(keys.JOURNAL, count=1)
            steps.hgetall(keys.STATS)
            steps.llen(dead)
            for name, queue in routes.items():
                for key in (queue, keys.aside(name), keys.front(name)):
                    steps.llen(key)
            time, found, first, stats, dead_length, *lengths = steps.execute()
        counters = Counters.read(stats)
        entries = [(text(entry_id), entry_of(raw)) for entry_id, raw in found]
        quarantined = _quarantined(counters)
        return Happened(
            now=seconds_of(time),
            entries=[(entry_id, entry) for entry_id, entry in entries if entry],
            last=entries[-1][0] if entries else after,
            has_all=not first or not after or _place(text(first[0][0])) <= _place(after),
            is_last=len(found) < most,
            replayed=counters.total(MOVED[REPLAYED.word]),
            bounced=counters.total(BOUNCED),
            quarantined=quarantined,
            arrived=_arrived(counters),
            waiting=sum(lengths),
            dead=dead_length,
        )

    def arrivals(self, dead: str) -> tuple[int, int]:
        """How many messages have come to the dead letter list, and how many lie there."""
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.hgetall(keys.STATS)
            steps.llen(dead)
            stats, length = steps.execute()
        return _arrived(Counters.read(stats)), length


def _quarantined(counters: Counters) -> int:
    return sum(counters.total(family) for family in QUARANTINED.values())


def _arrived(counters: Counters) -> int:
    return _quarantined(counters) + counters.value(IMPORTED.of("dead"))


def _place(entry_id: str) -> tuple[int, int]:
    """Where an entry of a stream stands among others."""
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number or 0)
