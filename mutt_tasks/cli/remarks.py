"""Notes and acknowledgements beside the messages and groups that they are about."""

from collections.abc import Sequence
from typing import Any

from mutt_tasks.cli import output
from mutt_tasks.cli.output import Column

_NOTED = Column("NOTED")


def table(
    columns: Sequence[Column], rows: Sequence[list[str]], found: Sequence[dict[str, Any]]
) -> None:
    """Show rows as a table, where something was noted with a column for it before the last one."""
    marks = [_mark(each) for each in found]
    if any(marks):
        columns = [*columns[:-1], _NOTED, columns[-1]]
        rows = [[*row[:-1], mark, row[-1]] for row, mark in zip(rows, marks, strict=True)]
    output.table(columns, rows)


def show(found: dict[str, Any]) -> None:
    """Show what is noted about one message or its group."""
    ack = found["acknowledged"]
    told = [] if ack is None else [("ack", f"until {ack['until']}, {_by(ack, ack['reason'])}")]
    told += [("note", f"{each['at']}, {_by(each, each['text'])}") for each in found["notes"]]
    for label, text in told:
        for line in output.wrapped(f"  {label:5}  ", text):
            output.show(line)


def _by(each: dict[str, Any], text: str) -> str:
    return f"{each['actor']} on {each['on']}: {text}"


def _mark(found: dict[str, Any]) -> str:
    count = len(found["notes"])
    notes = f"{count} note{'' if count == 1 else 's'}" if count else ""
    return ", ".join(part for part in ("ack" if found["acknowledged"] else "", notes) if part)
