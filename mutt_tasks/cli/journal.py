"""`journal`: what cycles and operators did, and why."""

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.output import Column
from mutt_tasks.operations import history, shown

_COLUMNS = (
    Column("AT"),
    Column("EVENT"),
    Column("ROUTE"),
    Column("WHAT", is_wide=True),
)


@click.command("journal")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--before", default="", metavar="ENTRY", help="Only entries older than this one.")
@click.option("--event", "events", multiple=True, metavar="NAME", help="Only this kind of entry.")
@output.form_option(*output.FORMS)
def journal_command(limit: int, before: str, events: tuple[str, ...], form: str) -> None:
    """Show what cycles and operators did, the newest first.

    About 10,000 entries are kept. NAME is one of moved, sheltered, cycle, paused, resumed,
    requeued and viewed.

    \b
    mutt-dlq journal --limit 5
    mutt-dlq journal --event paused --event requeued -o jsonl
    """
    looks = looker()
    page = history.page(looks.store, before, limit, events)
    found = [shown.journal_entry(looks, entry_id, each) for entry_id, each in page.entries]
    if form != output.TABLE:
        output.show_all(form, found)
    elif found:
        rows = [[e["at"], e["event"], e.get("route", ""), e["sentence"]] for e in found]
        output.table(_COLUMNS, rows)
    else:
        output.say("nothing here")
    if page.before:
        output.say(f"more: the same with --before {page.before}")
