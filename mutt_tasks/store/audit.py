"""The audit: every change of an operator, written in the same step in which it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.audit import AuditEntry, ChainCheck, Head, Verdict, chained, presentable
from mutt_tasks.core.moments import iso
from mutt_tasks.core.redaction import ALL, Hints
from mutt_tasks.errors import StoreRefused
from mutt_tasks.release import VERSION
from mutt_tasks.store import journal, keys
from mutt_tasks.store.connection import seconds_of, translated
from mutt_tasks.store.fields import paired, text, whole_number
from mutt_tasks.store.scripts import Scripts

# Others may write an entry between our look at the last one and our own: then again.
_TRIES = 500
# The old end may be removed because of its age while the chain is read: then again.
_READINGS = 3
# One read returns so many entries: less than a millisecond of Redis.
PAGE = 200

_HEAD = ("hash", "id", "oldest", "entries")

Progress = Callable[[int, int], None]


def _untold(_seen: int, _written: int) -> None:
    """Progress that nobody wants to see."""


@dataclass(frozen=True)
class Page:
    """Entries with their ids, the newest first; `before` is the cursor of the next page.

    It is empty when there are no older ones.
    """

    entries: list[tuple[str, dict[str, str]]]
    before: str


class Audit:
    """Write and read the audit, in which the secrets of the `hints` never stand.

    Raises StoreError.
    """

    def __init__(self, client: redis.Redis, scripts: Scripts, hints: Hints = ALL) -> None:
        self._client = client
        self._scripts = scripts
        self._hints = hints

    def written(self, entry: AuditEntry, call: Callable[[dict[str, str]], Any]) -> Any:
        """Have a script write an entry together with what it changes; returns its answer.

        `call` runs the script, given the entry's fields, which follow the last entry there is. It
        is run again when the script answers that somebody else has written one since.
        """
        shown = presentable(entry, self._hints)
        for _ in range(_TRIES):
            with translated(), self._client.pipeline(transaction=True) as steps:
                steps.time()
                steps.hget(keys.AUDIT_HEAD, "hash")
                moment, last = steps.execute()
            answer = call(chained(shown, iso(seconds_of(moment)), VERSION, text(last)))
            if answer[0] != b"audit":
                return answer
        raise StoreRefused(f"{keys.AUDIT}: others write to it all the time; nothing was changed")

    def add(self, entry: AuditEntry, told: journal.Viewed | None = None) -> None:
        """Write an entry of what no script of ours does; the journal gets what is `told` too."""
        self._added(entry, journal.fields_of(told) if told else {}, {}, {})

    def add_seen(self, entry: AuditEntry, name: str, before: str, after: str) -> bool:
        """Write an entry of what somebody else has changed, and note what is seen of it now.

        False when something else than `before` is noted of this name: another process has written
        the entry.
        """
        return self._added(entry, {}, {name: before}, {name: after})

    def _added(
        self,
        entry: AuditEntry,
        told: Mapping[str, Any],
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> bool:
        names = [keys.AUDIT, keys.AUDIT_HEAD, keys.JOURNAL, keys.AUDIT_SEEN]
        rest = [*paired(told), *paired(before), *paired(after)]
        answer = self.written(
            entry,
            lambda fields: self._scripts.call(
                "audited", names, [journal.LENGTH, *paired(fields), *rest]
            ),
        )
        return bool(answer[0] == b"audited")

    def seen(self) -> dict[str, str]:
        """What is noted of others' changes, by name."""
        with translated():
            found: Any = self._client.hgetall(keys.AUDIT_SEEN)
        return {text(name): text(value) for name, value in found.items()}

    def head(self) -> Head:
        """The end of the chain."""
        with translated():
            return _head(self._client.hmget(keys.AUDIT_HEAD, *_HEAD))

    def page(self, before: str = "", most: int = PAGE, since: str = "") -> Page:
        """At most `most` entries, the newest first.

        They are older than the cursor `before`, and not older than the entry or moment (ms) `since`
        would be.
        """
        with translated():
            found: Any = self._client.xrevrange(
                keys.AUDIT, max=f"({before}" if before else "+", min=since or "-", count=most
            )
        entries = [(text(entry_id), _fields(raw)) for entry_id, raw in found]
        return Page(entries, entries[-1][0] if len(entries) == most else "")

    def after(self, last: str = "", most: int = PAGE) -> list[tuple[str, dict[str, str]]]:
        """At most `most` entries that are newer than the entry `last`, the oldest first."""
        with translated():
            found: Any = self._client.xrange(
                keys.AUDIT, min=f"({last}" if last else "-", count=most
            )
        return [(text(entry_id), _fields(raw)) for entry_id, raw in found]

    def unlogged(self) -> list[tuple[str, dict[str, str]]]:
        """The oldest entries that no worker has put into its log yet."""
        newest = ("XREVRANGE", keys.AUDIT, "+", "-", "COUNT", 1)
        last, found = self._scripts.read(("GET", keys.AUDIT_LOGGED), newest)
        is_new = bool(found) and found[0][0] != last
        return self.after(text(last)) if is_new else []

    def note_logged(self, last: str) -> None:
        """Note that a worker has logged the entries up to this one."""
        with translated():
            self._client.set(keys.AUDIT_LOGGED, last)

    def verify(self, progress: Progress = _untold, anchor: str = "") -> Verdict:
        """Whether the chain is whole, up to the entry that is the newest when it has been read.

        `progress` is told how many entries were read, of how many that were ever written. An entry
        must have the hash `anchor`, if there is one.
        """
        for _ in range(_READINGS):
            verdict, is_undisturbed = self._verified(progress, anchor)
            if is_undisturbed:
                break
        return verdict

    def _verified(self, progress: Progress, anchor: str) -> tuple[Verdict, bool]:
        """The verdict, and whether the old end stayed as it was meanwhile."""
        first = head = self.head()
        check, last, seen = ChainCheck(first.oldest, anchor), "", 0
        while True:
            # The head belongs to the entries only where both are read in one step.
            with translated(), self._client.pipeline(transaction=True) as steps:
                steps.xrange(keys.AUDIT, min=f"({last}" if last else "-", count=PAGE)
                steps.hmget(keys.AUDIT_HEAD, *_HEAD)
                found, raw_head = steps.execute()
            head = _head(raw_head)
            for entry_id, raw in found:
                check.follow(text(entry_id), _fields(raw))
            seen += len(found)
            progress(seen, head.written)
            if len(found) < PAGE:
                return check.verdict(head), head.oldest == first.oldest
            last = text(found[-1][0])


def _head(found: Any) -> Head:
    return Head(text(found[0]), text(found[1]), text(found[2]), whole_number(found[3]) or 0)


def _fields(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    """An entry as it was written; bytes that are no text of ours stay different from all others."""
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in raw.items()
    }
