"""Who changed what and why, as a chain: each entry names the hash of the one before it.

Whoever changes, removes or inserts an entry has to change all that follow, and the last hash, which
the log has too.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mutt_tasks.core.redaction import Hints, text_redacted

# Of every entry and nothing else; `hash` is over all the others.
PREV, HASH = "prev", "hash"

# Where a chain is wrong at its end: behind its last entry.
THE_END = "the end"

# What people typed may stand there.
_TYPED = ("actor", "scope", "reason", "before", "after", "outcome")
# A text longer than this is cut: an entry is a line, not a place to keep things.
_LONGEST = 400


@dataclass(frozen=True)
class AuditEntry:
    """A change, or the attempt at one.

    `known_by` says how the `actor` is known, `role` what they may do. `count` messages of the
    `scope` are concerned; `before` and `after` are what changed, and `outcome` what became of it.
    """

    verb: str
    actor: str
    known_by: str
    role: str = "operator"
    scope: str = ""
    reason: str = ""
    count: int = 0
    before: str = ""
    after: str = ""
    outcome: str = "done"
    job: str = ""
    cycle: str = ""
    commit: str = ""


def presentable(entry: AuditEntry, hints: Hints) -> AuditEntry:
    """The entry without what is, or looks like, a credential; each text on one line, cut."""
    shown: dict[str, Any] = {name: _shown(getattr(entry, name), hints) for name in _TYPED}
    return replace(entry, **shown)


def _shown(text: str, hints: Hints) -> str:
    # What a terminal hands over may be no text that can be encoded.
    written = text.encode("utf-8", "backslashreplace").decode()
    line = " ".join(text_redacted(written, hints).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def chained(entry: AuditEntry, at: str, version: str, prev: str) -> dict[str, str]:
    """An entry as it is kept: `at` (ISO 8601) and by which `version`, linked to the one before it.

    `prev` is the hash of that one, empty for the first.
    """
    fields = {"at": at, **{name: str(value) for name, value in asdict(entry).items()}}
    fields |= {"version": version, PREV: prev}
    return {**fields, HASH: hash_of(fields)}


def hash_of(fields: Mapping[str, str]) -> str:
    """SHA-256 over all fields of an entry but the hash itself, whatever their order."""
    kept = sorted((name, value) for name, value in fields.items() if name != HASH)
    return hashlib.sha256(json.dumps(kept, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Head:
    """What is kept of a chain beside it.

    The hash of the newest entry, the ids of the newest and of the oldest that is kept, and how many
    were ever written; all empty when there is none.
    """

    hash: str = ""
    newest: str = ""
    oldest: str = ""
    written: int = 0


@dataclass(frozen=True)
class Verdict:
    """What became of a chain: `entries` follow each other, and `wrong` says what is wrong then.

    `wrong` is empty when the chain is whole; else it is wrong from the entry `from_id` on.
    `is_from_first` says that it begins with the very first entry that was written, and the last of
    them has the `last_hash`.
    """

    entries: int
    wrong: str = ""
    from_id: str = ""
    is_from_first: bool = True
    last_hash: str = field(default="", compare=False)


class ChainCheck:
    """Check a chain entry by entry, the oldest first, which is to be the one called `oldest`.

    Entries that were removed because of their age leave a first one that names one before it. That
    is as it should be where the head says that it is the oldest. One entry must have the hash
    `anchor`, if there is one.
    """

    def __init__(self, oldest: str, anchor: str = "") -> None:
        self._oldest = oldest
        self._anchor = anchor
        self._is_anchored = not anchor
        self._last = self._last_id = ""
        self._verdict = Verdict(0)

    def follow(self, entry_id: str, fields: Mapping[str, str]) -> None:
        """Take the next entry; nothing counts any more behind one that is wrong."""
        before, prev = self._verdict, fields.get(PREV, "")
        if before.wrong:
            return
        if not before.entries and entry_id != self._oldest:
            what = f"the oldest should be {self._oldest or 'none'}: some were removed, or inserted"
            self._verdict = replace(before, wrong=f"it begins with {entry_id}, {what}")
        elif before.entries and prev != self._last:
            what = "one of both was changed, or one between them removed, inserted or moved"
            wrong = f"{entry_id} does not follow {self._last_id}: {what}"
            self._verdict = replace(before, wrong=wrong)
        elif fields.get(HASH) != hash_of(fields):
            self._verdict = replace(before, wrong=f"{entry_id} was changed")
        else:
            is_from_first = before.is_from_first if before.entries else not prev
            self._verdict = Verdict(
                before.entries + 1, is_from_first=is_from_first, last_hash=fields[HASH]
            )
            self._last, self._last_id = fields[HASH], entry_id
            self._is_anchored = self._is_anchored or fields[HASH] == self._anchor
            return
        self._verdict = replace(self._verdict, from_id=entry_id)

    def verdict(self, head: Head) -> Verdict:
        """What became of it, given the chain's head as it was behind the last entry."""
        if self._verdict.wrong:
            return self._verdict
        if self._last == head.hash:
            return self._verdict if self._is_anchored else self._not_anchored()
        what = "the newest entries were removed, some were inserted behind them, or one was changed"
        wrong = f"it does not end with the entry that its head names, {head.newest}: {what}"
        return replace(self._verdict, wrong=wrong, from_id=THE_END)

    def _not_anchored(self) -> Verdict:
        what = "the chain was written anew, or the entry was removed after its time"
        wrong = f"no entry has the hash {self._anchor}: {what}"
        return replace(self._verdict, wrong=wrong, from_id=self._oldest or THE_END)
