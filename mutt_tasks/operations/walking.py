"""Walk through a list that moves at both ends, message by message, sparing Redis.

What was read last is read again with the next read, and so shows that the place is still the same.
If it is not, it is looked for nearby: messages that leave the old end or come to the new one shift
the others by as many places.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mutt_tasks.core.cursor import Cursor
from mutt_tasks.core.identity import DIGITS, digest
from mutt_tasks.errors import PlaceLost
from mutt_tasks.store.listing import MOST, Listing
from mutt_tasks.store.store import Store

# A place is looked for this many reads away from where it was, in both directions.
REACH = 10
TRIES = 5

# Longer looks leave Redis alone for 19 times as long as their reads took: at most a twentieth of
# its time is theirs. What a person waits for begins with some reads at once.
SHARE = 20.0
FREE_READS = 20


@dataclass(frozen=True)
class Time:
    """This process' clock (`monotonic`, seconds), and how it lets seconds pass."""

    monotonic: Callable[[], float]
    wait: Callable[[float], None]


class Sparing:
    """Lets Redis rest between the reads of one look."""

    def __init__(self, time: Time, free_reads: int = FREE_READS) -> None:
        self._time = time
        self._free_reads = free_reads
        self._rests_until = 0.0
        self._began_at = 0.0

    def begin(self) -> None:
        """A read is about to begin; waits for its turn."""
        rest = self._rests_until - self._time.monotonic()
        if rest > 0:
            self._time.wait(rest)
        self._began_at = self._time.monotonic()

    def end(self) -> None:
        """The read has ended. How long it took is more than what Redis had to do."""
        took = self._time.monotonic() - self._began_at
        self._free_reads -= 1
        if self._free_reads < 0:
            self._rests_until = self._began_at + took * SHARE


class Walk:
    """A way through one list, from a cursor on."""

    def __init__(self, store: Store, key: str, cursor: Cursor, sparing: Sparing) -> None:
        self._listing: Listing = store.listings.open(key, is_newest_first=cursor.is_newest_first)
        self._key = key
        self._cursor = cursor
        self._sparing = sparing
        self.length = 0

    @property
    def cursor(self) -> Cursor:
        """Where another walk can go on."""
        return self._cursor

    @property
    def is_at_end(self) -> bool:
        """Whether nothing followed on the last step when it was made."""
        return self._cursor.place >= self.length

    def older(self, count: int) -> range:
        """How many messages are older than each of the last `count`, in the order of the walk."""
        first = self._cursor.place - count
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
                left = self.length - (self._cursor.place - len(messages))
            left -= len(messages)
            yield messages

    def give_back(self, taken: list[bytes], rest: list[bytes]) -> None:
        """Stand behind what was `taken` of the last step; the next one begins with the `rest`."""
        if rest:
            self._stand_behind(self._cursor.place - len(rest), taken[-1], rest)

    def step(self, most: int = MOST) -> list[bytes]:
        """The next messages, at most `most`; none when the list ends here.

        Raises PlaceLost when the list has moved on so far that nobody can tell what is next.
        """
        for _ in range(TRIES):
            found = self._read_on(most)
            if found is not None:
                return found
            self._find_again()
        raise self._lost()

    def _read_on(self, most: int) -> list[bytes] | None:
        """What follows; None when the last message is not where it was."""
        overlap = 1 if self._cursor.last else 0
        # One more, to remember what was to come next.
        messages = self._read(self._cursor.place - overlap, overlap + most + 1, overlap + 1)
        if overlap and not (messages and _short(messages[0]) == self._cursor.last):
            return None
        messages = messages[overlap:]
        taken = messages[:most]
        if taken:
            place = self._cursor.place + len(taken)
            self._stand_behind(place, taken[-1], messages[len(taken) :])
        return taken

    def _stand_behind(self, place: int, last: bytes, rest: list[bytes]) -> None:
        following = _short(rest[0]) if rest else ""
        self._cursor = replace(self._cursor, place=place, last=_short(last), following=following)

    def _find_again(self) -> None:
        """Stand where the walk goes on; raises PlaceLost."""
        low = high = self._cursor.place
        for _ in range(REACH):
            first = max(0, low - MOST)
            # The pieces overlap by one: it is found together with what stands before it.
            for start, end in ((first, low + 1), (max(0, high - 1), high + MOST)):
                found = self._among(self._all(start, end - start), start)
                if found is not None:
                    self._cursor = found
                    return
            low, high = first, high + MOST
        raise self._lost()

    def _among(self, messages: list[bytes], first: int) -> Cursor | None:
        """Where the walk goes on, if it is among some messages that begin at the place `first`."""
        cursor = self._cursor
        names = [_short(raw) for raw in messages]
        behind = [first + at + 1 for at, name in enumerate(names) if name == cursor.last]
        if not behind and cursor.following:
            # What was shown last is gone; what was to come next stands behind another one now.
            behind = [first + at for at, name in enumerate(names) if name == cursor.following]
            behind = [place for place in behind if place > first or place == 0]
        if not behind:
            return None
        place = min(behind, key=lambda place: abs(place - cursor.place))
        last = names[place - first - 1] if place else ""
        return replace(cursor, place=place, last=last, following="")

    def _all(self, first: int, count: int) -> list[bytes]:
        """So many adjacent messages, in as many reads as it takes."""
        found: list[bytes] = []
        while len(found) < count:
            messages = self._read(first + len(found), count - len(found))
            if not messages:
                break
            found += messages
        return found

    def _read(self, skip: int, most: int, least: int = 1) -> list[bytes]:
        self._sparing.begin()
        found = self._listing.read(skip, most, least)
        self._sparing.end()
        self.length = found.length
        return found.messages

    def _lost(self) -> PlaceLost:
        return PlaceLost(
            f"{self._key} has moved on: what was shown last is not there any more; begin anew"
        )


def _short(raw: bytes) -> str:
    return digest(raw)[:DIGITS]
