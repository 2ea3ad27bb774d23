"""What is new in the dead letter list: groups of messages that did not lie there before.

The counters say how many messages came, in the same step in which they came. So many of the newest
have to be looked at, the oldest of them first: whatever comes meanwhile does not move these.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from mutt_tasks.core.causes import Cause, Kind
from mutt_tasks.core.cursor import Cursor
from mutt_tasks.core.description import Description
from mutt_tasks.core.knowledge import Knowledge
from mutt_tasks.core.message import HEADER_FIELD
from mutt_tasks.core.moments import iso, moment_of
from mutt_tasks.errors import PlaceLost
from mutt_tasks.operations import sources
from mutt_tasks.operations.looking import Looker, walk_on
from mutt_tasks.operations.sources import DEAD
from mutt_tasks.operations.sparing import Sparing
from mutt_tasks.store.listing import MOST
from mutt_tasks.store.notices import Happened

# So many of the newest are looked at when nothing is known yet; those that died longer ago than
# this are no news then, in seconds.
FIRST_MOST, FIRST_SECONDS = 10_000, 600.0
# One look takes about so long at most, in seconds.
_LOOK_SECONDS = 0.25
# So many groups are remembered, those that came last.
_MOST_GROUPS = 5_000

_PREFIX = f"{Kind.DEAD.value}:"


def key_of(group: str) -> str:
    """The key of the cause that messages of a group are dead letters."""
    return _PREFIX + group


class DeadLetters:
    """Looks at what came, and whether what was told of is still there."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        (self._source,) = sources.chosen(looker.settings, (DEAD,))
        self._length = 0
        self._has_shrunk = True
        self._sweep: Iterator[list[bytes]] | None = None
        self._swept: set[str] = set()

    def look(self, known: Knowledge, seen: Happened, *, is_first: bool) -> Knowledge:
        """The knowledge with what came to the list since `known`; raises StoreError."""
        reading = known.reading
        came = max(0, seen.arrived - reading.arrived)
        unseen = min(seen.dead, FIRST_MOST) if is_first else reading.unseen + came
        known = replace(known, reading=replace(reading, arrived=seen.arrived, unseen=unseen))
        # While a job works deep inside the list, what is older lies beside it.
        if self._looker.store.jobs.busy([DEAD]):
            self._has_shrunk = True
            return known
        self._has_shrunk = self._has_shrunk or seen.dead < self._length + came
        self._length = seen.dead
        until = time.monotonic() + _LOOK_SECONDS
        known = self._with_new(known, seen, until, is_first=is_first)
        return self._without_gone(known, seen, until)

    def _with_new(
        self, known: Knowledge, seen: Happened, until: float, *, is_first: bool
    ) -> Knowledge:
        store, key = self._looker.store, self._source.key
        listing = store.listings.open(key)
        unseen = min(known.reading.unseen, seen.dead)
        while unseen and time.monotonic() < until:
            messages = listing.read(seen.dead - unseen, min(unseen, MOST)).messages
            arrived, length = store.notices.arrivals(key)
            if length - seen.dead != arrived - seen.arrived:
                # Somebody took messages away meanwhile: these may be others than they seem.
                break
            since = seen.now - FIRST_SECONDS if is_first else 0.0
            known = self._noticed(known, messages, seen.now, since)
            unseen = unseen - len(messages) if messages else 0
        return replace(known, reading=replace(known.reading, unseen=unseen))

    def _noticed(
        self, known: Knowledge, messages: list[bytes], now: float, since: float
    ) -> Knowledge:
        """The knowledge with these messages; those that died before `since` are no news."""
        causes, groups = dict(known.causes), dict.fromkeys(known.groups)
        for raw in messages:
            found = self._looker.describe(self._source, raw)
            group, key = found.group, key_of(found.group)
            self._swept.add(group)
            cause = causes.get(key)
            if cause is not None and cause.is_open:
                causes[key] = replace(cause, count=cause.count + 1, last_at=now)
            # What does not say when it died is no news when nothing is known yet.
            elif group not in groups and (_died_at(found) or (0.0 if since else now)) >= since:
                causes[key] = self._cause(found, now)
            groups.setdefault(group)
        return replace(known, causes=causes, groups=tuple(groups)[-_MOST_GROUPS:])

    def _cause(self, found: Description, now: float) -> Cause:
        header = found.fields.get(HEADER_FIELD)
        route = header.get("route") if isinstance(header, dict) else None
        names = {route.name for route in self._looker.settings.routes}
        facts = {
            "name": found.group,
            "reason": found.reason if found.reason.isidentifier() else "",
            "route": route if route in names else "",
            "program": found.program if found.program.isprintable() else "",
            "since": iso(min(now, _died_at(found) or now)),
        }
        return Cause(key_of(found.group), Kind.DEAD, at=now, count=1, last_at=now, facts=facts)

    def _without_gone(self, known: Knowledge, seen: Happened, until: float) -> Knowledge:
        """The knowledge after as much of a sweep through the list as time allows.

        It is made when messages have left the list. Groups that it does not meet are gone.
        """
        if self._sweep is None:
            if not self._has_shrunk or not known.groups or known.reading.unseen:
                return known
            cursor = Cursor(self._source.place, is_newest_first=True)
            walk = walk_on(self._looker.store, self._source, cursor, Sparing(self._looker.time))
            self._sweep, self._swept, self._has_shrunk = walk.steps(), set(), False
        try:
            while time.monotonic() < until:
                messages = next(self._sweep, None)
                if messages is None:
                    self._sweep = None
                    return _ended(known, self._swept, seen.now)
                self._swept |= {self._looker.describe(self._source, m).group for m in messages}
        except PlaceLost:
            self._sweep, self._has_shrunk = None, True
        return known


def _ended(known: Knowledge, there: set[str], now: float) -> Knowledge:
    """The knowledge when only these groups lie there still."""
    causes = {
        key: replace(cause, ended_at=now)
        if cause.kind is Kind.DEAD and cause.is_open and key[len(_PREFIX) :] not in there
        else cause
        for key, cause in known.causes.items()
    }
    groups = tuple(group for group in known.groups if group in there)
    return replace(known, causes=causes, groups=groups)


def _died_at(found: Description) -> float | None:
    """When a message was set aside; None where it does not say it."""
    header = found.fields.get(HEADER_FIELD)
    return moment_of(header.get("dead_at")) if isinstance(header, dict) else None
