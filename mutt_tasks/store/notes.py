"""Notes about messages and groups, and acknowledgements, which end by themselves."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

import redis

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.notes import Acknowledgement, Note, Remarks, note_of
from mutt_tasks.store import keys
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.connection import translated
from mutt_tasks.store.fields import paired, text
from mutt_tasks.store.requests import REMEMBERED_MS, Request
from mutt_tasks.store.scripts import Scripts

# So many notes are kept of each message and group, for so long after the last one; the audit has
# all, as long as that.
MOST = 20
KEPT_MS = 400 * 86_400 * 1000

# One read asks about so many ids: well below a millisecond of Redis.
_AT_ONCE = 250


class Notes:
    """Write and read them. Raises StoreError."""

    def __init__(self, client: redis.Redis, scripts: Scripts, audit: Audit) -> None:
        self._client = client
        self._scripts = scripts
        self._audit = audit

    def note(self, subject: str, note: Note, request: Request) -> None:
        """Write down a note about a message or a group, and audit it."""
        names = [keys.request("note", request.id), keys.note(subject), keys.AUDIT, keys.AUDIT_HEAD]
        rest = [REMEMBERED_MS, note.encoded(), MOST, KEPT_MS]
        self._audit.written(
            request.entry("note", subject),
            lambda audit: self._scripts.call("note", names, [*rest, *paired(audit)]),
        )

    def acknowledge(
        self, subject: str, acknowledged: Acknowledgement, until: float, request: Request
    ) -> None:
        """Note that somebody takes care of it `until` then (seconds since 1970), and audit it."""
        entry = request.entry("acknowledge", subject, after=f"until {acknowledged.until}")
        self._acknowledge(entry, request, f"{until * 1000:.0f}", asdict(acknowledged))

    def take_back(self, subject: str, request: Request) -> bool:
        """End an acknowledgement, and audit it; False when there was none."""
        entry = request.entry("acknowledge", subject, before="acknowledged", after="ended")
        return self._acknowledge(entry, request, "", {}) == "ended"

    def of(self, subjects: Iterable[str]) -> dict[str, Remarks]:
        """What is written down about these messages and groups; those without are left out."""
        found: dict[str, Remarks] = {}
        wanted = iter(dict.fromkeys(subjects))
        while some := list(islice(wanted, _AT_ONCE)):
            found |= {name: each for name, each in self._read(some) if each != Remarks()}
        return found

    def acknowledged(self, now: float, most: int) -> dict[str, Acknowledgement]:
        """The acknowledgements in force at `now` (seconds since 1970), those that end first."""
        with translated():
            found: Any = self._client.zrangebyscore(
                keys.ACKS, f"({now * 1000:.0f}", "+inf", start=0, num=most
            )
        remarks = self.of(text(name) for name in found)
        acks = ((name, remarks[name].acknowledged) for name in map(text, found) if name in remarks)
        return {name: ack for name, ack in acks if ack}

    def _read(self, subjects: list[str]) -> Iterator[tuple[str, Remarks]]:
        with translated(), self._client.pipeline(transaction=False) as steps:
            for name in subjects:
                steps.lrange(keys.note(name), 0, MOST - 1)
                steps.hgetall(keys.ack(name))
            answers = steps.execute()
        for name, notes, ack in zip(subjects, answers[::2], answers[1::2], strict=True):
            read = tuple(note for note in map(note_of, notes) if note)
            yield name, Remarks(read, _ack_of(ack) if ack else None)

    def _acknowledge(
        self, entry: AuditEntry, request: Request, until: str, fields: dict[str, str]
    ) -> str:
        names = [
            *(keys.request("acknowledge", request.id), keys.ack(entry.scope), keys.ACKS),
            *(keys.AUDIT, keys.AUDIT_HEAD),
        ]
        rest = [REMEMBERED_MS, entry.scope, until, *paired(fields)]
        answer = self._audit.written(
            entry,
            lambda audit: self._scripts.call("acknowledge", names, [*rest, *paired(audit)]),
        )
        return text(answer[0])


def _ack_of(raw: dict[bytes, bytes]) -> Acknowledgement:
    names = ("since", "until", "actor", "reason")
    return Acknowledgement(*(text(raw.get(name.encode())) for name in names))
