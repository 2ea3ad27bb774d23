"""`jobs`, `job`, `cancel` and `undo`: what operators asked for, and how it went."""

from typing import Any

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.actions import order_of
from mutt_tasks.cli.actor import actor_option, reason_option, yes_option
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.output import Column
from mutt_tasks.cli.waiting import asked, show_job, tell, wait_options
from mutt_tasks.core.moments import moment_of
from mutt_tasks.operations import job_view, jobs

_JOBS = (
    Column("ID"),
    Column("VERB"),
    Column("STATE"),
    Column("AGO", is_number=True),
    Column("TOOK", is_number=True, from_width=100),
    Column("DONE", is_number=True),
    Column("GONE", is_number=True, from_width=110),
    Column("SKIPPED", is_number=True, from_width=120),
    Column("BACK", is_number=True, from_width=90),
    Column("LEFT", is_number=True),
    Column("BY", most=10),
    Column("REASON", is_wide=True),
)
_form = output.form_option(output.TABLE, output.JSON, output.IDS)


@click.command("jobs")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--before", default="", metavar="ID", help="Only jobs older than this one.")
@output.form_option(*output.FORMS)
def jobs_command(limit: int, before: str, form: str) -> None:
    """List the jobs of the last 30 days, the newest first.

    \b
    mutt-dlq jobs --limit 5
    mutt-dlq jobs --before j-3f2a9c01d4e7
    """
    looks = looker()
    listed = jobs.listed(looks.store, limit + 1, before)  # one more shows whether any follow
    found = job_view.each(looks, listed[:limit])
    if form != output.TABLE:
        output.show_all(form, found)
    elif not found:
        output.say("nothing here")
    else:
        now = looks.store.now()
        output.table(_JOBS, [_row(each, now) for each in found])
    if len(listed) > limit:
        output.say(f"more: the same with --before {found[-1]['id']}")


def _row(job: dict[str, Any], now: float) -> list[str]:
    names = ("done", "gone", "skipped", "came_back", "left")
    return [
        *(job["id"], job["verb"], job["state"]),
        *(output.age(now - (moment_of(job["created_at"]) or now)), output.age(job["took_seconds"])),
        *(f"{job['counts'][name]:,}" for name in names),
        *(job["actor"], job["reason"]),
    ]


@click.command("job")
@click.argument("job_id", metavar="ID")
@wait_options
@_form
def job_command(job_id: str, form: str) -> None:
    """Show one job, or wait for its end.

    What it sent has stuck when it has not come back after two minutes; --settled waits for that.
    When somebody waits the exit status is 5 when only a part was done or some came back, and 124
    when time ran out.

    \b
    mutt-dlq job j-3f2a9c01d4e7
    mutt-dlq job j-3f2a9c01d4e7 --wait 10m
    mutt-dlq job j-3f2a9c01d4e7 --settled && echo all stuck
    mutt-dlq list --where job:j-3f2a9c01d4e7
    """
    looks = looker()
    found = jobs.get(looks.store, job_id)
    if asked().is_asked_for:
        tell(looks, found, form)
    elif form == output.JSON:
        output.as_json(job_view.job(looks, found))
    elif form == output.IDS:
        output.show(found.id)
    else:
        show_job(job_view.job(looks, found))


@click.command("cancel")
@click.argument("job_id", metavar="ID")
@reason_option
@yes_option
@actor_option
@_form
def cancel_command(job_id: str, reason: str, actor: str, form: str) -> None:
    """End a job where it is: what it has done stays done.

    \b
    mutt-dlq cancel j-3f2a9c01d4e7 --reason "the wrong group"
    """
    looks = looker()
    found = jobs.cancel(looks.store, job_id, order_of(actor, reason))
    if form == output.JSON:
        output.as_json(job_view.job(looks, found))
    else:
        output.show(f"{found.id} is to end where it is")


@click.command("undo")
@click.argument("job_id", metavar="JOB")
@reason_option
@yes_option
@wait_options
@actor_option
@_form
def undo_command(job_id: str, reason: str, actor: str, form: str) -> None:
    """Take a discard or an edit back: what is in its trash returns to the old end of its list.

    \b
    mutt-dlq undo j-3f2a9c01d4e7 --reason "it was the wrong group" --wait
    """
    looks = looker()
    tell(looks, jobs.undo(looks.store, job_id, order_of(actor, reason)), form)
