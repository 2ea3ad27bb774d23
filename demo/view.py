"""What a person sees: a live table at a terminal, plain lines everywhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from demo.status import REPLAYING, Status

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

LINE_SECONDS = 2.0


class View(Protocol):
    """Somewhere to show the course of a run."""

    def show(self, status: Status) -> None:
        """Show how things stand."""

    def note(self, elapsed: float, text: str) -> None:
        """Tell something that happened, `elapsed` seconds after the start."""


def is_live() -> bool:
    """Whether a person can watch a live table: standard output is a terminal and rich is there."""
    if not sys.stdout.isatty():
        return False
    try:
        import rich  # noqa: F401 — only the demo extra brings it
    except ImportError:
        return False
    return True


@contextmanager
def view(live: bool, hints: str) -> Iterator[View]:
    """The view that fits; `hints` is a line that stays below the live table."""
    if not live:
        yield PlainView()
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False) as screen:
        yield LiveView(console, screen, hints)


class PlainView:
    """A line every two seconds while something changes, and one for each event."""

    def __init__(self) -> None:
        self._line = ""
        self._doing = ""
        self._at = float("-inf")

    def show(self, status: Status) -> None:
        """Print a line if there is news in it, and it is time or what is done has changed."""
        line = _line(status)
        is_due = status.elapsed - self._at >= LINE_SECONDS or status.doing != self._doing
        if line != self._line and is_due:
            self._line, self._doing, self._at = line, status.doing, status.elapsed
            print(f"{clock(status.elapsed)}  {line}", flush=True)

    def note(self, elapsed: float, text: str) -> None:
        """Print it."""
        print(f"{clock(elapsed)}  * {text}", flush=True)


class LiveView:
    """A table that is drawn over itself; events scroll past above it."""

    def __init__(self, console: "Console", screen: "Live", hints: str) -> None:
        self._console = console
        self._screen = screen
        self._hints = hints
        self._most = 1
        self._doing = ""

    def show(self, status: Status) -> None:
        """Draw the table anew."""
        if status.doing != self._doing:
            self._doing = status.doing
            self.note(status.elapsed, status.doing)
        self._most = max(self._most, status.waiting)
        self._screen.update(self._table(status), refresh=True)

    def note(self, elapsed: float, text: str) -> None:
        """Put it above the table."""
        self._console.print(f"[dim]{clock(elapsed)}[/]  {text}")

    def _table(self, status: Status) -> "RenderableType":
        from rich import box
        from rich.console import Group
        from rich.panel import Panel
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        colour = {True: "green", False: "bold red", None: "dim"}[status.is_healthy]
        bar = ProgressBar(
            total=self._most,
            completed=self._most - status.waiting,
            width=40,
            complete_style="green",
        )
        in_hand = {"in hand": status.in_hand} if status.accepted is not None else {}
        rows: list[tuple[str, RenderableType]] = [
            ("Drained", bar),
            ("To replay", _lists(status.dlqs)),
            ("On the way", _lists(status.targets | in_hand)),
            ("Dead letters", _lists(status.dead)),
            ("This run", f"replayed {status.replayed:,}, {_rest(status)}"),
            ("Moogsoft", Text(status.health + _accepted(status), colour)),
            ("Pace", pace(status)),
            ("Now", f"[bold]{status.doing}[/]"),
        ]
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        for name, content in rows:
            table.add_row(name, content)
        title = f"mutt_tasks, running for {clock(status.elapsed)}"
        body = Group(table, Text(self._hints, "dim"))
        return Panel(body, title=title, title_align="left", box=box.ROUNDED, expand=False)


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def pace(status: Status) -> str:
    """The rate, and how long the rest takes at it."""
    text = f"{status.rate:.0f}/s"
    if status.doing == REPLAYING and status.waiting and status.to_empty is not None:
        text += f", empty in about {clock(status.to_empty)}"
    return text


def _line(status: Status) -> str:
    return " | ".join(
        (
            _lists(status.dlqs),
            f"on the way {status.on_the_way:,}",
            f"replayed {status.replayed:,}",
            _rest(status),
            f"Moogsoft {status.health}{_accepted(status)}",
            pace(status),
            status.doing,
        )
    )


def _lists(depths: dict[str, int]) -> str:
    return ", ".join(f"{name} {depth:,}" for name, depth in depths.items())


def _rest(status: Status) -> str:
    """What else became of messages in this run."""
    came_back = "" if status.came_back is None else f"came back {status.came_back:,}, "
    destroyed = f"destroyed by the pipeline {status.destroyed:,}, " if status.destroyed else ""
    sheltered = f"sheltered {status.sheltered:,}{_saved(status)}, " if status.sheltered else ""
    return came_back + sheltered + destroyed + _lists(status.quarantined)


def _saved(status: Status) -> str:
    saved = status.would_be_destroyed
    return "" if saved is None else f" (else about {saved:,} live alerts destroyed)"


def _accepted(status: Status) -> str:
    return "" if status.accepted is None else f", accepted {status.accepted:,}"
