"""The journal: what each cycle and each operator did and why, one typed entry each, oldest trimmed.

Scripts append an entry in the same step in which they do what it tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, get_args

import redis

from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import MOVED, OF_JOBS, SHELTERED
from mutt_tasks.store.fields import text, whole_number

# Entries that are kept, about.
LENGTH = 10_000

_ROUTE = "route:"


@dataclass(frozen=True)
class Moved:
    """What a cycle moved on one route, by outcome; the slices of its batch share the entry."""

    event: ClassVar = "moved"
    route: str
    cycle: str
    commit: str
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheltered:
    """Alerts that a cycle moved aside untried; the steps of the cycle share the entry."""

    event: ClassVar = "sheltered"
    route: str
    cycle: str
    commit: str
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Acted:
    """What an operator's job did with messages of one list in a cycle; its commits share it."""

    event: ClassVar = "job"
    route: str
    cycle: str
    commit: str
    job: str
    verb: str
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CycleEnded:
    """A cycle: what it did, why not more, what the probe found, and who ran it.

    `routes` maps each route to its outcome and what held or bounded it.
    """

    event: ClassVar = "cycle"
    cycle: str
    outcome: str
    reason: str
    health: str
    by: str
    routes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Paused:
    """An operator's pause of `seconds`."""

    event: ClassVar = "paused"
    by: str
    reason: str
    seconds: str


@dataclass(frozen=True)
class Resumed:
    """The end of a pause, before its time."""

    event: ClassVar = "resumed"
    by: str


@dataclass(frozen=True)
class Requeued:
    """A dead letter that an operator put back, by the SHA-1 of its bytes."""

    event: ClassVar = "requeued"
    route: str
    digest: str
    by: str
    reason: str
    request: str


@dataclass(frozen=True)
class Viewed:
    """A look of an operator at the bytes of a message, by their SHA-1."""

    event: ClassVar = "viewed"
    route: str
    digest: str
    by: str


@dataclass(frozen=True)
class Submitted:
    """A job that an operator asked for, on `count` messages."""

    event: ClassVar = "submitted"
    job: str
    verb: str
    by: str
    reason: str
    count: str


@dataclass(frozen=True)
class Cancelled:
    """An operator's wish that a job ends where it is."""

    event: ClassVar = "cancelled"
    job: str
    by: str
    reason: str


@dataclass(frozen=True)
class JobEnded:
    """The end of a job: in which state, and what it did in words."""

    event: ClassVar = "ended"
    job: str
    verb: str
    by: str
    state: str
    did: str


@dataclass(frozen=True)
class Emptied:
    """What a job threw away was removed for good, `count` messages, because of its age."""

    event: ClassVar = "emptied"
    job: str
    count: str


@dataclass(frozen=True)
class Imported:
    """Messages of an export that an operator pushed to a list again, `count` of them."""

    event: ClassVar = "imported"
    route: str
    by: str
    reason: str
    count: str


Entry = (
    Moved
    | Sheltered
    | Acted
    | CycleEnded
    | Paused
    | Resumed
    | Requeued
    | Viewed
    | Submitted
    | Cancelled
    | JobEnded
    | Emptied
    | Imported
)
_KINDS: dict[str, type[Any]] = {kind.event: kind for kind in get_args(Entry)}
# The words of what was moved, where an entry tells amounts.
_AMOUNTS: dict[type[Any], tuple[str, ...]] = {
    Moved: tuple(MOVED),
    Sheltered: (SHELTERED.word,),
    Acted: (*MOVED, *(family.word for family in OF_JOBS)),
}
EVENTS = tuple(_KINDS)


@dataclass(frozen=True)
class Page:
    """Entries with their ids, the newest first; `before` is the cursor of the next page.

    It is empty when there are no older ones.
    """

    entries: list[tuple[str, Entry]]
    before: str


def fields_of(entry: Entry) -> dict[str, Any]:
    """An entry as fields of the stream."""
    found: dict[str, Any] = {"event": entry.event}
    for name, value in vars(entry).items():
        if name == "routes":
            found |= {_ROUTE + route: told for route, told in value.items()}
        elif name == "amounts":
            found |= value
        else:
            found[name] = value
    return found


def entry_of(raw: Mapping[bytes, bytes]) -> Entry | None:
    """The entry that a stream's fields tell; None when it is of no kind that is known here.

    What is missing is empty, what is no number is 0.
    """
    found = {text(name): text(value) for name, value in raw.items()}
    kind = _KINDS.get(found.get("event", ""))
    if kind is None:
        return None
    values: dict[str, Any] = {
        each.name: found.get(each.name, "")
        for each in fields(kind)
        if each.name not in ("routes", "amounts")
    }
    if kind is CycleEnded:
        told = {n[len(_ROUTE) :]: value for n, value in found.items() if n.startswith(_ROUTE)}
        values["routes"] = told
    if kind in _AMOUNTS:
        values["amounts"] = {
            name: whole_number(raw.get(name.encode())) or 0
            for name in _AMOUNTS[kind]
            if name.encode() in raw or kind is not Acted
        }
    entry: Entry = kind(**values)
    return entry


class Journal:
    """Read the journal."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def page(self, before: str = "", most: int = 100) -> Page:
        """At most `most` entries that are older than the cursor `before`, the newest first.

        Entries of kinds that are not known here are passed over. Raises StoreError.
        """
        newest = f"({before}" if before else "+"
        with translated():
            found: Any = self._client.xrevrange(keys.JOURNAL, max=newest, count=most)
        entries = [(entry_id.decode(), entry_of(raw)) for entry_id, raw in found]
        return Page(
            [(entry_id, entry) for entry_id, entry in entries if entry],
            entries[-1][0] if len(entries) == most else "",
        )

    def last_cycle(self, among: int = 500, at_once: int = 20) -> tuple[str, CycleEnded] | None:
        """The last cycle's entry and its id, if it is one of the newest entries.

        Nearly always it is one of the first `at_once`; more are read only if it is not.
        """
        before = ""
        for _ in range(0, among, at_once):
            page = self.page(before, most=at_once)
            for entry_id, entry in page.entries:
                if isinstance(entry, CycleEnded):
                    return entry_id, entry
            before = page.before
            if not before:
                break
        return None
