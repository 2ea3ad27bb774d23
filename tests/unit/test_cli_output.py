"""What commands write fits its columns, moves no cursor, and says by its status how it ended."""

from dataclasses import replace
from typing import Any

import click
import pytest

from mutt_tasks.cli import output, waiting
from mutt_tasks.cli.waiting import Wait
from mutt_tasks.core.job_fate import Fate
from mutt_tasks.core.jobs import Counts, Job, State
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations.job_standing import Standing, shown

NO_WAIT = Wait()
JOB = Job(
    id="j-1",
    verb=Verb.DISCARD,
    state=State.DONE,
    actor="ann",
    known_by="--actor",
    reason="why",
    plan="p-1",
    sources={"alerter": 5},
    counts=Counts(planned=5, done=5),
)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.0, "0 s"),
        (119.0, "119 s"),
        (120.0, "2 min"),
        (7199.0, "120 min"),
        (7200.0, "2.0 h"),
        (48 * 3600 - 1.0, "48.0 h"),
        (48 * 3600.0, "2.0 d"),
        (36 * 86_400.0, "36.0 d"),
    ],
)
def test_an_age_is_told_in_the_unit_that_fits_it(seconds: float | None, shown: str) -> None:
    assert output.age(seconds) == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("日本", 4, "日本"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
    ],
)
def test_text_is_cut_where_its_columns_end(text: str, width: int, shown: str) -> None:
    assert output.cut(text, width) == shown
    assert output.width_of(shown) <= width


def test_what_would_move_the_cursor_is_written_out() -> None:
    assert output.printable("a\x1b[2Jb\u202e\n") == "a\\x1b[2Jb\\u202e\\n"
    assert output.printable("日本 é") == "日本 é"


def test_numbers_stand_at_the_right_of_their_column() -> None:
    columns = (output.Column("ID"), output.Column("COUNT", is_number=True))
    titles, *rows = output.table_lines(columns, [["a", "7"], ["bbbb", "1,000"]])
    assert click.unstyle(titles) == "ID    COUNT"
    assert rows == ["a         7", "bbbb  1,000"]


def status_of(job: Job, wait: Wait = NO_WAIT, under_way: int = 0) -> int:
    """With which status a command ends that shows this job."""
    told = shown(job, Standing("", "", Fate(under_way=under_way)))
    return waiting.status_of(told, wait)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 0),
        ({"counts": Counts(planned=5, done=4, gone=1)}, 5),
        ({"counts": Counts(planned=5, done=4, skipped=1)}, 5),
        ({"counts": Counts(planned=5, done=4)}, 5),
        ({"counts": Counts(planned=5, done=2), "stop_after": 2}, 0),
        ({"counts": Counts(planned=5, done=1), "stop_after": 2}, 5),
        ({"counts": Counts(planned=5, done=5, came_back=1)}, 5),
        ({"counts": Counts(planned=5, done=2, came_back=1), "stop_after": 2}, 5),
        ({"state": State.CANCELLED}, 5),
        ({"state": State.FAILED}, 1),
        ({"state": State.QUEUED}, 0),
        ({"state": State.RUNNING}, 0),
    ],
)
def test_the_status_says_whether_all_was_done_that_was_asked_for(
    changed: dict[str, Any], status: int
) -> None:
    assert status_of(replace(JOB, **changed)) == status


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_a_wait_that_ran_out_has_a_status_of_its_own(state: State) -> None:
    assert status_of(replace(JOB, state=state), Wait(1.0)) == 124
    assert status_of(replace(JOB, state=state), Wait(until_settled=True)) == 124


def test_who_waits_until_it_is_settled_waits_for_what_is_under_way() -> None:
    assert status_of(JOB, Wait(1.0), under_way=2) == 0
    assert status_of(JOB, Wait(1.0, until_settled=True), under_way=2) == 124
    assert status_of(JOB, Wait(1.0, until_settled=True)) == 0


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2026-11-27T03:00:12.345Z", "11-27 03:00:12"),
        ("2025-11-27T03:00:12.345Z", "2025-11-27 03:00"),
    ],
)
def test_a_moment_of_another_year_names_it(written: str, told: str) -> None:
    assert output.moment(written, "2026-11-28T00:00:00.000Z") == told
