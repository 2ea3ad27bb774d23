"""A place in a list that moves at both ends, known by the messages around it.

Messages are named by short digests of their bytes. Some may be equal, so that one name alone does
not tell a place from another; several in a row do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import NamedTuple

from mutt_tasks.core.identity import DIGITS, digest

# A place is known by so many messages before it at most, or by those that hold so many bytes.
MOST_BEFORE, _BEFORE_BYTES = 20, 16 << 10


@dataclass(frozen=True)
class Place:
    """Behind `at` messages, the last of which have these `names`; `following` was to come next.

    It is empty where nothing followed, or nobody knows.
    """

    at: int
    names: tuple[str, ...] = ()
    following: str = ""

    @classmethod
    def behind(cls, at: int, passed: Sequence[bytes], rest: Sequence[bytes]) -> "Place":
        """The place between messages that were passed and the rest."""
        return cls(at, _last_names(passed), name_of(rest[0]) if rest else "")

    def moved(self, count: int) -> "Place":
        """The same place when so many more messages stand before it."""
        return replace(self, at=self.at + count)


class Around(NamedTuple):
    """Names of adjacent messages; `first` stand before them, and none behind them at the end."""

    first: int
    names: Sequence[str]
    is_end: bool


class Candidate(NamedTuple):
    """Where a place may be now; `is_certain` where nothing tells against it.

    The highest `rank` is the most likely: most is as it was, then the way from there is shortest.
    """

    at: int
    rank: tuple[int, int]
    is_certain: bool


def best(place: Place, around: Around) -> Candidate | None:
    """The most likely place among some names, the nearest of several; None without a likely one.

    Behind no name is one only at the beginning of the list.
    """
    indexes = range(0 if around.first == 0 else 1, len(around.names) + 1)
    found = (_candidate(place, around, index) for index in indexes)
    likely = (each for each in found if each.rank[0])
    return max(likely, key=lambda each: each.rank, default=None)


def is_certain(place: Place, around: Around, index: int) -> bool:
    """Whether the place is surely the one behind the first `index` of some names."""
    return _candidate(place, around, index).is_certain


def _candidate(place: Place, around: Around, index: int) -> Candidate:
    """The place behind the first `index` names.

    At the end of the list the last messages that were passed may have left it.
    """
    names, is_end = around.names, around.is_end and index == len(around.names)
    before = names[max(0, index - len(place.names)) : index]
    matched, gone = _matched(place.names, before), 0
    for last in range(1, len(place.names) if is_end else 0):
        more = _matched(place.names[:-last], before)
        if more > matched:
            matched, gone = more, last
    follows = bool(place.following) and list(names[index : index + 1]) == [place.following]
    at = around.first + index
    is_whole = matched == min(len(place.names) - gone, at)
    is_sure = is_whole and (follows or is_end or not place.following)
    return Candidate(at, (matched + follows, -abs(at - place.at)), is_sure)


class Ends(NamedTuple):
    """The first and the last messages of a list, and its length."""

    front: list[bytes]
    back: list[bytes]
    length: int


def arrived(before: Ends, now: Ends) -> int:
    """How many messages came to the front of a list while others left it at its back.

    It is the smallest number that explains both ends and the length. What came or left in such a
    number that no end shows the messages from before is not seen.
    """
    grown = now.length - before.length
    left = _pushed(now.back[::-1], before.back[::-1], max(0, -grown))
    return _pushed(before.front, now.front, max(0, grown + left))


def _pushed(before: list[bytes], now: list[bytes], least: int) -> int:
    """How many stand `now` in front of what stood there `before`; `least` where nobody can see."""
    for count in range(least, len(now)):
        both = min(len(now) - count, len(before))
        if now[count : count + both] == before[:both]:
            return count
    return least


def name_of(raw: bytes) -> str:
    """The name of a message."""
    return digest(raw)[:DIGITS]


def _matched(names: Sequence[str], before: Sequence[str]) -> int:
    """How many of the last names are those that stand before a place."""
    pairs = zip(reversed(names), reversed(before), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _last_names(passed: Sequence[bytes]) -> tuple[str, ...]:
    names: list[str] = []
    size = 0
    for raw in reversed(passed[-MOST_BEFORE:]):
        size += len(raw)
        if names and size > _BEFORE_BYTES:
            break
        names.append(name_of(raw))
    return tuple(reversed(names))
