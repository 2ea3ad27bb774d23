"""Exactly the messages that a plan counted, as digests: nothing that came later is among them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

# So many bytes of a SHA-1 tell a million messages from any others: two of 2^64 would be alike.
WIDTH = 16


@dataclass(frozen=True)
class FrozenSet:
    """The messages of one list: the beginnings of their SHA-1 digests, sorted, one after another.

    Equal messages stand there as often as they lay in the list.
    """

    data: bytes

    @classmethod
    def of(cls, digests: Iterable[bytes]) -> "FrozenSet":
        """The set of messages with these digests (at least 16 bytes each), in any order."""
        return cls(b"".join(sorted(digest[:WIDTH] for digest in digests)))

    def __len__(self) -> int:
        """How many messages there are."""
        return len(self.data) // WIDTH

    def places(self, digest: bytes) -> range:
        """The places of the messages with this digest; an empty range when there are none."""
        wanted, places = digest[:WIDTH], range(len(self))
        first = bisect_left(places, wanted, key=self._at)
        return range(first, bisect_right(places, wanted, lo=first, key=self._at))

    def _at(self, place: int) -> bytes:
        return self.data[place * WIDTH : (place + 1) * WIDTH]
