"""Messages and groups as somebody may see them; who saw what they say is in the audit.

Without the permission `bodies` nothing of what a message says is shown: neither its fields nor its
text, and no filter tells whether it says something. The console's pages and its API both use this.
"""

from dataclasses import dataclass
from typing import Any

from mutt_tasks.console.context import Console
from mutt_tasks.console.permission import check
from mutt_tasks.core.access import BODIES, Identity
from mutt_tasks.errors import NotFound
from mutt_tasks.operations import grouping, looking, notes, shown
from mutt_tasks.operations.looking import Looker, Progress, Wanted

# A page of a filter ends after so many messages, whether it is full or not: about a second.
MOST_SEEN = 50_000
_SAID: dict[str, Any] = {"fields": {}, "text": ""}


@dataclass(frozen=True)
class Reader:
    """Somebody who looks; `wants_bodies` is whether also at what messages say."""

    console: Console
    who: Identity
    wants_bodies: bool = True

    @property
    def sees_bodies(self) -> bool:
        """Whether what messages say is shown."""
        return self.wants_bodies and self.who.may(BODIES)

    def check_filter(self, looker: Looker, where: str) -> None:
        """Raise Problem for a filter by what somebody may not see, InvalidArgument for none."""
        if looking.filter_of(looker, where).reads_bodies:
            check(self.console, self.who, BODIES, f"where {where}")


def page(reader: Reader, wanted: Wanted) -> dict[str, Any]:
    """A page of messages. Raises Problem, InvalidArgument, PlaceLost and StoreError."""
    looker = reader.console.look()
    reader.check_filter(looker, wanted.where)
    found = looking.page(looker, wanted)
    now = looker.store.now()
    messages = [shown.message(entry, now) for entry in found.entries]
    if reader.sees_bodies:
        who = reader.who
        shown.seen(looker, found.entries, who.name, who.known_by, who.role)
    return {
        "messages": notes.beside(looker, [_seen(reader, each) for each in messages], "id", "group"),
        "cursor": None if found.cursor is None else str(found.cursor),
        "seen": found.seen,
        "length": found.length,
    }


def message(
    reader: Reader, progress: Progress, message_id: str, routes: tuple[str, ...], *, raw: bool
) -> dict[str, Any]:
    """One message, with its bytes if they are wanted (`raw`).

    Raises Problem, InvalidArgument, NotFound, PlaceLost and StoreError.
    """
    if raw:
        check(reader.console, reader.who, BODIES, message_id)
    looker, who = reader.console.look(progress), reader.who
    entry = looking.find(looker, message_id, routes)
    if entry is None:
        raise NotFound(shown.gone(looker, message_id))
    found = _seen(reader, shown.whole_message(looker, entry))
    if raw:
        found["raw"] = shown.raw(looker, entry, who.name, who.known_by, who.role)
    elif reader.sees_bodies:
        shown.seen(looker, [entry], who.name, who.known_by, who.role)
    if not reader.sees_bodies:
        found["header"] = None
    return notes.beside(looker, [found], "id", "group")[0]


@dataclass(frozen=True)
class Grouped:
    """Which groups: at most `most`, of messages that match `where`, of the lists in `routes`."""

    routes: tuple[str, ...] = ()
    where: str = ""
    is_exact: bool = False
    most: int = 50


def groups(reader: Reader, progress: Progress, wanted: Grouped) -> dict[str, Any]:
    """Groups, the largest first. Raises Problem, InvalidArgument, PlaceLost and StoreError."""
    looker = reader.console.look(progress)
    reader.check_filter(looker, wanted.where)
    found = grouping.groups(looker, wanted.routes, wanted.where, is_exact=wanted.is_exact)
    now = looker.store.now()
    largest = [
        shown.group(each, now, is_exact=found.is_exact) for each in found.groups[: wanted.most]
    ]
    if not reader.who.may(BODIES):
        largest = [{**each, "template": ""} for each in largest]
    return {
        "groups": notes.beside(looker, largest, "id"),
        "all_groups": len(found.groups),
        "is_exact": found.is_exact,
        "seen": found.seen,
        "length": found.length,
    }


def _seen(reader: Reader, found: dict[str, Any]) -> dict[str, Any]:
    said = {} if reader.sees_bodies else _SAID
    return {**found, **said, "bodies": reader.sees_bodies}
