"""Read a list of messages from either end, a little at a time; nothing is removed.

One read is one LRANGE: Redis walks to the place once, which at a million messages takes most of
the time of a read. While somebody works deep inside a list its older messages lie beside it, in one
or two lists that follow on its old end; then a script reads them all as one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import redis

from mutt_tasks.store.connection import translated
from mutt_tasks.store.scripts import Scripts

# What one read returns at most, going by the largest message seen so far. That keeps Redis busy for
# two milliseconds at most, most of it for the walk to the middle of a million messages: many small
# reads would cost more.
MOST, MOST_BYTES = 2000, 1 << 20
_EXPECTED_BYTES = 4096
# A script copies what it returns twice.
_MOST_OF_PARTS = 1000


@dataclass(frozen=True)
class Read:
    """Adjacent messages in the order of reading, and how long the list was at that moment.

    `front` and `back` are the first and the last messages of the list then, in the same order.
    """

    messages: list[bytes]
    length: int
    front: list[bytes]
    back: list[bytes]


class Listing:
    """One list, read from its oldest message on, or from its newest.

    `names` are its key and those of what lies beside it, the oldest last.
    """

    def __init__(
        self,
        client: redis.Redis,
        scripts: Scripts,
        names: Sequence[str],
        *,
        is_newest_first: bool = False,
    ) -> None:
        self._client = client
        self._scripts = scripts
        self._names = list(names)
        self._is_newest_first = is_newest_first
        self._largest = _EXPECTED_BYTES
        # The length at the last read, and whether the list was whole then.
        self._length, self._is_whole = 0, True

    def read(self, skip: int, most: int = MOST, least: int = 1, ends: int = 0) -> Read:
        """At most `most` messages behind the first `skip`, fewer where they are large.

        It returns `least` if there are so many, however large they are; and as many as `ends` of
        the first and of the last ones as well. Raises StoreError.
        """
        room = MOST_BYTES // self._largest
        ends = min(ends, room // 4)
        count = max(least, min(most, MOST, room - 2 * ends))
        found = self._read_whole(skip, count, ends) if self._is_whole else None
        messages, front, back = found or self._read_parts(skip, count, ends)
        if not self._is_newest_first:
            messages, front, back = messages[::-1], back[::-1], front[::-1]
        sizes = [len(message) for message in messages]
        # Falls slowly: one large message is seldom the only one.
        self._largest = max(1, *sizes, self._largest // 2) if sizes else self._largest
        return Read(messages, self._length, front, back)

    def _read_whole(self, skip: int, count: int, ends: int) -> list[list[bytes]] | None:
        """The messages and both ends, the newest first; None when some lie beside the list."""
        name = self._names[0]
        with translated(), self._client.pipeline(transaction=True) as steps:
            for each in self._names:
                steps.llen(each)
            steps.lrange(name, *self._range(skip, count))
            if ends:
                steps.lrange(name, 0, ends - 1)
                steps.lrange(name, -ends, -1)
            answers = steps.execute()
        self._note(answers[: len(self._names)])
        found = [*answers[len(self._names) :], [], []]
        return found[:3] if self._is_whole else None

    def _read_parts(self, skip: int, count: int, ends: int) -> list[list[bytes]]:
        """The same, wherever they lie."""
        begins_at = "L" if self._is_newest_first else "R"
        args = [begins_at, skip, min(count, _MOST_OF_PARTS), ends]
        found: list[list[bytes]]
        lengths, *found = self._scripts.call("adjacent", self._names, args)
        self._note(lengths)
        return found

    def _note(self, lengths: Sequence[int]) -> None:
        self._length, self._is_whole = sum(lengths), not any(lengths[1:])

    def _range(self, skip: int, count: int) -> tuple[int, int]:
        """What LRANGE calls so many messages behind the first `skip`."""
        if self._is_newest_first:
            return skip, skip + count - 1
        return -(skip + count), -(skip + 1)


class Listings:
    """The lists, by their keys."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def open(self, name: str, *beside: str, is_newest_first: bool = False) -> Listing:
        """A list to read from one of its ends; its older messages may lie `beside` it."""
        names = (name, *beside)
        return Listing(self._client, self._scripts, names, is_newest_first=is_newest_first)

    def lengths(self, lists: Iterable[Sequence[str]]) -> list[int]:
        """How long each of the lists is, all its keys together. Raises StoreError."""
        lists = list(lists)
        with translated(), self._client.pipeline(transaction=True) as steps:
            for names in lists:
                for name in names:
                    steps.llen(name)
            lengths = iter(steps.execute())
        return [sum(islice(lengths, len(names))) for names in lists]
