"""`key`: who may use the console and its API."""

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.application import keys_file
from mutt_tasks.cli.output import Column
from mutt_tasks.core.access import PERMISSIONS, ROLES
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import access

_COLUMNS = (Column("NAME"), Column("ROLE"), Column("AND", is_wide=True))
_file = click.option(
    "--file", "path", default="", metavar="PATH", help="  [default: CONSOLE_KEYS_FILE]"
)


@click.group("key")
def key_command() -> None:
    """Make and remove keys for the console and its API; they need no Redis.

    A running console heeds the file within a second.
    """


@key_command.command("new")
@click.argument("name")
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="What it may do.")
@click.option(
    "--with",
    "more",
    multiple=True,
    type=click.Choice(sorted(PERMISSIONS)),
    help="One more thing that it may do, as `bodies` for a viewer; may be repeated.",
)
@_file
def new_command(name: str, role: str, more: tuple[str, ...], path: str) -> None:
    """Make a key, and show it this once: the file keeps a hash of it.

    \b
    mutt-dlq key new ann --role operator
    mutt-dlq key new wallboard --role viewer --file /etc/mutt/console.keys
    """
    where = _path(path)
    secret = access.new_key(where, name, role, more)
    output.show(secret)
    output.say(f"{name} is {role} in {where}; the key is not shown again")


@key_command.command("list")
@_file
@output.form_option(output.TABLE, output.JSON)
def list_command(path: str, form: str) -> None:
    """Show whose keys there are."""
    found = access.KeyFile(_path(path)).in_force()
    if form == output.JSON:
        output.as_json(
            [{"name": key.name, "role": key.role, "more": sorted(key.more)} for key in found]
        )
    elif found:
        output.table(_COLUMNS, [[key.name, key.role, ", ".join(sorted(key.more))] for key in found])
    else:
        output.say("nobody has a key")


@key_command.command("remove")
@click.argument("name")
@_file
def remove_command(name: str, path: str) -> None:
    """Remove a key: who comes with it is locked out, and logged out."""
    where = _path(path)
    access.remove_key(where, name)
    output.show(f"{name} has no key in {where} any more")


def _path(path: str) -> str:
    found = path or keys_file()
    if not found:
        raise InvalidArgument("--file: accepts the path of the file of keys (CONSOLE_KEYS_FILE)")
    return found
