"""Read a list of messages from either end, a little at a time; nothing is removed.

One read is one LRANGE: Redis walks to the place once, which at a million messages takes most of
the time of a read.
"""

from dataclasses import dataclass

import redis

from mutt_tasks.store.connection import translated

# What one read returns at most, going by the largest message seen so far. That keeps Redis busy for
# two milliseconds at most, most of it for the walk to the middle of a million messages: many small
# reads would cost more.
MOST, MOST_BYTES = 2000, 1 << 20
_EXPECTED_BYTES = 4096


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
    """One list, read from its oldest message on, or from its newest."""

    def __init__(self, client: redis.Redis, name: str, *, is_newest_first: bool = False) -> None:
        self._client = client
        self.name = name
        self._is_newest_first = is_newest_first
        self._largest = _EXPECTED_BYTES

    def read(self, skip: int, most: int = MOST, least: int = 1, ends: int = 0) -> Read:
        """At most `most` messages behind the first `skip`, fewer where they are large.

        It returns `least` if there are so many, however large they are; and as many as `ends` of
        the first and of the last ones as well. Raises StoreError.
        """
        room = MOST_BYTES // self._largest
        ends = min(ends, room // 4)
        count = max(least, min(most, MOST, room - 2 * ends))
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.llen(self.name)
            steps.lrange(self.name, *self._range(skip, count))
            if ends:
                steps.lrange(self.name, 0, ends - 1)
                steps.lrange(self.name, -ends, -1)
            length, *found = steps.execute()
        messages, front, back = ([*found, [], []])[:3]
        if not self._is_newest_first:
            messages, front, back = messages[::-1], back[::-1], front[::-1]
        sizes = [len(message) for message in messages]
        # Falls slowly: one large message is seldom the only one.
        self._largest = max(1, *sizes, self._largest // 2) if sizes else self._largest
        return Read(messages, length, front, back)

    def _range(self, skip: int, count: int) -> tuple[int, int]:
        """What LRANGE calls so many messages behind the first `skip`."""
        if self._is_newest_first:
            return skip, skip + count - 1
        return -(skip + count), -(skip + 1)


class Listings:
    """The lists, by their names."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def open(self, name: str, *, is_newest_first: bool = False) -> Listing:
        """A list to read from one of its ends."""
        return Listing(self._client, name, is_newest_first=is_newest_first)

    def lengths(self, names: list[str]) -> list[int]:
        """How long each of the lists is. Raises StoreError."""
        with translated(), self._client.pipeline(transaction=True) as steps:
            for name in names:
                steps.llen(name)
            return [int(length) for length in steps.execute()]
