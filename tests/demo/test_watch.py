"""When a run ends, and whether that is well."""

from dataclasses import replace
from threading import Event
from typing import Any

from demo.outage import Outage
from demo.status import Status
from demo.strain import Strain
from demo.watch import Ends, Watch
from mutt_tasks.errors import StoreUnavailable
from mutt_tasks.settings import load
from stand_ins.moogsoft import Moogsoft

DLQ = "mutt:dlq:alerter"


class Notes:
    """A view that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.shown: list[Status] = []

    def show(self, status: Status) -> None:
        self.shown.append(status)

    def note(self, elapsed: float, text: str) -> None:
        self.notes.append(text)


class Readings:
    """A reader that finds these depths, one after the other; None stands for no answer."""

    def __init__(self, *depths: int | None) -> None:
        self._depths = list(depths)

    def read(self, elapsed: float) -> Status:
        depth = self._depths.pop(0) if len(self._depths) > 1 else self._depths[0]
        if depth is None:
            raise StoreUnavailable("Redis cannot be reached (ConnectionError)")
        return replace(Status(elapsed), has_begun=True, dlqs={DLQ: depth})


class Part:
    """A child process."""

    def __init__(self, how: str = "") -> None:
        self.how = how

    def ended(self) -> str:
        return self.how


def watch(reader: Any, *, until_drained: bool, timeout: float | None = None) -> Watch:
    with Moogsoft() as moogsoft:
        strain = Strain(Outage(moogsoft, 0.0, 0), None, None, load({}))
        return Watch(
            reader, strain, moogsoft, None, Ends(until_drained, timeout), look_seconds=0.001
        )


def ends_well(watching: Watch, view: Notes, *parts: Any, stopping: Event | None = None) -> bool:
    return watching.until_the_end(view, list(parts), stopping or Event())


def test_it_ends_well_once_drained() -> None:
    view = Notes()
    assert ends_well(watch(Readings(2, 1, 0), until_drained=True), view, Part())
    assert [status.waiting for status in view.shown] == [2, 1, 0]
    assert view.notes == ["drained: replayed 0, set aside 0"]


def test_it_is_not_drained_while_live_events_come() -> None:
    class Going:
        """Live events that end with the third look."""

        looks = 0

        @property
        def is_over(self) -> bool:
            return self.looks >= 3

        def step(self, status: Status) -> list[str]:
            self.looks += 1
            return [f"look {self.looks}"]

    view = Notes()
    watching = watch(Readings(0), until_drained=True)
    watching.strain = Going()  # type: ignore[assignment]
    assert ends_well(watching, view)
    assert view.notes == ["look 1", "look 2", "look 3", "drained: replayed 0, set aside 0"]


def test_it_ends_badly_when_not_drained_in_time() -> None:
    view = Notes()
    assert not ends_well(watch(Readings(5), until_drained=True, timeout=0.05), view)
    assert view.notes == ["not drained within 0.05 s"]


def test_it_ends_badly_when_a_part_ends() -> None:
    view = Notes()
    parts = (Part(), Part("beat ended by itself with exit status 1"))
    assert not ends_well(watch(Readings(5), until_drained=False), view, *parts)
    assert view.notes == ["beat ended by itself with exit status 1: stopping the rest"]


def test_it_ends_well_when_asked_to() -> None:
    stopping = Event()
    stopping.set()
    assert ends_well(watch(Readings(5), until_drained=True), Notes(), stopping=stopping)


def test_a_redis_that_is_away_is_told_once_and_waited_for() -> None:
    view = Notes()
    assert ends_well(watch(Readings(1, None, None, None, 0), until_drained=True), view)
    assert view.notes[0].startswith("Redis cannot be reached")
    assert len(view.notes) == 2
