"""Who changed what and why, as a chain: each entry names the hash of the one before it.

Whoever changes, removes or inserts an entry has to change all that follow, and the last hash, which
the log has too.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

# Of every entry and nothing else; `hash` is over all the others.
PREV, HASH = "prev", "hash"


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
class Verdict:
    """What became of a chain: `entries` were read, and `wrong` says what is wrong from where on.

    `wrong` is empty when the chain is whole. `first` says that it begins with the very first entry.
    """

    entries: int
    wrong: str = ""
    from_id: str = ""
    begins_at_first: bool = True


def judged(
    entries: Iterable[tuple[str, Mapping[str, str]]], head: str, *, may_begin_later: bool
) -> Verdict:
    """Check a chain, the oldest entry first, given the hash of its `head`.

    What was removed at the old end because of its age leaves a first entry that names one before
    it; `may_begin_later` says that this may be.
    """
    last, count, begins_at_first = "", 0, True
    for entry_id, fields in entries:
        prev = fields.get(PREV, "")
        if not count and prev and may_begin_later:
            begins_at_first = False
        elif prev != last:
            what = "does not follow the entry before it: one was removed, inserted or moved"
            return Verdict(count, f"{entry_id} {what}", entry_id)
        if fields.get(HASH) != hash_of(fields):
            return Verdict(count, f"{entry_id} was changed", entry_id)
        last, count = fields[HASH], count + 1
    if last != head:
        what = "the newest entries were removed, or the head was changed"
        return Verdict(count, f"the chain does not end where it should: {what}", "the end")
    return Verdict(count, begins_at_first=begins_at_first)
