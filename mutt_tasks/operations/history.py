"""What the journal knows of one message, and the journal itself as people read it."""

from collections.abc import Collection, Iterator

from mutt_tasks.core.identity import digest, parse_id
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations.arguments import stream_id
from mutt_tasks.operations.looking import Entry
from mutt_tasks.store.journal import EVENTS, Page
from mutt_tasks.store.journal import Entry as JournalEntry
from mutt_tasks.store.store import Store

# So many entries of the journal are read at once: less than a millisecond of Redis.
PAGE = 200

# Of which kinds entries are.
KINDS = EVENTS

# What the alerter writes where it knows no id.
_NO_ID = "unknown"


def of(store: Store, entry: Entry) -> list[tuple[str, JournalEntry]]:
    """The journal's entries about a message, the newest first, with their ids.

    They are those of the cycle, or of the request, that stamped the message last, and those that
    name its digest or its `_correlation_id`. Raises StoreError.
    """
    description = entry.description
    wanted = {description.cycle, description.correlation_id, digest(entry.raw), entry.source.job}
    wanted -= {"", _NO_ID}
    return [
        (entry_id, each)
        for entry_id, each in _all(store)
        # A cycle stamps the messages of all routes: another route's move is not this one's.
        if getattr(each, "route", "") in ("", _route(entry), entry.source.origin)
        and not wanted.isdisjoint(_names(each))
    ]


def after(store: Store, message_id: str) -> list[tuple[str, JournalEntry]]:
    """The journal's entries that name a message which lies on no list any more."""
    digits = parse_id(message_id).digits
    return [
        (entry_id, each)
        for entry_id, each in _all(store)
        if getattr(each, "digest", "").startswith(digits)
    ]


def page(store: Store, before: str, most: int, events: Collection[str] = ()) -> Page:
    """At most `most` entries that are older than the entry `before` (empty: the newest).

    Only those whose event is one of `events`, if there are any. Raises InvalidArgument for what is
    no entry's id or no event, and StoreError.
    """
    if before:
        stream_id("before", before)
    for event in events:
        if event not in KINDS:
            raise InvalidArgument(f"event: got {event!r:.60}, accepts {', '.join(KINDS)}")
    found: list[tuple[str, JournalEntry]] = []
    while True:
        read = store.journal.page(before, PAGE if events else most)
        for entry_id, entry in read.entries:
            if not events or entry.event in events:
                found.append((entry_id, entry))
            if len(found) == most:
                is_last = (entry_id, entry) == read.entries[-1] and not read.before
                return Page(found, "" if is_last else entry_id)
        before = read.before
        if not before:
            return Page(found, "")


def moment_of(entry_id: str) -> float:
    """When an entry was written, in seconds since 1970."""
    return int(entry_id.partition("-")[0]) / 1000


def _all(store: Store) -> Iterator[tuple[str, JournalEntry]]:
    before = ""
    while True:
        page = store.journal.page(before, PAGE)
        yield from page.entries
        before = page.before
        if not before:
            return


def _names(entry: JournalEntry) -> set[str]:
    return {value for value in vars(entry).values() if isinstance(value, str)}


def _route(entry: Entry) -> str:
    if entry.source.route is not None:
        return entry.source.route.name
    header = entry.description.fields.get("_remediation")
    name = header.get("route") if isinstance(header, dict) else ""
    return name if isinstance(name, str) else ""
