"""Walk through a list that moves at both ends, message by message, sparing Redis.

The last messages that were read are read again with the next read, and so show that the place is
still the same. If it is not, it is looked for nearby: messages that leave the old end or come to
the new one shift the others by as many places.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from mutt_tasks.core.cursor import Cursor
from mutt_tasks.core.places import (
    MOST_BEFORE,
    Around,
    Candidate,
    Place,
    best,
    is_certain,
    name_of,
)
from mutt_tasks.errors import PlaceLost
from mutt_tasks.operations.reading import Read, Reader
from mutt_tasks.operations.sparing import Sparing
from mutt_tasks.store.listing import MOST
from mutt_tasks.store.store import Store

# A place is looked for this many reads away from where it was, in both directions.
REACH = 10
TRIES = 5


class Walk:
    """A way through the list with these `names`, its key first, from a cursor on.

    `grows_right` where new messages come behind.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        cursor: Cursor,
        sparing: Sparing,
        *,
        grows_right: bool = False,
    ) -> None:
        listing = store.listings.open(*names, is_newest_first=cursor.is_newest_first != grows_right)
        sees_arrivals = cursor.is_newest_first and not grows_right
        self._reader = Reader(listing, sparing, sees_arrivals=sees_arrivals)
        self._key = names[0]
        self._cursor = cursor
        self._steps: deque[list[bytes]] = deque(maxlen=REACH)
        last = (cursor.last,) if cursor.last else ()
        self._place = Place(cursor.place, last, cursor.following)

    @property
    def length(self) -> int:
        """How long the list was at the last read."""
        return self._reader.length

    @property
    def cursor(self) -> Cursor:
        """Where another walk can go on."""
        place = self._place
        last = place.names[-1] if place.names else ""
        return replace(self._cursor, place=place.at, last=last, following=place.following)

    @property
    def is_at_end(self) -> bool:
        """Whether nothing followed on the last step when it was made."""
        return self._place.at >= self.length

    def older(self, count: int) -> range:
        """How many messages are older than each of the last `count`, in the order of the walk."""
        first = self._place.at - count
        if not self._cursor.is_newest_first:
            return range(first, first + count)
        return range(self.length - 1 - first, self.length - 1 - first - count, -1)

    def steps(self, most: int = MOST) -> Iterator[list[bytes]]:
        """Step after step, to the end of the list or of the messages that it held at the start.

        What arrives meanwhile is left out, so that the walk ends however fast it comes.
        """
        left: int | None = None
        while left is None or left > 0:
            messages = self.step(most if left is None else min(most, left))
            if not messages:
                return
            if left is None:
                left = self.length - (self._place.at - len(messages))
            left -= len(messages)
            yield messages

    def give_back(self, taken: list[bytes], rest: list[bytes]) -> None:
        """Stand behind what was `taken` of the last step; the next one begins with the `rest`."""
        if rest:
            self._place = Place.behind(self._place.at - len(rest), taken, rest)

    def step(self, most: int = MOST) -> list[bytes]:
        """The next messages, at most `most`; none when the list ends here.

        Raises PlaceLost when the list has moved on so far that nobody can tell what is next.
        """
        for _ in range(TRIES):
            found = self._read_on(most)
            if found is None:
                found = self._find_again(most)
            if found is not None:
                return found
        raise self._lost()

    def _read_on(self, most: int) -> list[bytes] | None:
        """What follows; None when it is not where it was."""
        place, came = self._place, self._reader.came
        first = max(0, place.at - len(place.names))
        overlap = place.at - first
        # One more, to remember what was to come next.
        read = self._reader.read(first, overlap + most + 1, overlap + 1)
        came = read.came - came
        place = self._place = place.moved(came)
        names = [name_of(raw) for raw in read.messages[came : came + overlap + 1]]
        around = Around(first + came, names, is_end=place.at == read.length)
        return self._going_on(place, read, most) if is_certain(place, around, overlap) else None

    def _find_again(self, most: int) -> list[bytes] | None:
        """What follows, wherever it is now; None when another read has to tell.

        Raises PlaceLost.
        """
        place, came = self._place, self._reader.came
        low = high = place.at
        reads: list[Read] = []
        likely: list[tuple[Candidate, Read]] = []
        for _ in range(REACH):
            first = max(0, low - MOST)
            for start, end in ((first, low + 1), (max(0, high - MOST_BEFORE), high + MOST)):
                for read in self._reader.reads(start, end):
                    reads.append(read)
                    around = Around(read.first, read.names, read.is_at_end)
                    found = best(place.moved(read.came - came), around)
                    likely += [] if found is None else [(found, read)]
            if any(found.is_certain for found, _ in likely):
                break
            low, high = first, high + MOST
        if likely:
            chosen, read = max(likely, key=lambda each: each[0].rank)
            return self._going_on(Place(chosen.at, read.names_before(chosen.at)), read, most)
        seen = {name_of(raw) for step in self._steps for raw in step}
        behind = _behind_what_was_seen(seen, reads)
        if behind is None:
            raise self._lost()
        return self._going_on(*behind, most)

    def _going_on(self, place: Place, read: Read, most: int) -> list[bytes] | None:
        """Take what follows on a place in this read, at most `most`, and stand behind it.

        It was read with the place, so the walk goes on however fast the list moves.
        """
        here = place.at - read.first
        rest = read.messages[here:]
        taken = rest[:most]
        if taken:
            self._steps.append(taken)
            passed, rest = read.messages[: here + len(taken)], rest[len(taken) :]
            place = Place.behind(place.at + len(taken), passed, rest)
        self._place = place.moved(self._reader.came - read.came)
        return taken if taken or read.is_at_end else None

    def _lost(self) -> PlaceLost:
        return PlaceLost(
            f"{self._key} has moved on: what was shown last is not there any more; begin anew"
        )


def _behind_what_was_seen(seen: Set[str], reads: Iterable[Read]) -> tuple[Place, Read] | None:
    """Where to go on when what was read last and what was to follow are gone, all of it.

    That is behind the last message that was `seen` and is there still: at a list's old end those
    go first that would have been read last. `reads` are around the place. None when none is there.
    """
    found = [
        (read.first + at + 1, read)
        for read in reads
        for at, name in enumerate(read.names)
        if name in seen
    ]
    if not found:
        return None
    at, read = max(found, key=lambda each: each[0])
    return Place(at, read.names_before(at)), read
