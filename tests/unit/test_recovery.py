"""When a backlog counts as gone, and what is told of it."""

from dataclasses import replace
from itertools import pairwise

from mutt_tasks.core.recovery import QUIET, Backlog, Books, Recovered, follow

Seen = tuple[Backlog | None, list[Recovered]]


def followed(*books: Books, held: tuple[str, ...] = ()) -> Seen:
    """What is seen of these books, one look after the other."""
    backlog, told = None, []
    for before, now in pairwise(books):
        backlog, recovered = follow(backlog, before, now, held)
        told += [recovered] if recovered else []
    return backlog, told


FIRST = Books(100.0, replayed=1000, bounced=50, dead=7)


def after(
    seconds: float, *, replayed: int = 0, bounced: int = 0, dead: int = 0, wait: int = 0
) -> Books:
    return Books(
        FIRST.at + seconds,
        FIRST.replayed + replayed,
        FIRST.bounced + bounced,
        FIRST.dead + dead,
        wait,
    )


def test_a_backlog_that_is_gone_is_told_once_with_what_became_of_it() -> None:
    backlog, told = followed(
        FIRST,
        after(1, wait=21_040),
        after(600, replayed=20_000, wait=1_040),
        after(840, replayed=21_060, bounced=32, dead=12),
        after(840 + QUIET - 1, replayed=21_060, bounced=32, dead=12),
        after(840 + QUIET, replayed=21_060, bounced=32, dead=12),
        after(840 + QUIET + 1, replayed=21_060, bounced=32, dead=12),
        held=("unhealthy",),
    )

    assert backlog is None
    assert told == [Recovered(101.0, 940.0, 21_028, dead=12, most=21_040, held=("unhealthy",))]


def test_what_comes_back_within_the_quiet_time_belongs_to_it() -> None:
    _, told = followed(
        FIRST,
        after(1, wait=10),
        after(2, replayed=10),
        after(10, replayed=10),
        after(20, replayed=10, wait=4),
        after(30, replayed=10, bounced=4, dead=4),
        after(30 + QUIET, replayed=10, bounced=4, dead=4),
    )

    assert [(each.back, each.dead, each.ended_at) for each in told] == [(6, 4, 130.0)]


def test_what_moved_between_two_looks_is_a_backlog_too() -> None:
    _, told = followed(FIRST, after(1, replayed=30), after(1 + QUIET, replayed=30))

    assert [(each.back, each.dead) for each in told] == [(30, 0)]


def test_nothing_that_waits_is_no_backlog() -> None:
    assert followed(FIRST, after(1), after(100)) == (None, [])


def test_a_backlog_lasts_while_something_waits() -> None:
    backlog, told = followed(FIRST, after(1, wait=1), after(9000, wait=1))

    assert told == []
    assert backlog is not None
    assert backlog.began_at == 101.0


def test_counters_that_were_deleted_meanwhile_tell_no_negative_numbers() -> None:
    gone = replace(FIRST, at=200.0, replayed=0, bounced=0, dead=0, wait=1)
    _, told = followed(FIRST, gone, replace(gone, at=300.0, wait=0))

    assert [(each.back, each.dead) for each in told] == [(0, 0)]
