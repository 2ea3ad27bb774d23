"""The audit: every change of an operator, written in the same step in which it is made."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.audit import AuditEntry, Verdict, chained, judged
from mutt_tasks.core.moments import iso
from mutt_tasks.errors import StoreRefused
from mutt_tasks.release import VERSION
from mutt_tasks.store import keys
from mutt_tasks.store.connection import seconds_of, translated
from mutt_tasks.store.fields import paired, text, whole_number
from mutt_tasks.store.scripts import Scripts

logger = logging.getLogger(__name__)

# Others may write an entry between our look at the last one and our own: then again.
_TRIES = 50
# Entries are kept for so long at least, in seconds (audit.lua).
KEPT = 400 * 86_400
# One read returns so many entries: less than a millisecond of Redis.
_PAGE = 200


@dataclass(frozen=True)
class Head:
    """The end of the chain: the last entry's hash and id, and how many were written in all.

    The very first one was written at `first_at` (seconds since 1970; 0: there is none).
    """

    hash: str
    id: str
    entries: int
    first_at: float


@dataclass(frozen=True)
class Page:
    """Entries with their ids, the newest first; `before` is the cursor of the next page.

    It is empty when there are no older ones.
    """

    entries: list[tuple[str, dict[str, str]]]
    before: str


class Audit:
    """Write and read the audit. Raises StoreError."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def written(self, entry: AuditEntry, call: Callable[[dict[str, str]], Any]) -> Any:
        """Have a script write an entry together with what it changes; returns its answer.

        `call` runs the script, given the entry's fields, which follow the last entry there is. It
        is run again when the script answers that somebody else has written one since.
        """
        for _ in range(_TRIES):
            with translated(), self._client.pipeline(transaction=True) as steps:
                steps.time()
                steps.hget(keys.AUDIT_HEAD, "hash")
                moment, last = steps.execute()
            fields = chained(entry, iso(seconds_of(moment)), VERSION, text(last))
            answer = call(fields)
            if answer[0] != b"audit":
                # What a script refuses is not in the audit.
                logger.info("audit %s", json.dumps({"answer": text(answer[0]), **fields}))
                return answer
        raise StoreRefused(f"{keys.AUDIT}: others write to it all the time; nothing was changed")

    def add(self, entry: AuditEntry, once: Mapping[str, str] | None = None) -> bool:
        """Write an entry of what is done by no script of ours; False when it stands there already.

        That is so if what it is to be remembered by (`once`) was remembered before.
        """
        names = [keys.AUDIT, keys.AUDIT_HEAD, *([] if once is None else [keys.AUDIT_SEEN])]
        answer = self.written(
            entry,
            lambda fields: self._scripts.call(
                "audited", names, [*paired(fields), *paired(once or {})]
            ),
        )
        return bool(answer[0] == b"audited")

    def head(self) -> Head:
        """The end of the chain."""
        with translated():
            found: Any = self._client.hmget(keys.AUDIT_HEAD, "hash", "id", "entries", "first")
        first = whole_number(found[3].partition(b"-")[0]) if found[3] else None
        return Head(
            text(found[0]), text(found[1]), whole_number(found[2]) or 0, (first or 0) / 1000
        )

    def page(self, before: str = "", most: int = 100) -> Page:
        """At most `most` entries that are older than the cursor `before`, the newest first."""
        with translated():
            found: Any = self._client.xrevrange(
                keys.AUDIT, max=f"({before}" if before else "+", count=most
            )
        entries = [(text(entry_id), _fields(raw)) for entry_id, raw in found]
        return Page(entries, entries[-1][0] if len(entries) == most else "")

    def verify(self) -> Verdict:
        """Whether the chain is whole.

        Entries that are written meanwhile do not count: it is checked up to the head as it was.
        """
        head = self.head()
        with translated():
            now = seconds_of(self._client.time())
        # What is younger is never removed because of its age.
        is_old = 0 < head.first_at < now - KEPT
        return judged(self._up_to(head.id), head.hash, may_begin_later=is_old)

    def _up_to(self, last: str) -> Iterator[tuple[str, dict[str, str]]]:
        start = "-"
        while last:
            with translated():
                found: Any = self._client.xrange(keys.AUDIT, min=start, max=last, count=_PAGE)
            for entry_id, raw in found:
                yield text(entry_id), _fields(raw)
            if len(found) < _PAGE:
                return
            start = f"({text(found[-1][0])}"


def _fields(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    return {text(name): text(value) for name, value in raw.items()}
