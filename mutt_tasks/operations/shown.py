"""What operations found, by the JSON names that every face keeps, and in words."""

from collections.abc import Sequence
from typing import Any

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.description import Description
from mutt_tasks.core.identity import digest
from mutt_tasks.core.moments import iso
from mutt_tasks.core.redaction import raw_redacted, redacted, text_redacted
from mutt_tasks.operations import history, outlook
from mutt_tasks.operations.arguments import line
from mutt_tasks.operations.grouping import Group
from mutt_tasks.operations.looking import Entry, Looker
from mutt_tasks.operations.reasons import in_words
from mutt_tasks.operations.sources import Source
from mutt_tasks.operations.status import span
from mutt_tasks.store import journal


def message(entry: Entry, now: float) -> dict[str, Any]:
    """A message as listings show it, `now` in seconds since 1970."""
    description = entry.description
    return {
        "id": str(entry.id),
        "route": entry.source.name,
        "age_seconds": _rounded(description.age(now)),
        "replays": description.replays,
        "reason": description.reason,
        "lane": description.lane,
        "group": description.group,
        "job": description.job,
        "correlation_id": description.correlation_id,
        "older": entry.older,
        "bytes": len(entry.raw),
        "text": description.text,
        "fields": dict(description.fields),
        **_trashed(entry.source),
    }


def whole_message(looker: Looker, entry: Entry) -> dict[str, Any]:
    """A message with its header, why it is here, what comes next, and its history."""
    now = looker.store.now()
    found = message(entry, now)
    next_ = outlook.of(looker, entry)
    fields = found["fields"]
    return {
        **found,
        "list": entry.source.key,
        "digest": digest(entry.raw),
        "happened_at": _iso(entry.description.happened_at),
        "header": fields.get("_remediation"),
        "why": next_.why,
        "next": {
            "action": next_.action,
            "reason": next_.reason,
            "at": _iso(next_.at),
            "sentence": next_.sentence,
        },
        "history": [
            journal_entry(looker, entry_id, each)
            for entry_id, each in history.of(looker.store, entry)
        ],
    }


def raw(looker: Looker, entry: Entry, actor: str, known_by: str, role: str = OPERATOR) -> str:
    """The bytes as they lie in the list, without credentials; audit and journal say who looked.

    Raises InvalidArgument and StoreError.
    """
    where = entry.source.name
    seen = _view(f"{entry.id} in {where}", 1, actor, known_by, role)
    looker.store.audit.add(seen, journal.Viewed(where, digest(entry.raw), actor))
    return raw_redacted(entry.raw, looker.hints)


def seen(
    looker: Looker, entries: Sequence[Entry], actor: str, known_by: str, role: str = OPERATOR
) -> None:
    """Have the audit say who saw what these messages say; nothing for none of them.

    Raises InvalidArgument and StoreError.
    """
    if entries:
        ends = dict.fromkeys(
            f"{each.id} in {each.source.name}" for each in entries[:: len(entries) - 1 or 1]
        )
        scope = " to ".join(ends)
        looker.store.audit.add(_view(scope, len(entries), actor, known_by, role))


def gone(looker: Looker, message_id: str) -> str:
    """What is known of a message that is on no list. Raises StoreError."""
    text = f"{message_id} is not on the lists (any more): it was moved on, or changed by a new try"
    known = history.after(looker.store, message_id)
    if not known:
        return text
    last = journal_entry(looker, *known[0])
    return f"{text}; the journal says: {last['at']} {last['event']} {last['sentence']}"


def group(found: Group, now: float, *, is_exact: bool) -> dict[str, Any]:
    """A group as listings show it."""
    ages = (
        None if moment is None else _rounded(max(0.0, now - moment))
        for moment in (found.oldest, found.newest)
    )
    oldest, newest = ages
    return {
        "id": found.id,
        "count": round(found.count),
        "is_exact": is_exact,
        "lane": found.lane,
        "reason": found.reason,
        "program": found.program,
        "template": found.template,
        "replays": round(found.replays),
        "oldest_age_seconds": oldest,
        "newest_age_seconds": newest,
        "routes": {name: round(count) for name, count in found.routes.items()},
        "example": found.example,
    }


def journal_entry(looker: Looker, entry_id: str, entry: journal.Entry) -> dict[str, Any]:
    """An entry of the journal; `sentence` says it in words."""
    fields = redacted(journal.fields_of(entry), looker.hints)
    sentence = text_redacted(_sentence(entry), looker.hints)
    return {"id": entry_id, "at": iso(history.moment_of(entry_id)), **fields, "sentence": sentence}


def _sentence(entry: journal.Entry) -> str:
    match entry:
        case journal.Moved() | journal.Sheltered() | journal.Acted():
            amounts = [f"{amount:,} {name}" for name, amount in entry.amounts.items() if amount]
            whose = f" by {entry.job}" if isinstance(entry, journal.Acted) else ""
            return f"{', '.join(amounts) or 'nothing'}{whose}"
        case journal.CycleEnded():
            held = in_words(part for part in entry.reason.split(", ") if part)
            return f"{entry.outcome}: {held}" if held else entry.outcome
        case journal.Paused():
            seconds = entry.seconds
            length = span(float(seconds)) if seconds.replace(".", "", 1).isdigit() else seconds
            return f"by {entry.by} for {length}: {entry.reason}"
        case journal.Requeued():
            return f"m-{entry.digest[:12]} by {entry.by}: {entry.reason}"
        case journal.Viewed():
            return f"m-{entry.digest[:12]} by {entry.by}"
        case journal.Submitted():
            return f"{entry.job}: {entry.verb} {entry.count} by {entry.by}: {entry.reason}"
        case journal.Cancelled():
            return f"{entry.job} by {entry.by}: {entry.reason}"
        case journal.Emptied():
            return f"the trash of {entry.job}, {entry.count} messages, is removed for good"
        case journal.Imported():
            return f"{entry.count} messages by {entry.by}: {entry.reason}"
        case journal.JobEnded():
            return f"{entry.job}: {entry.verb} is {entry.state}: {entry.did}"
    return f"by {entry.by}"


def _view(scope: str, count: int, actor: str, known_by: str, role: str) -> AuditEntry:
    return AuditEntry("view", line("actor", actor), known_by, role, scope, count=count)


def headline(description: Description) -> str:
    """What a message says, with the first label of its host's name in front."""
    host = description.fields.get("hostname")
    if not isinstance(host, str):
        return description.text
    label, _, domain = host.partition(".")
    # An address is no name with labels.
    return f"{label if domain and not label.isdigit() else host}: {description.text}"


def _trashed(source: Source) -> dict[str, Any]:
    """Of what lies in the trash: from which list it was thrown away, and until when it stays."""
    if not source.job:
        return {}
    return {"lay_in": source.lay_in, "removed_at": iso(source.until)}


def _iso(moment: float | None) -> str | None:
    return None if moment is None else iso(moment)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
