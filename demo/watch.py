"""Watches a run: shows how it goes, and tells when it should end and whether that is well."""

import time
from dataclasses import dataclass, field, replace
from threading import Event

from demo.pipeline import Pipeline
from demo.status import Reader, Status
from demo.strain import Strain
from demo.view import View
from mutt_tasks.errors import StoreError
from stand_ins.moogsoft import Moogsoft
from stand_ins.processes import Child

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Ends:
    """When a run ends by itself: once drained, or badly after `timeout` seconds (None: never)."""

    until_drained: bool
    timeout: float | None = None


@dataclass
class Watch:
    """Looks every `look_seconds`, until the end.

    `pipeline` is None when a real one is served, of which nobody can tell what is on its way.
    """

    reader: Reader
    strain: Strain
    moogsoft: Moogsoft
    pipeline: Pipeline | None
    ends: Ends
    look_seconds: float = LOOK_SECONDS
    started: float = field(default_factory=time.monotonic)
    _is_drained: bool = False
    _trouble: str = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def until_the_end(self, view: View, children: list[Child], stopping: Event) -> bool:
        """Watch until there is a reason to stop; returns whether it is a good one."""
        while not stopping.wait(self.look_seconds):
            ended = [how for how in (child.ended() for child in children) if how]
            if ended:
                view.note(self.elapsed, f"{'; '.join(ended)}: stopping the rest")
                return False
            self._look(view)
            if self._is_drained and self.ends.until_drained:
                return True
            timeout = self.ends.timeout
            if timeout is not None and self.elapsed > timeout:
                view.note(self.elapsed, f"not drained within {timeout:g} s")
                return False
        return True

    def _look(self, view: View) -> None:
        try:
            status = self.reader.read(self.elapsed)
        except StoreError as error:
            # An outage of a configured Redis is told once, and waited for.
            if str(error) != self._trouble:
                self._trouble = str(error)
                view.note(self.elapsed, self._trouble)
            return
        self._trouble = ""
        if self.pipeline:
            status = replace(
                status,
                came_back=self.pipeline.came_back(status.dlqs),
                accepted=self.moogsoft.accepted,
                destroyed=self.pipeline.losses.total,
                would_be_destroyed=self.strain.would_be_destroyed(),
            )
        for news in self.strain.step(status):
            view.note(status.elapsed, news)
        view.show(status)
        left = status.waiting + (status.on_the_way if self.pipeline else 0)
        is_drained = status.has_begun and not left and self.strain.is_over
        if is_drained and not self._is_drained:
            view.note(status.elapsed, _drained(status))
        self._is_drained = is_drained


def _drained(status: Status) -> str:
    set_aside = sum(status.quarantined.values())
    return f"drained: replayed {status.replayed:,}, set aside {set_aside:,}"
