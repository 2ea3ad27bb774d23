"""Walk through a list that moves at both ends, message by message, sparing Redis.

What was read last is read again with the next read, and so shows that the place is still the same.
If it is not, it is looked for nearby: messages that leave the old end or come to the new one shift
the others by as many places.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set
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
    """This process' clock (`monotonic`, seconds), and how it lets seconds pass.

    `worked` is for how many seconds this thread has had a processor.
    """

    monotonic: Callable[[], float]
    wait: Callable[[float], None]
    worked: Callable[[], float] = time.thread_time


class Sparing:
    """Lets Redis rest between the reads of one look."""

    def __init__(self, its_time: Time, free_reads: int = FREE_READS) -> None:
        self._time = its_time
        self._free_reads = free_reads
        self._rests_until = 0.0
        self._began_at = self._worked = 0.0

    def begin(self) -> None:
        """A read is about to begin; waits for its turn."""
        rest = self._rests_until - self._time.monotonic()
        if rest > 0:
            self._time.wait(rest)
        self._began_at, self._worked = self._time.monotonic(), self._time.worked()

    def end(self) -> None:
        """The read has ended.

        How long it took, without the time in which this thread unpacked what came, is more than
        what Redis had to do.
        """
        worked = self._time.worked() - self._worked
        took = max(0.0, self._time.monotonic() - self._began_at - worked)
        self._free_reads -= 1
        if self._free_reads < 0:
            self._rests_until = self._began_at + took * SHARE


@dataclass(frozen=True)
class Read:
    """Adjacent messages from a place on; `is_at_end` says that the list ended behind them."""

    place: int
    messages: list[bytes]
    is_at_end: bool


class Walk:
    """A way through one list, from a cursor on."""

    def __init__(self, store: Store, key: str, cursor: Cursor, sparing: Sparing) -> None:
        self._listing: Listing = store.listings.open(key, is_newest_first=cursor.is_newest_first)
        self._key = key
        self._cursor = cursor
        self._sparing = sparing
        self._steps: deque[list[str]] = deque(maxlen=REACH)
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
            if found is None:
                found = self._find_again(most)
            if found is not None:
                return found
        raise self._lost()

    def _read_on(self, most: int) -> list[bytes] | None:
        """What follows; None when the last message is not where it was."""
        overlap = 1 if self._cursor.last else 0
        # One more, to remember what was to come next.
        messages = self._read(self._cursor.place - overlap, overlap + most + 1, overlap + 1)
        if overlap and not (messages and _short(messages[0]) == self._cursor.last):
            return None
        return self._taken(messages[overlap:], most)

    def _taken(self, messages: list[bytes], most: int) -> list[bytes]:
        """The next messages, of those that follow on the place; stands behind them."""
        taken = messages[:most]
        if taken:
            place = self._cursor.place + len(taken)
            self._steps.append([_short(raw) for raw in taken])
            self._stand_behind(place, taken[-1], messages[len(taken) :])
        return taken

    def _stand_behind(self, place: int, last: bytes, rest: list[bytes]) -> None:
        following = _short(rest[0]) if rest else ""
        self._cursor = replace(self._cursor, place=place, last=_short(last), following=following)

    def _find_again(self, most: int) -> list[bytes] | None:
        """What follows, wherever it is now; None when another read has to tell.

        Raises PlaceLost.
        """
        low = high = self._cursor.place
        reads: list[Read] = []
        for _ in range(REACH):
            first = max(0, low - MOST)
            for start, end in ((first, low + 1), (max(0, high - 1), high + MOST)):
                for read in self._reads(start, end):
                    found = _among(self._cursor, read)
                    if found is not None:
                        return self._going_on(found, read, most)
                    reads.append(read)
            low, high = first, high + MOST
        seen = {name for step in self._steps for name in step}
        behind = _behind_what_was_seen(self._cursor, seen, reads)
        if behind is None:
            raise self._lost()
        return self._going_on(*behind, most)

    def _going_on(self, cursor: Cursor, read: Read, most: int) -> list[bytes] | None:
        """Stand at a place in this read.

        What follows was read with it, so the walk goes on however fast the list moves.
        """
        self._cursor = cursor
        rest = read.messages[cursor.place - read.place :]
        return self._taken(rest, most) if rest or read.is_at_end else None

    def _reads(self, start: int, end: int) -> Iterator[Read]:
        """The messages from one place to another, in as many reads as it takes.

        Reads overlap by one: a message is found together with what stands before it.
        """
        while start < end:
            messages = self._read(start, end - start, 2)
            yield Read(start, messages, start + len(messages) >= self.length)
            if len(messages) < 2:
                return
            start += len(messages) - 1
            if start == end - 1:
                return

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


def _among(cursor: Cursor, read: Read) -> Cursor | None:
    """Where a walk goes on, if it is among these messages."""
    first, names = read.place, [_short(raw) for raw in read.messages]
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


def _behind_what_was_seen(
    cursor: Cursor, seen: Set[str], reads: Iterable[Read]
) -> tuple[Cursor, Read] | None:
    """Where to go on when what was read last and what was to follow are gone, both of them.

    That is behind the last message that was `seen` and is there still: at a list's old end those
    go first that would have been read last. `reads` are around the place. None when none is there.
    """
    found = [
        (read.place + at, name, read)
        for read in reads
        for at, name in enumerate(map(_short, read.messages))
        if name in seen
    ]
    if not found:
        return None
    last, name, read = max(found, key=lambda each: each[0])
    return replace(cursor, place=last + 1, last=name, following=""), read


def _short(raw: bytes) -> str:
    return digest(raw)[:DIGITS]
