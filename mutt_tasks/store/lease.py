"""The lease: who may move messages now.

Its value is a cycle's id, followed by the step that holds it; every write of a cycle checks
it (fencing), so a step that was delayed, delivered twice or overtaken changes nothing.
"""

from enum import StrEnum

from mutt_tasks.store import keys
from mutt_tasks.store.scripts import Scripts

# Longer than any step may run (see `task_time_limit`), so a live step never loses its lease.
TTL_MS = 45_000

# A drain's lease outlives the pause before its next cycle, which is at most
# REMEDIATION_DRAIN_INTERVAL, a minute.
LONGEST_PAUSE_MS = 60_000


class Acquired(StrEnum):
    """What became of a wish to start a cycle."""

    YES = "acquired"
    BUSY = "busy"
    EARLY = "early"


class Lease:
    """Take, pass on and drop the lease."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def acquire(self, cycle: str, tick_gap: float) -> Acquired:
        """Take the lease for a new cycle.

        `tick_gap` is the least time in seconds since the last accepted tick; 0 asks for none.
        """
        answer = self._scripts.call(
            "acquire",
            [keys.LEASE, keys.TICK, keys.STATS],
            [cycle, TTL_MS, round(tick_gap * 1000), TTL_MS + LONGEST_PAUSE_MS],
        )
        return Acquired(answer[0].decode())

    def advance(self, held: str, wanted: str) -> bool:
        """Pass the lease from one holder to the next; False when it was not `held`."""
        return bool(self._scripts.call("advance", [keys.LEASE], [held, wanted, TTL_MS]))

    def release(self, held: str) -> bool:
        """Drop the lease; False when it was not ours any more."""
        return bool(self._scripts.call("release", [keys.LEASE], [held]))
