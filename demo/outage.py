"""Takes the stand-in Moogsoft down once in a run, and brings it back."""

import time

from demo.status import Status
from stand_ins.moogsoft import Moogsoft

# With fewer messages there would be nothing to see.
LEAST_BACKLOG = 30


class Outage:
    """One outage of so many seconds, after a third of the backlog; 0 seconds are none.

    `down_at` and `up_at` say when it began and ended (monotonic, seconds).
    """

    def __init__(self, moogsoft: Moogsoft, seconds: float, backlog: int) -> None:
        self._moogsoft = moogsoft
        self.seconds = seconds if backlog >= LEAST_BACKLOG else 0.0
        self._starts_at = backlog // 3
        self._ends_at: float | None = None
        self.down_at: float | None = None
        self.up_at: float | None = None

    def step(self, status: Status) -> str:
        """Do what is due now; returns what was done, in words, or nothing."""
        if self._ends_at is not None:
            if status.elapsed < self._ends_at:
                return ""
            self._ends_at = None
            self._moogsoft.up()
            self.up_at = time.monotonic()
            return "the stand-in Moogsoft is back"
        moved = status.replayed + sum(status.quarantined.values())
        if not self.seconds or moved < self._starts_at:
            return ""
        self._moogsoft.down()
        self.down_at = time.monotonic()
        self._ends_at = status.elapsed + self.seconds
        seconds, self.seconds = self.seconds, 0.0
        return f"the stand-in Moogsoft goes down for {seconds:g} s"
