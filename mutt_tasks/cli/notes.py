"""`note` and `ack`: what people write down about messages and groups."""

from typing import Any
from uuid import uuid4

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.actor import actor_option, known_by
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.output import Column
from mutt_tasks.core.filters import span_of
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import notes
from mutt_tasks.operations.notes import Wish

_NOTES = (Column("AT"), Column("ACTOR"), Column("NOTE", is_wide=True))
_ACKS = (Column("ID"), Column("UNTIL"), Column("ACTOR"), Column("REASON", is_wide=True))


@click.command("note")
@click.argument("subject", metavar="ID|GROUP")
@click.argument("text", required=False)
@actor_option
@output.form_option(output.TABLE, output.JSON)
def note_command(subject: str, text: str | None, actor: str, form: str) -> None:
    """Write a note about a message or a group; without TEXT show those that are there.

    `show`, `list` and `groups` show it. A group's note is there for all its messages, also for
    those to come; a message's is gone with its next try, for that changes its bytes and its id.

    \b
    mutt-dlq note s1-9f3a12cd4e5f "core router in Graz, ticket NET-812"
    mutt-dlq note m-3f2a9c01d4e7
    """
    looks = looker()
    if text is not None:
        _tell(form, notes.note(looks, subject, text, _wish(actor)), "noted")
        return
    found = notes.about(looks, subject)["notes"]
    if form == output.JSON:
        output.as_json(found)
    elif found:
        output.table(_NOTES, [[each["at"], each["actor"], each["text"]] for each in found])
    else:
        output.say("nothing here")


@click.command("ack")
@click.argument("subject", metavar="[GROUP|ID]", required=False)
@click.option("--for", "length", metavar="SPAN", help="As 90s, 30m, 4h or 2d; at most 90 days.")
@click.option("--until", metavar="WHEN", help="As 2026-11-27T03:00Z; UTC without a zone.")
@click.option("--end", is_flag=True, help="Take it back.")
@click.option("--reason", default="", help="Why; everybody is shown it.")
@actor_option
@output.form_option(output.TABLE, output.JSON)
def ack_command(
    subject: str | None,
    length: str | None,
    until: str | None,
    end: bool,
    reason: str,
    actor: str,
    form: str,
) -> None:
    """Acknowledge a group, or a message: somebody takes care of it until a moment.

    It ends by itself, and moves nothing. Without a GROUP it shows what is acknowledged now.

    \b
    mutt-dlq ack s1-9f3a12cd4e5f --for 4h --reason "ticket NET-812"
    mutt-dlq ack s1-9f3a12cd4e5f --end
    mutt-dlq ack
    """
    looks = looker()
    if subject is None:
        _show(form, notes.acknowledged(looks))
    elif end:
        found = notes.take_back(looks, subject, reason, _wish(actor))
        was_there = found["outcome"] == "ended"
        _tell(form, found, "it is over" if was_there else "it was not acknowledged")
    elif (length is None) == (until is None):
        raise InvalidArgument("accepts either --for or --until, or --end")
    elif not reason:
        raise InvalidArgument("--reason: accepts 1 to 200 characters on one line")
    else:
        when = until if until is not None else _seconds(length or "")
        found = notes.acknowledge(looks, subject, when, reason, _wish(actor))
        _tell(form, found, f"acknowledged by {found['actor']} until {found['until']}")


def _wish(actor: str) -> Wish:
    return Wish(uuid4().hex, actor, known_by())


def _seconds(length: str) -> float:
    try:
        return span_of(length)
    except ValueError as accepted:
        raise InvalidArgument(f"--for: got {length!r:.60}, {accepted}") from None


def _show(form: str, found: list[dict[str, Any]]) -> None:
    if form == output.JSON:
        output.as_json(found)
    elif found:
        names = ("id", "until", "actor", "reason")
        output.table(_ACKS, [[each[name] for name in names] for each in found])
    else:
        output.say("nothing is acknowledged")


def _tell(form: str, found: dict[str, Any], text: str) -> None:
    if form == output.JSON:
        output.as_json(found)
    else:
        output.show(f"{found['id']}: {text}")
