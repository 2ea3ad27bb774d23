"""`export` and `import`: messages as lines, and back."""

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.actions import order_of
from mutt_tasks.cli.actor import actor_option, reason_option
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.selection import ask, selection_options
from mutt_tasks.errors import MuttTasksError, Refused
from mutt_tasks.operations import exporting
from mutt_tasks.operations.attempts import attempted
from mutt_tasks.operations.exporting import Exported
from mutt_tasks.operations.jobs import Order
from mutt_tasks.operations.looking import Looker

_ZIPPED = b"\x1f\x8b"


@click.command("export")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@selection_options
@click.option("--raw", is_flag=True, help="Exact bytes, credentials and all; the audit has it.")
@reason_option
@actor_option
def export_command(
    ids: tuple[str, ...],
    where: str,
    is_all: bool,
    routes: tuple[str, ...],
    raw: bool,
    reason: str,
    actor: str,
) -> None:
    """Write messages as JSON lines, oldest first, and a last line with their checksum.

    Credentials are hidden. With --raw they are not, and `import` takes the file: keep it as safe
    as the lists themselves.

    \b
    mutt-dlq export --route dead --all > dead.jsonl
    mutt-dlq export --where group:s1-9f3a* --raw --reason "ticket 812" | gzip > kept.jsonl.gz
    """
    order = order_of(actor, reason) if raw else None
    looks = looker(output.progress())
    lines = exporting.exported(looks, Exported(ids, where, is_all, routes), order)
    written = -1  # the last line is no message
    for line in lines:
        sys.stdout.buffer.write(line)
        written += 1
    sys.stdout.buffer.flush()
    output.say(f"{written:,} exported")


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--route", required=True, metavar="NAME", help="`alerter`, `moog` or `dead`.")
@click.option("--skip", type=click.IntRange(0), default=0, help="Leave out the first messages.")
@reason_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@actor_option
@output.form_option(output.TABLE, output.JSON)
def import_command(
    file: str, route: str, skip: int, reason: str, yes: bool, actor: str, form: str
) -> None:
    """Push the messages of an `export --raw` to the new end of a list, byte for byte.

    FILE may be gzipped, or `-` for standard input. One that was cut or changed is refused. An
    import that was interrupted says how many have gone: --skip goes on behind them.

    \b
    mutt-dlq import kept.jsonl.gz --route alerter --reason "ticket 812"
    """
    order = order_of(actor, reason).checked()
    looks = looker()
    with _opened(file) as found:
        with attempted(looks.store, order.to("import", route)):
            count = max(0, exporting.checked(found) - skip)
            exporting.target(looks, route)
            ask(f"import {count:,} messages into {route}?", is_sure=yes)
        found.seek(0)
        _import(looks, route, found, order, skip)
    if form == output.JSON:
        output.as_json({"route": route, "imported": count})
    else:
        output.show(f"{count:,} imported into {route}")


def _import(looks: Looker, route: str, lines: IO[bytes], order: Order, skip: int) -> None:
    """Push all; who is interrupted is told where to go on."""
    done = skip
    try:
        for done in exporting.imported(looks, route, lines, order, skip):  # noqa: B007
            pass
    except (KeyboardInterrupt, MuttTasksError):
        output.say(f"{done - skip:,} were imported; --skip {done} goes on behind them")
        raise


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """A file that can be read twice, and is not zipped any more; raises Refused."""
    with tempfile.TemporaryFile() as kept, tempfile.TemporaryFile() as unzipped:
        if name == "-":
            shutil.copyfileobj(sys.stdin.buffer, kept)
        with kept if name == "-" else Path(name).open("rb") as file:
            file.seek(0)
            is_zipped = file.read(len(_ZIPPED)) == _ZIPPED
            file.seek(0)
            if not is_zipped:
                yield file
                return
            try:
                with gzip.open(file) as zipped:
                    shutil.copyfileobj(zipped, unzipped)
            except (OSError, EOFError, zlib.error) as why:
                raise Refused(
                    f"nothing was imported: the file cannot be unzipped ({why})"
                ) from None
            unzipped.seek(0)
            yield unzipped
