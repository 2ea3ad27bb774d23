"""`status`: what is going on, once or again and again."""

import sys
import time
from typing import Any

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.output import Column
from mutt_tasks.core import limits
from mutt_tasks.core.moments import iso
from mutt_tasks.errors import StoreUnavailable
from mutt_tasks.operations import status
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.reasons import in_words
from mutt_tasks.operations.status import Books, Status, span

LOOK_SECONDS = 1.0

_COLUMNS = (
    Column("ROUTE"),
    Column("WAITING", is_number=True),
    Column("OLDEST", is_number=True),
    Column("RATE", is_number=True),
    Column("EMPTY IN", is_number=True),
    Column("TARGET", is_number=True),
    Column("HELD BY", is_wide=True),
)
_JOBS = (
    Column("JOB"),
    Column("VERB"),
    Column("BY", most=12),
    Column("DONE", is_number=True),
    Column("BACK", is_number=True),
    Column("LEFT", is_number=True),
    Column("DONE IN", is_number=True, from_width=90),
    Column("WAITS", is_wide=True),
)
# Go to the top left; clear to the end of the line, and of the screen.
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


@click.command("status")
@click.option("--watch", is_flag=True, help="Again every second, until Ctrl-C.")
@output.form_option(output.TABLE, output.JSON, output.JSONL)
def status_command(watch: bool, form: str) -> None:
    """Say what is going on, and why not more.

    \b
    mutt-dlq status
    mutt-dlq status --watch
    mutt-dlq status -o json | jq .routes.alerter.depth
    """
    looks = looker()
    if not watch:
        _show(_read(looks), form)
        return
    is_screen = form == output.TABLE and sys.stdout.isatty()
    if is_screen:
        click.clear()
    trouble = ""
    while True:
        try:
            found = _read(looks)
        except StoreUnavailable as away:
            # It is told once, and waited for.
            if str(away) != trouble:
                trouble = str(away)
                output.say(trouble)
        else:
            trouble = ""
            if is_screen:
                _redraw(found)
            else:
                _show(found, output.JSONL if form == output.JSON else form)
        time.sleep(LOOK_SECONDS)


def _read(looks: Looker) -> Status:
    settings = looks.settings
    return status.read(looks.store, settings.routes, settings.lists.dead_letter_queue)


def _show(found: Status, form: str) -> None:
    if form == output.TABLE:
        for line in _lines(found):
            click.echo(line)
    else:
        output.as_json(found.as_json(), is_line=form == output.JSONL)


def _redraw(found: Status) -> None:
    """Draw over what is there, without a flicker."""
    lines = [*_lines(found), "", f"{iso(found.now)}   Ctrl-C ends the watch, and nothing else"]
    drawn = "".join(f"{line}{_CLEAR_LINE}\n" for line in lines)
    click.echo(f"{_HOME}{drawn}{_CLEAR_BELOW}", nl=False)


def _lines(found: Status) -> list[str]:
    """The status as a person reads it."""
    sentence = found.sentence[:1].upper() + found.sentence[1:]
    rows = [
        [
            name,
            f"{route.depth:,}",
            output.age(route.oldest_age_seconds),
            f"{route.rate:.0f}/s" if route.rate else "-",
            span(route.eta_seconds) if route.eta_seconds else "-",
            f"{route.target_depth:,}",
            in_words({route.held_by} - {"", limits.EMPTY}),
        ]
        for name, route in found.routes.items()
    ]
    oldest = output.age(found.dead_oldest_age_seconds)
    rows.append(["dead", f"{found.dead_depth:,}", oldest, "", "", "", ""])
    if found.trash_depth:
        rows.append(["trash", f"{found.trash_depth:,}", "", "", "", "", ""])
    return [
        *(click.style(line, bold=True) for line in output.wrapped("", sentence)),
        f"Moogsoft: {output.printable(_health(found))}",
        "",
        *output.table_lines(_COLUMNS, rows),
        "",
        *(output.table_lines(_JOBS, map(_job_row, found.jobs)) if found.jobs else ()),
        *([""] if found.jobs else ()),
        *_books(found.books),
    ]


def _job_row(job: dict[str, Any]) -> list[str]:
    """A job that has not ended."""
    eta = job["eta_seconds"]
    return [
        *(job["id"], job["verb"], job["actor"]),
        *(f"{job['counts'][name]:,}" for name in ("done", "came_back", "left")),
        *("-" if eta is None else span(eta), job["held_because"]),
    ]


def _health(found: Status) -> str:
    if found.moogsoft.healthy is None:
        return "not asked yet"
    state = "healthy" if found.moogsoft.healthy else "NOT healthy"
    return f"{state} ({found.moogsoft.reason})"


def _books(books: Books) -> list[str]:
    """What became of messages since counting began."""
    set_aside = {reason: amount for reason, amount in books.quarantined.items() if amount}
    reasons = ", ".join(f"{amount:,} {reason}" for reason, amount in set_aside.items())
    return [
        f"Since counting began: {books.replayed:,} replayed, {books.requeued:,} requeued"
        f" by operators ({books.came_back:,} came back),",
        f"{books.sheltered:,} sheltered,"
        f" {sum(set_aside.values()):,} set aside{f' ({reasons})' if reasons else ''}",
    ]
