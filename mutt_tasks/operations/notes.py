"""Notes and acknowledgements: what people write down about a message or a group of messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.moments import iso, moment_of
from mutt_tasks.core.notes import Acknowledgement, Note, Remarks, subject_of
from mutt_tasks.core.redaction import text_redacted
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import arguments
from mutt_tasks.operations.attempts import Attempt, attempted
from mutt_tasks.operations.looking import Looker
from mutt_tasks.store.requests import Request

LONGEST_NOTE = 1000
# Who acknowledges for longer than this has forgotten it.
LONGEST_ACKNOWLEDGED = 90 * 86_400.0


@dataclass(frozen=True)
class Wish:
    """Who writes something down, and how that is known; the same `request` is done once."""

    request: str
    actor: str
    known_by: str
    role: str = OPERATOR

    def to(self, verb: str, subject: str, why: str) -> Attempt:
        """What is wanted, as the audit tells it where it is refused."""
        return Attempt(verb, self.actor, self.known_by, why, subject, role=self.role)

    def granted(self, why: str) -> Request:
        """What is wanted, as it is written down."""
        return Request(self.request, self.actor, why, self.known_by, role=self.role)


def note(looker: Looker, subject: str, text: str, wish: Wish) -> dict[str, Any]:
    """Write down a text about the message or group `subject`, without credentials.

    Raises InvalidArgument and StoreError.
    """
    store = looker.store
    with attempted(store, wish.to("note", subject, text)):
        name = _subject(subject)
        actor = arguments.line("actor", wish.actor)
        shown = text_redacted(arguments.line("text", text, LONGEST_NOTE), looker.hints)
    written = Note(iso(store.now()), actor, shown)
    store.notes.note(name, written, wish.granted(shown))
    return {"outcome": "noted", "id": name, **asdict(written)}


def acknowledge(
    looker: Looker, subject: str, until: float | str, reason: str, wish: Wish
) -> dict[str, Any]:
    """Say that somebody takes care of the message or group `subject` until then.

    That is a number of seconds from now, or a moment in ISO 8601; at most 90 days. Raises
    InvalidArgument and StoreError.
    """
    store = looker.store
    with attempted(store, wish.to("acknowledge", subject, reason)):
        name, now = _subject(subject), store.now()
        actor = arguments.line("actor", wish.actor)
        shown = text_redacted(arguments.line("reason", reason), looker.hints)
        end = _end(until, now)
    written = Acknowledgement(iso(now), iso(end), actor, shown)
    request = wish.granted(shown)
    store.notes.acknowledge(name, written, end, request)
    return {"outcome": "acknowledged", "id": name, **asdict(written)}


def take_back(looker: Looker, subject: str, reason: str, wish: Wish) -> dict[str, Any]:
    """End an acknowledgement; the outcome is `ended`, or `not_acknowledged` when there was none.

    Raises InvalidArgument and StoreError.
    """
    store = looker.store
    with attempted(store, wish.to("acknowledge", subject, reason)):
        name = _subject(subject)
        actor = arguments.line("actor", wish.actor)
        shown = text_redacted(arguments.line("reason", reason), looker.hints) if reason else ""
    was_there = store.notes.take_back(name, wish.granted(shown))
    return {"outcome": "ended" if was_there else "not_acknowledged", "id": name, "actor": actor}


def acknowledged(looker: Looker, most: int = 1000) -> list[dict[str, Any]]:
    """The acknowledgements in force, those that end first; raises StoreError."""
    found = looker.store.notes.acknowledged(looker.store.now(), most)
    return [{"id": name, **asdict(each)} for name, each in found.items()]


def beside(looker: Looker, found: Sequence[Mapping[str, Any]], *names: str) -> list[dict[str, Any]]:
    """What was found, with what is written down about the ids that it has under these names.

    `notes` and `acknowledged` say `on` which id they are; the first acknowledgement counts. Takes
    one read for each 250 ids. Raises InvalidArgument and StoreError.
    """
    remarks = looker.store.notes.of(_subject(each[name]) for each in found for name in names)
    return [{**each, **_shown(remarks, [each[name] for name in names])} for each in found]


def about(looker: Looker, subject: str) -> dict[str, Any]:
    """The same of one message or group."""
    return beside(looker, [{"id": subject}], "id")[0]


def _shown(remarks: Mapping[str, Remarks], subjects: Iterable[str]) -> dict[str, Any]:
    known = [(name, remarks[name]) for name in map(_subject, subjects) if name in remarks]
    acks = [{**asdict(each.acknowledged), "on": name} for name, each in known if each.acknowledged]
    return {
        "notes": [{**asdict(each), "on": name} for name, told in known for each in told.notes],
        "acknowledged": acks[0] if acks else None,
    }


def _subject(given: str) -> str:
    try:
        return subject_of(given)
    except ValueError as accepted:
        raise InvalidArgument(f"id: got {given!r:.60}, {accepted}") from None


def _end(until: float | str, now: float) -> float:
    """When an acknowledgement ends, in seconds since 1970."""
    if isinstance(until, str):
        moment = moment_of(until)
        if moment is None:
            raise InvalidArgument(
                f"until: got {until!r:.60}, accepts a moment as 2026-11-27T03:00Z"
            )
        until = moment - now
    return now + arguments.seconds("until, in seconds from now", until, 1, LONGEST_ACKNOWLEDGED)
