"""Look into the lists: page by page, or for one message; nothing is ever moved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from mutt_tasks.core.cursor import Cursor, parse_cursor
from mutt_tasks.core.description import Description, View
from mutt_tasks.core.filters import Filter, parse_filter
from mutt_tasks.core.identity import MessageId, Numbering, digest, parse_id
from mutt_tasks.core.redaction import Hints
from mutt_tasks.errors import InvalidArgument, PlaceLost
from mutt_tasks.operations import sources
from mutt_tasks.operations.sources import Source
from mutt_tasks.operations.sparing import Sparing, Time
from mutt_tasks.operations.walking import Walk
from mutt_tasks.settings import Settings
from mutt_tasks.store.listing import MOST
from mutt_tasks.store.store import Store

# One message is looked for among so many at both ends of each list before all are read.
NEAR = 2 * MOST

Progress = Callable[[int, int], None]


def ignore(_seen: int, _length: int) -> None:
    """Progress that nobody wants to see."""


@dataclass(frozen=True)
class Looker:
    """What every look needs: the lists, the secrets that are hidden, this process' time.

    `progress` is told how many messages have been read, and how many there are.
    """

    store: Store
    settings: Settings
    time: Time
    progress: Progress = ignore

    @cached_property
    def hints(self) -> Hints:
        """What is hidden: credentials, and wherever it stands what the settings keep secret."""
        return Hints.of(self.settings.secrets())

    def describe(self, source: Source, raw: bytes) -> Description:
        """What people see of a message."""
        views = self._views
        if source.place not in views:
            views[source.place] = replace(views[source.origin], job=source.job)
        return Description(raw, views[source.place])

    def matching(self, meant: Filter, source: Source, raw: bytes) -> Description | None:
        """What people see of a message that matches; None when it does not."""
        if meant.excludes(raw):
            return None
        description = self.describe(source, raw)
        return description if meant.matches(description) else None

    @cached_property
    def _views(self) -> dict[str, View]:
        """From where each of the lists is seen; those of the trash are added when they are seen."""
        routes = self.settings.routes
        return {
            source.name: View(
                source.route or routes[0],
                self.hints,
                is_dead=source.route is None,
                routes=routes,
                masks=self.settings.process.masks,
            )
            for source in sources.all_of(self.settings)
        }


@dataclass(frozen=True)
class Entry:
    """A message in its list, where `older` others are older."""

    id: MessageId
    source: Source
    older: int
    raw: bytes
    description: Description


@dataclass(frozen=True)
class Page:
    """Messages of a listing; `cursor` leads to the next page, and is None at the end.

    `seen` messages were looked at for it, of the `length` that the lists hold.
    """

    entries: list[Entry]
    cursor: Cursor | None
    seen: int
    length: int


@dataclass(frozen=True)
class Wanted:
    """What a listing shows: at most `most` messages that match `where`, of the lists in `routes`.

    It stops after `most_seen` messages (None: when it has enough); no name in `routes` means all.
    """

    routes: tuple[str, ...] = ()
    where: str = ""
    most: int = 50
    most_seen: int | None = None
    is_newest_first: bool = False
    cursor: str = ""


def page(looker: Looker, wanted: Wanted) -> Page:
    """One page of a listing. Raises InvalidArgument, PlaceLost and StoreError."""
    meant = filter_of(looker, wanted.where)
    chosen = sources.looked_into(looker.store, looker.settings, wanted.routes)
    cursor, chosen = _start(wanted, chosen)
    length = sum(looker.store.listings.lengths([source.parts for source in chosen]))
    numbering, sparing = Numbering(), Sparing(looker.time)
    found: list[Entry] = []
    seen = 0
    for source in chosen:
        walk = walk_on(looker.store, source, replace(cursor, source=source.place), sparing)
        for messages in walk.steps(MOST if meant.terms else wanted.most):
            for at, (raw, older) in enumerate(_with_places(walk, messages), 1):
                seen += 1
                description = looker.matching(meant, source, raw)
                if description is not None:
                    found.append(Entry(numbering.id_of(raw), source, older, raw, description))
                if len(found) == wanted.most or seen == wanted.most_seen:
                    walk.give_back(messages[:at], messages[at:])
                    is_over = walk.is_at_end and source is chosen[-1]
                    return Page(found, None if is_over else walk.cursor, seen, length)
            looker.progress(seen, length)
        cursor = Cursor(source.place, wanted.is_newest_first)
    return Page(found, None, seen, length)


def find(looker: Looker, message_id: str, routes: tuple[str, ...] = ()) -> Entry | None:
    """The message with this id, on the lists named by `routes`; None when it is on none of them.

    The ends of the lists are looked at first, then all. Raises InvalidArgument, PlaceLost and
    StoreError.
    """
    try:
        wanted = parse_id(message_id)
    except ValueError as accepted:
        raise InvalidArgument(f"id: got {message_id!r:.60}, {accepted}") from None
    chosen = sources.looked_into(looker.store, looker.settings, routes)
    ends = [(source, end) for source in chosen for end in (False, True)]
    if wanted.nth == 1:
        for source, is_newest_first in ends:
            for entry in _equal(looker, source, wanted, is_newest_first, NEAR):
                return entry
    # From the new end, where nothing leaves: a drain cannot take the place away.
    equal = (entry for source in chosen for entry in _equal(looker, source, wanted, True))
    return next(islice(equal, wanted.nth - 1, None), None)


def filter_of(looker: Looker, text: str) -> Filter:
    """The filter that a text writes, its ages counted from now; raises InvalidArgument."""
    try:
        return parse_filter(text, looker.store.now(), looker.settings.process.masks.version)
    except ValueError as wrong:
        raise InvalidArgument(f"filter: {wrong}") from None


def walk_on(store: Store, source: Source, cursor: Cursor, sparing: Sparing) -> Walk:
    """A way through a list; what is in the trash lies the other way round, so that undo is easy."""
    return Walk(store, source.parts, cursor, sparing, grows_right=bool(source.job))


def _start(wanted: Wanted, chosen: tuple[Source, ...]) -> tuple[Cursor, tuple[Source, ...]]:
    """Where a listing of some lists begins, and the lists from there on."""
    if not wanted.cursor:
        return Cursor(chosen[0].place if chosen else "", wanted.is_newest_first), chosen
    try:
        cursor = parse_cursor(wanted.cursor)
    except ValueError as accepted:
        raise InvalidArgument(f"cursor: got {wanted.cursor!r:.60}, {accepted}") from None
    places = [source.place for source in chosen]
    if cursor.source not in places and cursor.source.startswith(f"{sources.TRASH}-"):
        raise PlaceLost(f"{cursor.source} is empty by now: begin anew")
    if cursor.source not in places or cursor.is_newest_first != wanted.is_newest_first:
        raise InvalidArgument("cursor: accepts that of a listing with the same options")
    return cursor, chosen[places.index(cursor.source) :]


def _with_places(walk: Walk, messages: list[bytes]) -> Iterator[tuple[bytes, int]]:
    """The messages of one step, and how many are older than each."""
    return zip(messages, walk.older(len(messages)), strict=True)


def _equal(
    looker: Looker,
    source: Source,
    wanted: MessageId,
    is_newest_first: bool,
    most_seen: int | None = None,
) -> Iterator[Entry]:
    """The messages with the digits of an id, of the first `most_seen` of one list."""
    start = Cursor(source.place, is_newest_first)
    walk = walk_on(looker.store, source, start, Sparing(looker.time))
    seen = 0
    for messages in walk.steps(MOST):
        for raw, older in _with_places(walk, messages):
            if digest(raw).startswith(wanted.digits):
                yield Entry(wanted, source, older, raw, looker.describe(source, raw))
        seen += len(messages)
        looker.progress(seen, walk.length)
        if most_seen is not None and seen >= most_seen:
            return
