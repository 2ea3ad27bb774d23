"""The times that the pages promise are those of the code, and none cuts another one short."""

import re
from pathlib import Path
from typing import Any

import pytest

import celeryconfig
from mutt_tasks.celery import app
from mutt_tasks.cycle import LONGEST_SPREAD
from mutt_tasks.operations.requeue import BOUNDS
from mutt_tasks.replay.guard import LONGEST_WATCH
from mutt_tasks.settings import VARIABLES, load
from mutt_tasks.store.lease import RENEW_SECONDS, TTL_MS
from mutt_tasks.surroundings import ScanBounds

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "words", "seconds"),
    [
        ("design.md", r"the hard time limit of (\d+) s", celeryconfig.task_time_limit),
        (
            "design.md",
            r"the step that is under way \(at most (\d+) s\)",
            celeryconfig.task_time_limit,
        ),
        ("operations.md", r"ends first \(at most (\d+) s", celeryconfig.task_time_limit),
        ("design.md", r"how long the lease lives. That is (\d+) s", TTL_MS / 1000),
        ("design.md", r"slices that may send nothing do so every (\d+) s", RENEW_SECONDS),
        ("design.md", r"reading a batch \((\d+) s\)", ScanBounds().seconds),
        ("design.md", r"a batch that takes more than (\d+) s to read", ScanBounds().seconds),
    ],
)
def test_a_time_on_a_page_is_that_of_the_code(page: str, words: str, seconds: float) -> None:
    text = " ".join((DOCS / page).read_text(encoding="utf-8").split())
    assert [float(found) for found in re.findall(words, text)] == [seconds]


def test_no_limit_cuts_a_step_short_that_does_what_it_may() -> None:
    limit = celeryconfig.task_soft_time_limit
    longest_probe = load({"MOOG_HEALTH_TIMEOUT": "20"}).moogsoft.health_timeout
    with pytest.raises(ValueError, match="a number from"):
        VARIABLES["moogsoft.health_timeout"].parse("20.1")
    assert limit > longest_probe
    assert limit > LONGEST_SPREAD + ScanBounds().seconds + LONGEST_WATCH
    assert limit > BOUNDS.seconds
    assert limit < celeryconfig.task_time_limit
    # A broker that takes a task for lost while it runs delivers it twice.
    visible_after = celeryconfig.broker_transport_options["visibility_timeout"]
    assert visible_after > 10 * celeryconfig.task_time_limit


def test_a_lease_is_renewed_well_before_it_ends() -> None:
    assert ScanBounds().seconds + 2 * RENEW_SECONDS <= TTL_MS / 1000


def test_a_tick_that_nobody_took_is_gone_before_the_next_one() -> None:
    entry: Any = celeryconfig.beat_schedule["remediate"]
    assert 0 < entry["options"]["expires"] < app.settings.pace.interval
    assert entry["options"]["queue"] == celeryconfig.QUEUE == celeryconfig.task_default_queue
