"""`jobs`, `job`, `cancel` and `undo`: what operators asked for, and how it went."""

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.actions import order_of, reason_option
from mutt_tasks.cli.actor import actor_option
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.output import Column
from mutt_tasks.cli.waiting import show_job, tell, wait_option, waited
from mutt_tasks.operations import job_view, jobs

_JOBS = (
    Column("ID"),
    Column("VERB"),
    Column("STATE"),
    Column("DONE", is_number=True),
    Column("GONE", is_number=True, from_width=90),
    Column("SKIPPED", is_number=True, from_width=100),
    Column("CAME BACK", is_number=True, from_width=90),
    Column("LEFT", is_number=True),
    Column("BY"),
    Column("REASON", is_wide=True),
)
_form = output.form_option(output.TABLE, output.JSON, output.IDS)


@click.command("jobs")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@output.form_option(*output.FORMS)
def jobs_command(limit: int, form: str) -> None:
    """List the jobs of the last 30 days, the newest first.

    \b
    mutt-dlq jobs --limit 5
    """
    looks = looker()
    found = [job_view.job(looks, job) for job in jobs.listed(looks.store, limit)]
    if form != output.TABLE:
        output.show_all(form, found)
    elif not found:
        output.say("nothing here")
    else:
        names = ("done", "gone", "skipped", "came_back", "left")
        rows = [
            [
                *(each["id"], each["verb"], each["state"]),
                *(f"{each['counts'][name]:,}" for name in names),
                *(each["actor"], each["reason"]),
            ]
            for each in found
        ]
        output.table(_JOBS, rows)


@click.command("job")
@click.argument("job_id", metavar="ID")
@wait_option
@_form
def job_command(job_id: str, wait: float | None, form: str) -> None:
    """Show one job, or wait for its end.

    With --wait the exit status is 5 when only a part was done, and 124 when time ran out.

    \b
    mutt-dlq job j-3f2a9c01d4e7
    mutt-dlq job j-3f2a9c01d4e7 --wait 10m
    """
    looks = looker()
    found = jobs.get(looks.store, job_id)
    if wait is not None:
        tell(looks, waited(looks, found, wait), form)
    elif form == output.JSON:
        output.as_json(job_view.job(looks, found))
    else:
        show_job(job_view.job(looks, found))


@click.command("cancel")
@click.argument("job_id", metavar="ID")
@reason_option
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
@wait_option
@actor_option
@_form
def undo_command(job_id: str, reason: str, wait: float | None, actor: str, form: str) -> None:
    """Take a discard or an edit back: what is in its trash returns to the old end of its list.

    \b
    mutt-dlq undo j-3f2a9c01d4e7 --reason "it was the wrong group" --wait
    """
    looks = looker()
    found = jobs.undo(looks.store, job_id, order_of(actor, reason))
    tell(looks, found if wait is None else waited(looks, found, wait), form)
