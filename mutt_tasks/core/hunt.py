"""Which of the messages that are looked at belong to a job's frozen set, each of them once."""

import hashlib
from collections.abc import Collection, Iterable

from mutt_tasks.core.frozen import FrozenSet


class Hunt:
    """A frozen set of one list, and what of it is done.

    `done` is Redis' bitmap over the set's places: the first place is the highest bit of its first
    byte. Of equal messages as many are taken as the set holds, whichever they are.
    """

    def __init__(self, members: FrozenSet, done: bytes) -> None:
        self._members = members
        self._done = bytearray(done.ljust((len(members) + 7) // 8, b"\0"))
        self.left = len(members) - sum(byte.bit_count() for byte in self._done)

    @classmethod
    def over(cls) -> "Hunt":
        """One that looks for nothing."""
        return cls(FrozenSet.of(()), b"")

    def place_of(self, raw: bytes, taken: Collection[int]) -> int | None:
        """The place of a message in the set that is neither done nor `taken`; None without one."""
        digest = hashlib.sha1(raw, usedforsecurity=False).digest()
        return next(
            (
                place
                for place in self._members.places(digest)
                if place not in taken and not self._done[place >> 3] & _bit(place)
            ),
            None,
        )

    def note(self, places: Iterable[int]) -> None:
        """These are done."""
        for place in places:
            self._done[place >> 3] |= _bit(place)
            self.left -= 1


def _bit(place: int) -> int:
    return 0x80 >> (place & 7)
