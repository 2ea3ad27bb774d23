"""Where every message is and what became of it: the ground truth of a run."""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan, nan
from typing import NamedTuple

from benchmarks.recovery_model.message import Kind
from stand_ins.books import lost_and_doubled


class Dead(NamedTuple):
    """A message in the dead list; `replays` are those that count against it."""

    number: int
    reason: str
    replays: int


@dataclass
class Books:
    """Accounts of messages, which are numbered in the order in which they first appear.

    Moments are virtual seconds since the start of the run; `delivered_at` is NaN until delivery.
    `to_recover` are those that were in a dead letter queue and have not yet come to an end.
    `drops` (at the limiter) and `destroyed` (by the alerter) are what the pipeline throws away,
    each with its moment; `finished` came to their end without an alert; `replayed` is 1 for what a
    policy put back; `shed` lists what the alerter set aside untried.
    """

    born: "array[float]" = field(default_factory=lambda: array("d"))
    delivered_at: "array[float]" = field(default_factory=lambda: array("d"))
    kinds: bytearray = field(default_factory=bytearray)
    replayed: bytearray = field(default_factory=bytearray)
    in_dlq: bytearray = field(default_factory=bytearray)
    to_recover: set[int] = field(default_factory=set)
    delivered_again: list[int] = field(default_factory=list)
    drops: list[tuple[float, int]] = field(default_factory=list)
    destroyed: list[tuple[float, int]] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    shed: list[int] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    depth: int = 0
    good_in_dlq: int = 0
    recovered_at: float = 0.0
    busy_spans: list[tuple[float, float]] = field(default_factory=list)
    depths: list[tuple[float, int]] = field(default_factory=list)
    _busy_from: float = nan

    def appear(self, now: float, kind: Kind = Kind.GOOD) -> int:
        """A new message; returns its number."""
        self.born.append(now)
        self.delivered_at.append(nan)
        self.kinds.append(kind)
        self.replayed.append(0)
        self.in_dlq.append(0)
        return len(self.born) - 1

    def deliver(self, number: int, now: float) -> None:
        """Moogsoft took it."""
        if not isnan(self.delivered_at[number]):
            self.delivered_again.append(number)
        self.delivered_at[number] = now
        self._settle(number, now)

    def drop(self, number: int, now: float) -> None:
        """The forwarder's limiter dropped it for good."""
        self.drops.append((now, number))
        self._settle(number, now)

    def destroy(self, number: int, now: float) -> None:
        """The alerter threw it away."""
        self.destroyed.append((now, number))
        self._settle(number, now)

    def finish(self, number: int, now: float) -> None:
        """The alerter was through with it and made no alert of it."""
        self.finished.append(number)
        self._settle(number, now)

    def enter_dlq(self, number: int, now: float) -> None:
        """A service gave it up."""
        if not self.to_recover:
            self._busy_from = now
        self.to_recover.add(number)
        if not self.in_dlq[number]:
            self.in_dlq[number] = 1
            self._count(number, 1)

    def leave_dlq(self, number: int) -> None:
        """A policy put it back."""
        self.replayed[number] = 1
        self._leave(number)

    def bury(self, dead: Dead, now: float) -> None:
        """A policy moved it to the dead list."""
        self._leave(dead.number)
        self.dead.append(dead)
        self._settle(dead.number, now)

    def close(self, now: float) -> None:
        """End the run: a span that is open ends now."""
        if not isnan(self._busy_from):
            self.busy_spans.append((self._busy_from, max(now, self._busy_from)))
            self._busy_from = nan

    def is_good(self, number: int) -> bool:
        """Whether the pipeline does what it should with a message, once it is put back."""
        return Kind(self.kinds[number]).is_good

    def _settle(self, number: int, now: float) -> None:
        """It is where it will stay; with the last one everything is recovered."""
        if number in self.to_recover:
            self.to_recover.remove(number)
            if not self.to_recover:
                self.recovered_at = now
                self.busy_spans.append((self._busy_from, now))
                self._busy_from = nan

    def _leave(self, number: int) -> None:
        if self.in_dlq[number]:
            self.in_dlq[number] = 0
            self._count(number, -1)

    def _count(self, number: int, step: int) -> None:
        self.depth += step
        if self.is_good(number):
            self.good_in_dlq += step


def missing_and_doubled(books: Books, left: Iterable[int]) -> tuple[list[int], list[int]]:
    """The messages that are nowhere, and those that are in two places or were delivered twice.

    `left` are the numbers found in lists and in services' hands at the end.
    """
    found = Counter(left)
    found.update(number for _, number in (*books.drops, *books.destroyed))
    found.update(books.finished)
    found.update(dead.number for dead in books.dead)
    found.update(books.delivered_again)
    found.update(n for n, moment in enumerate(books.delivered_at) if not isnan(moment))
    lost, doubled = lost_and_doubled(Counter(range(len(books.born))), found)
    return sorted(lost), sorted(set(doubled))
