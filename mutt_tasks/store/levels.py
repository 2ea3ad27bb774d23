"""What the service levels are reckoned from: the books as they stand, and as they stood.

A cycle's end writes them, in its own step (`store/ledger.py`). Beside the books there are points:
the totals at one moment in five minutes of the last hours, and in six hours of the last month.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.packing import packed
from mutt_tasks.core.routes import Route
from mutt_tasks.core.slo_books import OWN, Book, Books, Count, Counted, Queue, QueueBook, totals
from mutt_tasks.store import keys
from mutt_tasks.store.balance import Checks
from mutt_tasks.store.connection import seconds_of, translated
from mutt_tasks.store.counters import (
    DISCARDED,
    DROPPED,
    FIRST_BOUNCED,
    LANDED,
    QUARANTINED,
    REDIRECTED,
    REPLAYED,
    STUCK,
    Counters,
)
from mutt_tasks.store.fields import text
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import decoded

# Points of each kind: one in so many seconds, so many of them.
_RINGS = {"5m": (300, 78), "6h": (21_600, 126)}

_WHOLE, _QUEUE, _POINT = "book", "queue:", "point:"
# What leaves a dead letter queue.
_LEAVING = (REPLAYED, *QUARANTINED.values(), DISCARDED, REDIRECTED)
# Lists that messages are kept in, as counters call them, and the counters that are asked for.
_NAMES = ("alerter", "moog", "dead")
_FAMILIES = dict.fromkeys((*_LEAVING, LANDED, STUCK, FIRST_BOUNCED))
_COUNTERS = (DROPPED.of(), *(family.of(name) for family in _FAMILIES for name in _NAMES))


@dataclass(frozen=True)
class Point:
    """The totals of each objective at a moment, in seconds since 1970."""

    at: float
    totals: Mapping[str, Count]


@dataclass(frozen=True)
class Kept:
    """What is kept: the books, and the points (newest last)."""

    books: Books
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Found:
    """The books, each queue as it is to be entered, and what is counted elsewhere.

    That is at the moment `now`, by Redis' own clock (seconds since 1970).
    """

    now: float
    books: Books
    queues: Mapping[str, Queue]
    counted: Counted


class Levels:
    """Read the books."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client, self._scripts = client, scripts

    def look(self, routes: tuple[Route, ...]) -> Found:
        """The books and the dead letter queues at one moment.

        What jobs put beside a list for a while is a part of it.
        """
        parts = {
            route.name: (route.source, keys.aside(route.name), keys.front(route.name))
            for route in routes
        }
        every = [key for of_it in parts.values() for key in of_it]
        now, (stats, checks, books, *lengths) = self._scripts.read_at(
            ("HMGET", keys.STATS, *_COUNTERS),
            ("HGETALL", keys.CHECKS),
            ("HMGET", keys.LEVELS, *_fields(routes)),
            *(("LLEN", key) for key in every),
        )
        checks = dict(zip(checks[::2], checks[1::2], strict=True))
        counters, depth = _counters(stats), dict(zip(every, lengths, strict=True))
        return Found(
            now=now,
            books=_books_of(routes, books),
            queues={
                name: Queue(
                    sum(depth[key] for key in of_it),
                    sum(counters.value(family.of(name)) for family in _LEAVING),
                )
                for name, of_it in parts.items()
            },
            counted=_counted(counters, checks),
        )

    def current(self, routes: tuple[Route, ...]) -> tuple[Books, Counted, float]:
        """The books of these routes, what is counted elsewhere, and the moment.

        Raises StoreError.
        """
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.time()
            steps.hmget(keys.STATS, _COUNTERS)
            steps.hgetall(keys.CHECKS)
            steps.hmget(keys.LEVELS, _fields(routes))
            time, stats, checks, books = steps.execute()
        return _books_of(routes, books), _counted(_counters(stats), checks), seconds_of(time)

    def kept(self, routes: tuple[Route, ...]) -> tuple[Kept, Counted, float]:
        """What is kept of these routes, what is counted elsewhere, and the moment.

        Raises StoreError.
        """
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.time()
            steps.hmget(keys.STATS, _COUNTERS)
            steps.hgetall(keys.CHECKS)
            steps.hgetall(keys.LEVELS)
            time, stats, checks, fields = steps.execute()
        return _kept(routes, fields), _counted(_counters(stats), checks), seconds_of(time)


def _fields(routes: tuple[Route, ...]) -> list[str]:
    """The fields that hold the books of these routes."""
    return [_WHOLE, *(_QUEUE + route.name for route in routes)]


def _books_of(routes: tuple[Route, ...], raws: Sequence[bytes | None]) -> Books:
    """The books that stand in these fields."""
    whole, *queues = raws
    named = zip(routes, queues, strict=True)
    return Books(
        decoded(Book, whole), {route.name: decoded(QueueBook, raw) for route, raw in named}
    )


def _counters(raws: Sequence[bytes | None]) -> Counters:
    """The counters that were asked for."""
    named = zip(_COUNTERS, raws, strict=True)
    return Counters.read({name.encode(): raw for name, raw in named if raw is not None})


def _counted(counters: Counters, checks: Mapping[bytes, bytes]) -> Counted:
    """What became of replays, and what the worker found when it checked the books."""
    found = Checks.read(checks)
    missing = sum(found.missing.values())
    return Counted(
        landed=counters.total(LANDED) + counters.total(STUCK),
        returned=counters.total(FIRST_BOUNCED),
        dropped=counters.value(DROPPED.of()),
        brought=sum(found.brought.values()) + missing,
        missing=missing,
    )


def _kept(routes: tuple[Route, ...], fields: Mapping[bytes, bytes]) -> Kept:
    """What the fields of the hash tell."""
    named = {text(name): value for name, value in fields.items()}
    points = [_point(raw) for name, raw in named.items() if name.startswith(_POINT)]
    return Kept(
        _books_of(routes, [named.get(field) for field in _fields(routes)]),
        tuple(sorted((point for point in points if point), key=lambda point: point.at)),
    )


def fields_of(before: Book, books: Books, found: Found, within: float) -> dict[str, Any]:
    """The fields that a cycle's end writes; a point where a new stretch of time began."""
    now = books.whole.at
    point = json.dumps([round(now, 3), *_numbers(totals(books, found.counted, now, within))])
    return {
        _WHOLE: packed(books.whole),
        **{_QUEUE + name: packed(books.queues[name]) for name in found.queues},
        **{
            f"{_POINT}{ring}:{int(now // seconds) % number}": point
            for ring, (seconds, number) in _RINGS.items()
            if now // seconds != before.at // seconds
        },
    }


def _numbers(found: Mapping[str, Count]) -> list[float]:
    return [number for name in OWN for number in (found[name].events, found[name].failures)]


def _point(raw: bytes) -> Point | None:
    """A point; None when another version wrote it, or somebody by hand."""
    try:
        at, *numbers = (float(number) for number in json.loads(raw))
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return Point(at, {name: Count(*pair) for name, pair in zip(OWN, pairs, strict=True)})
    except (TypeError, ValueError):
        return None
