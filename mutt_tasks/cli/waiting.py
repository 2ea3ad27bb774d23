"""Wait for a job's end and tell how it ended, in words and as an exit status."""

from collections.abc import Callable
from typing import Any

import click

from mutt_tasks.cli import output
from mutt_tasks.core.filters import span_of
from mutt_tasks.core.jobs import ACTIVE, Job, State
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import job_view, jobs
from mutt_tasks.operations.looking import Looker

FAILED, PARTLY, RAN_OUT, INTERRUPTED = 1, 5, 124, 130

_FOR_EVER = float("inf")
_LOOK_SECONDS = 0.25


def _seconds(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    if value is None or value == "":
        return None if value is None else _FOR_EVER
    try:
        return span_of(value)
    except ValueError as accepted:
        raise InvalidArgument(f"--wait: got {value!r:.60}, {accepted}") from None


def wait_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--wait`, with or without a span."""
    return click.option(
        "--wait",
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[SPAN]",
        callback=_seconds,
        help="Until the job has ended, or for so long (as 90s, 10m).",
    )(command)


def waited(looks: Looker, job: Job, seconds: float) -> Job:
    """The job when it has ended, or as it is after so many seconds.

    An interrupt ends the command and not the job.
    """
    clock, last = looks.time, ""
    late_at = clock.monotonic() + seconds
    try:
        while job.state in ACTIVE and clock.monotonic() < late_at:
            clock.wait(_LOOK_SECONDS)
            job = jobs.get(looks.store, job.id)
            shown = job_view.job(looks, job)
            told = f"{job.id}: {job_view.in_words(shown['counts'])}"
            told += f"; held: {shown['held_by']}" if shown["held_by"] else ""
            if told != last:
                output.say(told)
            last = told
    except KeyboardInterrupt:
        output.say(f"interrupted; {job.id} goes on: `mutt-dlq job {job.id}` shows it")
        raise click.exceptions.Exit(INTERRUPTED) from None
    return job


def tell(looks: Looker, job: Job, form: str) -> None:
    """Show a job, and end with the exit status that it gives."""
    if form == output.JSON:
        output.as_json(job_view.job(looks, job))
    elif form == output.IDS:
        output.show(job.id)
    else:
        show_job(job_view.job(looks, job))
    status = _status_of(job)
    if status:
        raise click.exceptions.Exit(status)


def show_job(shown: dict[str, Any]) -> None:
    """A job for people."""
    lists = ", ".join(f"{name} {count:,}" for name, count in shown["routes"].items())
    output.show(f"{shown['id']}  {shown['verb']} {lists}: {shown['state']}", is_bold=True)
    output.show(f"  {job_view.in_words(shown['counts'])}")
    if shown["stop_after"] is not None and shown["counts"]["left"]:
        output.show(f"  to stop after {shown['stop_after']:,}")
    if shown["held_by"]:
        output.show(f"  held by {shown['held_by']}")
    if shown["why"]:
        output.show(f"  {shown['why']}")
    output.show(f"  by {shown['actor']}, {shown['created_at']}: {shown['reason']}")


def _status_of(job: Job) -> int:
    context = click.get_current_context()
    if job.state in ACTIVE:
        return RAN_OUT if context.params.get("wait") is not None else 0
    if job.state is State.FAILED:
        return FAILED
    is_whole = job.counts.done + job.counts.left == job.counts.planned
    is_stopped = job.stop_after is not None and job.counts.done >= job.stop_after
    is_as_asked = job.state is State.DONE and (is_stopped or (is_whole and not job.counts.left))
    return 0 if is_as_asked else PARTLY
