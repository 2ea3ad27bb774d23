"""What people write down about a message or a group, and until when they take care of it."""

import json
import re
from dataclasses import asdict, dataclass

from mutt_tasks.core.identity import parse_id
from mutt_tasks.core.templates import GROUP_ID

_GROUP = re.compile(GROUP_ID)


@dataclass(frozen=True)
class Note:
    """A text that somebody wrote at a moment (ISO 8601)."""

    at: str
    actor: str
    text: str

    def encoded(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))


def note_of(raw: bytes) -> Note | None:
    """A note as it was kept; None for what is none."""
    try:
        found = json.loads(raw)
        parts = [found[name] for name in ("at", "actor", "text")]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return Note(*parts) if all(isinstance(part, str) for part in parts) else None


@dataclass(frozen=True)
class Acknowledgement:
    """Somebody takes care of it: since when and until when (ISO 8601), and why it may be quiet."""

    since: str
    until: str
    actor: str
    reason: str


@dataclass(frozen=True)
class Remarks:
    """All that is written down about one message or group, the newest note first."""

    notes: tuple[Note, ...] = ()
    acknowledged: Acknowledgement | None = None


def subject_of(text: str) -> str:
    """The id of the message or the group that a text names, in either case; raises ValueError.

    Equal messages are the same bytes: what is written about the second is about the first.
    """
    wanted = text.strip().lower()
    if _GROUP.fullmatch(wanted):
        return wanted
    try:
        return str(parse_id(wanted)._replace(nth=1))
    except ValueError:
        raise ValueError(
            "accepts a message's id as `list` shows it, or a group's as `groups` does"
        ) from None
