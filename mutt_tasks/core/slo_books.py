"""What the remediation's own service levels are reckoned from, counted where it happens.

The end of each cycle hands in what it saw, and gets the book that it writes in the same step. Every
number in a book only grows, and what a reader makes of a book later (`as_of`) is never more than
the next cycle writes: so all of it can be shown as counters.

Two things are counted that nothing else counts:

recovered   Each stay of a message in a dead letter queue, as in time or late. A clock runs while
            Moogsoft is healthy and no operator holds the replays; a stay is late as soon as it
            lasts longer than `within` seconds of that clock. Messages go oldest first, so it is
            enough to number them: what had come by the moment `within` ago and has not left since
            is late. That takes two running totals and no look at a message.
on time     One cycle is expected in each interval; a gap between cycles in which more would have
            fitted has missed them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor

RECOVERED, LANDED, ON_TIME, CONSERVED = OWN = ("recovered", "landed", "on_time", "conserved")

# What came is remembered at this many moments of the time in which it has to be back.
_MARKS = 60
# Share of an interval by which a cycle may be early or late and still be that interval's.
_JITTER = 0.25


@dataclass(frozen=True)
class Count:
    """So many events, of which so many failed."""

    events: float = 0
    failures: float = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.events + other.events, self.failures + other.failures)

    def since(self, earlier: "Count") -> "Count":
        """What was added; nothing where a count went back."""
        return Count(max(0, self.events - earlier.events), max(0, self.failures - earlier.failures))


@dataclass(frozen=True)
class QueueBook:
    """One dead letter queue: `marks` are how many had come by moments of the book's clock.

    Messages are numbered as they came; all up to `judged` were found in time or late. `offset` is
    how many left without being counted as leaving.
    """

    marks: tuple[tuple[float, float], ...] = ()
    judged: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Book:
    """All that is remembered, as of the cycle that ended `at` (seconds since 1970; 0: none).

    `clock` is how many seconds of health there were, and since then it `runs`. The last cycle that
    was expected came at `due_at`, when one was expected every `interval` seconds.
    """

    at: float = 0.0
    clock: float = 0.0
    runs: bool = False
    due_at: float = 0.0
    interval: float = 0.0
    recovered: int = 0
    late: int = 0
    expected: int = 0
    missed: int = 0


@dataclass(frozen=True)
class Queue:
    """A list as it is found: so many messages lie in it, and so many `left` it, as was counted."""

    depth: int
    left: int


@dataclass(frozen=True)
class Seen:
    """What the end of a cycle sees `at` a moment.

    `is_well` says that Moogsoft is healthy and no operator holds the replays. A cycle is expected
    every `interval` seconds. `queues` are the dead letter queues by the name of their route.
    """

    at: float
    is_well: bool
    interval: float
    queues: Mapping[str, Queue]


@dataclass(frozen=True)
class Books:
    """The book of the whole, and that of each dead letter queue by the name of its route."""

    whole: Book = Book()
    queues: Mapping[str, QueueBook] = field(default_factory=dict)


@dataclass(frozen=True)
class Counted:
    """What is counted elsewhere.

    Replays that `landed`, alerts that `returned` (once each) and replays believed `dropped`; the
    messages that were `brought` to our lists, and of these the `missing`.
    """

    landed: int = 0
    returned: int = 0
    dropped: int = 0
    brought: int = 0
    missing: int = 0


def looked(books: Books, seen: Seen, within: float) -> Books:
    """The books after a cycle; a stay may last `within` seconds of health."""
    clock = _clock(books.whole, seen.at)
    queues, stays = {}, Count()
    for name, queue in seen.queues.items():
        queues[name], found = _stays(books.queues.get(name, QueueBook()), queue, clock, within)
        stays += found
    whole = replace(
        _ticked(books.whole, seen),
        at=seen.at,
        clock=clock,
        runs=seen.is_well,
        recovered=books.whole.recovered + int(stays.events - stays.failures),
        late=books.whole.late + int(stays.failures),
    )
    return Books(whole, {**books.queues, **queues})


def totals(books: Books, counted: Counted, now: float, within: float) -> dict[str, Count]:
    """All events and failures since counting began, by objective, as of a moment."""
    whole = books.whole
    due_at = _clock(whole, now) - within
    overdue = sum(max(0, _come_by(each, due_at) - each.judged) for each in books.queues.values())
    late = whole.late + overdue
    overlooked = max(0, _expected(whole, now) - 1)
    lost = counted.missing + counted.dropped
    return {
        RECOVERED: Count(whole.recovered + late, late),
        # An alert that comes back again and again is one failure.
        LANDED: Count(
            counted.landed + counted.returned,
            counted.returned + min(counted.dropped, counted.landed),
        ),
        ON_TIME: Count(whole.expected + overlooked, whole.missed + overlooked),
        CONSERVED: Count(max(counted.brought, lost), lost),
    }


def _clock(book: Book, now: float) -> float:
    """The clock at a moment; what was last known of Moogsoft and of pauses holds until then."""
    return book.clock + (max(0.0, now - book.at) if book.runs else 0.0)


def _stays(book: QueueBook, queue: Queue, clock: float, within: float) -> tuple[QueueBook, Count]:
    """One queue's book after a look, and the stays that were judged by it."""
    come = queue.depth + queue.left + book.offset
    before = int(book.marks[-1][1]) if book.marks else come
    # Fewer than had come before: the rest was taken out by somebody else.
    offset = book.offset + max(0, before - come)
    come, left = max(come, before), queue.left + offset
    known = replace(book, marks=_marked(book.marks, clock, come, within), offset=offset)
    if not book.marks:
        return replace(known, judged=left), Count()
    late = max(0, _come_by(known, clock - within) - book.judged)
    in_time = max(0, left - book.judged - late)
    return replace(known, judged=book.judged + late + in_time), Count(late + in_time, late)


def _marked(
    marks: tuple[tuple[float, float], ...], clock: float, come: int, within: float
) -> tuple[tuple[float, float], ...]:
    """The marks with one more, without those that are older than is asked for."""
    is_close = len(marks) > 1 and clock - marks[-2][0] < within / _MARKS
    kept = [*(marks[:-1] if is_close else marks), (round(clock, 3), float(come))]
    while len(kept) > 1 and kept[1][0] <= clock - within:
        del kept[0]
    return tuple(kept)


def _come_by(book: QueueBook, moment: float) -> int:
    """How many had come by a moment of the clock: evenly between two looks."""
    marks = book.marks
    if not marks or moment < marks[0][0]:
        return book.judged
    at, come = marks[0]
    for next_at, next_come in marks[1:]:
        if next_at > moment:
            share = (moment - at) / (next_at - at)
            return floor(come + share * (next_come - come))
        at, come = next_at, next_come
    return int(come)


def _ticked(book: Book, seen: Seen) -> Book:
    """The book after a cycle, which is one of those that were expected, or comes between them."""
    if not book.interval:
        return replace(book, due_at=seen.at, interval=seen.interval, expected=1)
    expected = _expected(book, seen.at)
    if not expected and seen.interval == book.interval and book.due_at <= seen.at:
        return book
    return replace(
        book,
        due_at=seen.at,
        interval=seen.interval,
        expected=book.expected + expected,
        missed=book.missed + max(0, expected - 1),
    )


def _expected(book: Book, now: float) -> int:
    """How many cycles were expected since the last one that was, the one of this moment too."""
    if not book.interval:
        return 0
    return max(0, floor((now - book.due_at) / book.interval + _JITTER))
