"""How pages write numbers, spans of time, moments and curves: the filters of the templates."""

import shlex
from collections.abc import Sequence

from mutt_tasks.operations.status import span

# A curve is drawn in a box of this size, in the units of the picture.
_WIDTH, _HEIGHT = 120.0, 32.0

Points = Sequence[tuple[float, float]]


def number(value: float) -> str:
    """A number with thousands set apart."""
    return f"{value:,.0f}"


def signed(value: int) -> str:
    """A change."""
    return f"{value:+,}"


def rate(value: float) -> str:
    """Messages a second; of few the first decimal counts."""
    return f"{value:.0f}/s" if value >= 10 or value == 0 else f"{value:.1f}/s"


def age(seconds: float | None) -> str:
    """A span of time as a person says it; a dash for one that is not known."""
    if seconds is None:
        return "–"
    return f"{seconds / 86_400:.1f} d" if seconds >= 2 * 86_400 else span(seconds)


def clock(moment: str) -> str:
    """A moment in ISO 8601 as a row of a table shows it, to the second and in UTC."""
    return moment.replace("T", " ")[:19]


def time_of_day(moment: str) -> str:
    """The same without its day."""
    return clock(moment)[11:]


def at_least(value: float, least: float) -> float:
    """The value, or the least that is shown."""
    return max(value, least)


def shell(text: str) -> str:
    """A text as it is typed in a shell."""
    return shlex.quote(text)


def share(value: float | None, most: float) -> float:
    """A part of a bar that is 100 wide; without a value it is full."""
    if value is None or most <= 0:
        return 100.0 if value is None else 0.0
    return round(100 * min(1.0, max(0.0, value / most)), 2)


def line(points: Points) -> str:
    """A curve as the path of a picture."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _placed(points))


def area(points: Points) -> str:
    """What lies below the curve."""
    placed = _placed(points)
    return f"{line(points)}L{placed[-1][0]:.1f} {_HEIGHT:.0f}L{placed[0][0]:.1f} {_HEIGHT:.0f}Z"


def _placed(points: Points) -> list[tuple[float, float]]:
    start, end = points[0][0], points[-1][0]
    most = max(1.0, max(value for _, value in points))
    wide, room = max(1e-9, end - start), _HEIGHT - 3
    return [
        ((at - start) / wide * _WIDTH, _HEIGHT - 1 - value / most * room) for at, value in points
    ]


FILTERS = {
    "number": number,
    "signed": signed,
    "rate": rate,
    "age": age,
    "clock": clock,
    "time_of_day": time_of_day,
    "atleast": at_least,
    "shell": shell,
    "line": line,
    "area": area,
}
