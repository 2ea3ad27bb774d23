"""Read one list from one of its ends, and see how it moves meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mutt_tasks.core.places import MOST_BEFORE, Ends, arrived, name_of
from mutt_tasks.operations.sparing import Sparing
from mutt_tasks.store.listing import Listing

# With each read of a list from its new end on, so many messages at both ends are looked at: they
# show how many came there, and moved the others on.
ENDS = 64


@dataclass(frozen=True)
class Read:
    """Adjacent messages of a list of this `length`, of which `first` stand before the first.

    Until then as many had `came` to the end where reading begins as the reader counted.
    """

    first: int
    messages: list[bytes]
    length: int
    came: int

    @property
    def is_at_end(self) -> bool:
        """Whether the list ended behind them."""
        return self.first + len(self.messages) >= self.length

    @cached_property
    def names(self) -> list[str]:
        """Their names."""
        return [name_of(raw) for raw in self.messages]

    def names_before(self, at: int) -> tuple[str, ...]:
        """The names of those that stand before a place, as many as it is known by."""
        end = at - self.first
        return tuple(self.names[max(0, end - MOST_BEFORE) : end])


class Reader:
    """Reads of one list; `came` counts what has come since to the end where they begin.

    That is counted (`sees_arrivals`) where messages come to that end and leave the other one.
    """

    def __init__(self, listing: Listing, sparing: Sparing, *, sees_arrivals: bool) -> None:
        self._listing, self._sparing = listing, sparing
        self._most_ends = ENDS if sees_arrivals else 0
        self._ends: Ends | None = None
        self.came = self.length = 0

    def read(self, first: int, most: int, least: int = 1) -> Read:
        """At most `most` messages behind the first ones; fewer where they are large."""
        self._sparing.begin()
        found = self._listing.read(first, most, least, self._most_ends)
        self._sparing.end(sum(map(len, found.messages)))
        ends = Ends(found.front, found.back, found.length)
        if self._most_ends and self._ends is not None:
            self.came += arrived(self._ends, ends)
        self._ends, self.length = ends, found.length
        return Read(first, found.messages, found.length, self.came)

    def reads(self, start: int, end: int) -> Iterator[Read]:
        """The messages from one place to another, in as many reads as it takes.

        Reads overlap: a place is found together with what stands before it.
        """
        while start < end:
            read = self.read(start, end - start, 2)
            yield read
            count = len(read.messages)
            if count < 2 or start + count >= end:
                return
            start += count - min(MOST_BEFORE, count // 2)
