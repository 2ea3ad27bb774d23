"""Data on standard output as a table, JSON or ids; everything else on standard error."""

import json
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import Any

import click

from mutt_tasks.operations.status import span

TABLE, JSON, JSONL, IDS = "table", "json", "jsonl", "ids"
FORMS = (TABLE, JSON, JSONL, IDS)

_GAP = 2
# A look at fewer messages than this is over before anybody wonders.
_LONG = 50_000


def form_option(*forms: str) -> Callable[[Any], Any]:
    """The option `-o`, for a command that knows these forms."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(forms),
        default=TABLE,
        show_default=True,
        help="Form of what goes to standard output.",
    )


@dataclass(frozen=True)
class Column:
    """A column of a table; `is_wide` takes what room is left, and is cut where there is too little.

    A column with `from_width` is left out where the terminal has fewer columns than that, and one
    with `most` is cut there when a cell takes more than that.
    """

    title: str
    is_number: bool = False
    is_wide: bool = False
    from_width: int = 0
    most: int = 0


def printable(text: str) -> str:
    """Text in which nothing moves the cursor, rings, colours, or turns the direction of writing."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def say(text: str) -> None:
    """Tell something that is no data."""
    click.echo(printable(text), err=True)


def show(text: str = "", *, is_bold: bool = False) -> None:
    """A line of data."""
    safe = printable(text)
    click.echo(click.style(safe, bold=True) if is_bold else safe)


def as_json(value: Any, *, is_line: bool = False) -> None:
    """A value in JSON: ASCII, so that nothing in it can do anything to a terminal."""
    click.echo(json.dumps(value, indent=None if is_line else 2))


def show_all(form: str, values: Sequence[dict[str, Any]]) -> None:
    """Values as JSON, JSON lines or ids."""
    if form == JSON:
        as_json(values)
        return
    for value in values:
        if form == JSONL:
            as_json(value, is_line=True)
        else:
            show(str(value["id"]))


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Show rows below their titles, cut to the terminal's width; not cut where there is none."""
    for line in table_lines(columns, rows):
        click.echo(line)


def table_lines(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    room = _room()
    kept = [at for at, column in enumerate(columns) if not room or room >= column.from_width]
    cells = [[_cell(row[at], columns[at].most if room else 0) for at in kept] for row in rows]
    columns = [columns[at] for at in kept]
    widths = [
        max([width_of(column.title), *(width_of(row[at]) for row in cells)])
        for at, column in enumerate(columns)
    ]
    wide = next((at for at, column in enumerate(columns) if column.is_wide), None)
    if room and wide is not None:
        rest = room - sum(widths) - _GAP * (len(widths) - 1) + widths[wide]
        widths[wide] = max(8, min(widths[wide], rest))
    titles = [column.title for column in columns]
    lines = [_row(columns, row, widths) for row in [titles, *cells]]
    if room:  # numbers alone may take more
        lines = [cut(line, room) for line in lines]
    return [click.style(lines[0], bold=True), *lines[1:]]


def _cell(text: str, most: int) -> str:
    return cut(printable(text), most) if most else printable(text)


def _row(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for column, cell, width in zip(columns, cells, widths, strict=True):
        text = cut(cell, width)
        space = " " * (width - width_of(text))
        parts.append(space + text if column.is_number else text + space)
    return (" " * _GAP).join(parts).rstrip()


def wrapped(start: str, text: str) -> list[str]:
    """Text behind a label, on as many lines as the terminal's width asks for."""
    safe = printable(text)
    room = _room()
    if not room or width_of(start + safe) <= room:
        return [start + safe]
    indent = " " * len(start)
    return textwrap.wrap(safe, room, initial_indent=start, subsequent_indent=indent)


def _room() -> int:
    """How many columns the terminal has; 0 where there is none."""
    return get_terminal_size().columns if sys.stdout.isatty() else 0


def cut(text: str, width: int) -> str:
    """Text that takes at most `width` columns; `…` says that more follows."""
    if width_of(text) <= width:
        return text
    taken = 0
    for at, char in enumerate(text):
        taken += width_of(char)
        if taken > width - 1:
            return text[:at] + "…"
    return text


def width_of(text: str) -> int:
    """How many columns of a terminal text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def age(seconds: float | None) -> str:
    """An age in a few characters; `-` where it is not known."""
    if seconds is None:
        return "-"
    return f"{seconds / 86_400:.1f} d" if seconds >= 48 * 3600 else span(seconds)


def moment(written: str, now: str) -> str:
    """A moment in ISO 8601 as a table shows it: without the year if that is the one of `now`."""
    day, clock = written[:10], written[11:]
    return f"{day[5:]} {clock[:8]}" if day[:4] == now[:4] else f"{day} {clock[:5]}"


def progress() -> Callable[[int, int], None]:
    """Tells on standard error, if that is a terminal, at each tenth of a long look."""
    told = (0, 0)

    def tell(seen: int, length: int) -> None:
        nonlocal told
        now = (length, 10 * seen // max(1, length))
        if length >= _LONG and now > told and sys.stderr.isatty():
            told = now
            say(f"{seen:,} of {length:,} looked at")

    return tell
