"""`pause`, `resume` and `run`: hold replays, let them go, start a cycle."""

from typing import Any
from uuid import uuid4

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.actor import actor_option, known_by, reason_option
from mutt_tasks.cli.application import looker, start_cycle
from mutt_tasks.core.filters import span_of
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import switches
from mutt_tasks.operations.status import span

_form = output.form_option(output.TABLE, output.JSON)


@click.command("pause")
@click.option("--for", "length", required=True, metavar="SPAN", help="As 90s, 30m, 1h or 2d.")
@click.option("--reason", required=True, help="Why; everybody is shown it.")
@actor_option
@_form
def pause_command(length: str, reason: str, actor: str, form: str) -> None:
    """Hold every replay for a while; it ends by itself.

    Nothing is lost meanwhile, but what stands before the forwarder is not sheltered either. A
    pause takes the place of the one before it.

    \b
    mutt-dlq pause --for 1h --reason "change 4711"
    """
    try:
        seconds = span_of(length)
    except ValueError as accepted:
        raise InvalidArgument(f"--for: got {length!r:.60}, {accepted}") from None
    store = looker().store
    found = switches.pause(store, uuid4().hex, actor, reason, seconds, known_by=known_by())
    _tell(form, found, f"paused by {found['actor']} for {span(seconds)}: {found['reason']}")


@click.command("resume")
@reason_option
@actor_option
@_form
def resume_command(reason: str, actor: str, form: str) -> None:
    """End a pause, and start a cycle.

    \b
    mutt-dlq resume
    mutt-dlq resume --reason "change 4711 is done early"
    """
    found = switches.resume(looker().store, uuid4().hex, actor, reason, known_by=known_by())
    was_paused = found["outcome"] == "resumed"
    task = start_cycle()
    text = f"resumed by {found['actor']}" if was_paused else "there was no pause"
    _tell(form, {**found, "task": task}, f"{text}; a cycle is asked for")


@click.command("run")
@_form
def run_command(form: str) -> None:
    """Start a cycle now, whatever the interval.

    Moogsoft is asked even if it was asked a moment ago. The worker takes it at once, if it is
    there and no drain is under way: `status` says.

    \b
    mutt-dlq run && mutt-dlq status --watch
    """
    paused = looker().store.pauses.current()
    task = start_cycle()
    _tell(form, {"outcome": "asked", "task": task}, "a cycle is asked for")
    if paused is not None:
        left = span(paused.seconds_left)
        output.say(f"it will replay nothing: paused by {paused.actor} for another {left}")


def _tell(form: str, found: dict[str, Any], text: str) -> None:
    if form == output.JSON:
        output.as_json(found)
    else:
        output.show(text)
