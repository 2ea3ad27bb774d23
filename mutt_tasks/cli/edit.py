"""`edit`: one message in $EDITOR, its credentials kept out of sight and unharmed."""

import tempfile
from pathlib import Path

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.actions import order_of
from mutt_tasks.cli.actor import actor_option, reason_option
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.selection import ask
from mutt_tasks.cli.waiting import tell, wait_options
from mutt_tasks.errors import NotFound
from mutt_tasks.operations import editing, looking
from mutt_tasks.operations.attempts import attempted


@click.command("edit")
@click.argument("message_id", metavar="ID")
@click.option("--route", "routes", multiple=True, metavar="NAME", help="Only on this list.")
@reason_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_options
@actor_option
@output.form_option(output.TABLE, output.JSON, output.IDS)
def edit_command(
    message_id: str,
    routes: tuple[str, ...],
    reason: str,
    yes: bool,
    actor: str,
    form: str,
) -> None:
    """Change one message where it lies, in $VISUAL or $EDITOR.

    Credentials show as "***1***" and come back as they were. What the pipeline would destroy is
    refused. The message as it was goes to the trash; `undo` puts it back in its place.

    \b
    EDITOR=nano mutt-dlq edit m-3f2a9c01d4e7 --reason "hostname is missing"
    """
    order = order_of(actor, reason).checked()
    looks = looker(output.progress())
    with attempted(looks.store, order.to("submit edit", message_id)):
        entry = looking.find(looks, message_id, routes)
        if entry is None:
            raise NotFound(f"{message_id} is not on the lists (any more)")
        draft = editing.draft(looks, entry)
        payload = editing.finished(looks, entry, draft, _edited(draft.shown))
    if payload == entry.raw:
        output.say("nothing was changed")
        return
    for line in editing.differences(looks, entry.raw, payload):
        output.say(line)
    ask(f"edit {entry.id} in {entry.source.name}?", is_sure=yes)
    tell(looks, editing.submit(looks, entry, payload, order), form)


def _edited(shown: bytes) -> bytes:
    """What the editor leaves; only this user can read the file, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mutt-dlq-") as folder:
        path = Path(folder) / "message.json"
        path.write_bytes(shown)
        click.edit(filename=str(path))
        return path.read_bytes()
