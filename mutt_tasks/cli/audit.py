"""`audit`: who changed what and why, and whether nothing in that record was changed."""

from typing import Any

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.output import Column
from mutt_tasks.core.moments import iso
from mutt_tasks.operations import auditing
from mutt_tasks.operations.auditing import Wanted
from mutt_tasks.operations.looking import Looker

_COLUMNS = (
    Column("AT (UTC)"),
    Column("ACTOR", most=12),
    Column("VERB"),
    Column("JOB"),
    Column("WHAT", is_wide=True),
)


@click.group("audit", invoke_without_command=True)
@click.option("--actor", default="", metavar="NAME", help="Only what this one did or tried.")
@click.option("--job", default="", metavar="ID", help="Only what belongs to this job.")
@click.option("--verb", default="", metavar="VERB", help="Only this, as `pause` or `discard`.")
@click.option("--since", default="", metavar="WHEN", help="As 2h, 7d or 2026-11-27T03:00Z.")
@click.option("--refused", is_flag=True, help="Only attempts that were refused.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--before", default="", metavar="ENTRY", help="Only entries older than this one.")
@click.option("--all", "is_all", is_flag=True, help="Each step of a job on a line of its own.")
@output.form_option(*output.FORMS)
@click.pass_context
def audit_command(
    context: click.Context,
    actor: str,
    job: str,
    verb: str,
    since: str,
    refused: bool,
    limit: int,
    before: str,
    is_all: bool,
    form: str,
) -> None:
    """Show who changed what and why, the newest first.

    Refused attempts are in it, looks at raw messages, and changes of runtime settings that the
    worker saw. Entries are kept for 400 days, each with the hash of the one before it. The table
    has one line for all steps of a job, unless --all; -o json always has every entry.

    \b
    mutt-dlq audit --since 12h
    mutt-dlq audit --actor ann --verb discard -o jsonl
    mutt-dlq audit verify
    """
    if context.invoked_subcommand:
        return
    looks = looker()
    wanted = Wanted(actor, job, verb, since, only_refused=refused, before=before, most=limit)
    found, more = _found(looks, wanted, is_folded=form == output.TABLE and not is_all)
    if form != output.TABLE:
        output.show_all(form, found)
    elif found:
        now = iso(looks.store.now())
        output.table(_COLUMNS, [_row(each, now) for each in found])
    else:
        output.say("nothing here")
    if more:
        output.say(f"more: the same with --before {more}")


def _found(looks: Looker, wanted: Wanted, *, is_folded: bool) -> tuple[list[dict[str, Any]], str]:
    """The lines of one page, and the cursor of the next; empty when there is none."""
    if is_folded:
        return auditing.folded(looks, wanted)
    page = auditing.page(looks, wanted)
    found = [auditing.shown(looks, entry_id, fields) for entry_id, fields in page.entries]
    return found, page.before


def _row(entry: dict[str, Any], now: str) -> list[str]:
    names = ("actor", "verb", "job", "sentence")
    return [output.moment(entry.get("at", ""), now), *(entry.get(name, "") for name in names)]


@audit_command.command("verify")
@click.option("--anchor", default="", metavar="HASH", help="A hash that the worker's log has.")
@output.form_option(output.TABLE, output.JSON)
@click.pass_context
def verify_command(context: click.Context, anchor: str, form: str) -> None:
    """Check that no entry was changed, removed or inserted; status 1 if one was.

    Whoever can write to Redis could write the whole chain anew. The worker logs its end each hour
    as `audit head`: give one of these hashes, and an entry must have it.

    \b
    mutt-dlq audit verify
    mutt-dlq audit verify --anchor 8d38fb70291be0d4af4124dfc45fc3e3a9cc96642a584ab783f82eeb5beb0d5d
    """
    found = auditing.verified(looker(output.progress()), anchor.strip().lower())
    entries = f"{found['entries']:,} {'entry' if found['entries'] == 1 else 'entries'}"
    if form == output.JSON:
        output.as_json(found)
    elif found["whole"]:
        start = "" if found["from_first"] else "; older ones were removed after 400 days"
        output.show(f"whole: {entries}{start}")
    else:
        output.show(f"broken from {found['from']} on, after {entries}")
        output.show(f"  {found['wrong']}")
    if form == output.TABLE:
        head = found["head"]
        output.show(f"head: {head['entries']:,} written in all, the last {head['id'] or 'none'}")
        output.show(f"  {head['hash'] or 'no hash'}")
    if not found["whole"]:
        context.exit(1)
