"""Numbers as a reader wants them."""

from collections.abc import Iterable
from math import isnan

from benchmarks.recovery_model.measures import Measures
from benchmarks.recovery_model.run import NONE, OURS

COLUMNS = (
    "policy",
    "time to recover",
    "× least",
    "possible",
    "alerts dropped because of it",
    "lost by the pipeline itself",
    "good quarantined",
    "odd ones left",
    "replays of each poison",
    "p99 live delay added",
    "replays dropped",
    "live alerts dropped",
    "destroyed",
    "lost",
    "doubled",
    "targets",
)


def duration(seconds: float) -> str:
    """A time as 45 s, 12.5 min or 3.2 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def row(found: Measures) -> list[str]:
    """A row of a table, in the order of COLUMNS."""
    replays = found.poison_replays
    return [
        f"**{found.policy}**" if found.policy == OURS else found.policy,
        _time(found),
        _times(found.ratio),
        _times(found.possible),
        f"{found.dropped:,}",
        f"{found.live_lost:,}",
        f"{found.good_dead:,}",
        f"{found.odd_left:,}",
        "–" if replays is None else "–".join(str(n) for n in dict.fromkeys(replays)),
        "–" if isnan(found.delay) else f"{found.delay:.2f} s",
        f"{found.replays_dropped:,}",
        f"{found.live_dropped:,}",
        f"{found.destroyed:,}",
        str(found.lost),
        str(found.doubled),
        verdict(found),
    ]


def _times(ratio: float) -> str:
    return "–" if isnan(ratio) else f"{ratio:.2f}"


def verdict(found: Measures) -> str:
    """Met, or which targets are not; nothing for the run in which nobody replays."""
    if found.policy == NONE:
        return "–"
    missed = found.missed()
    return f"not met: {', '.join(missed)}" if missed else "met"


def table(columns: Iterable[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table, its columns as wide as they need to be."""
    cells = [list(columns), *rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _time(found: Measures) -> str:
    if found.seconds is not None:
        return duration(found.seconds)
    left = f"{found.good_left + found.odd_left:,} left"
    if found.policy == NONE or found.gave_up:
        return f"never ({left})"
    return f"> {duration(found.watched)} ({left})"
