"""What stands before the forwarder, and whether anybody of ours looks at it: one cheap look."""

from dataclasses import dataclass

from mutt_tasks.store import keys
from mutt_tasks.store.lease import Step
from mutt_tasks.store.scripts import Scripts


@dataclass(frozen=True)
class Standing:
    """`queued` alerts stand before the forwarder, whose limiter took `used` in its last period.

    `is_free` says that no cycle is at work, and no operator's pause in force.
    """

    queued: int
    used: int
    is_free: bool


class Standings:
    """Look at the queue."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def read(self, queue: str, limiter_key: str, since: float) -> Standing:
        """The alert `queue`, and what the limiter at `limiter_key` took `since` a moment."""
        queued, used, doing, is_paused = self._scripts.call(
            "standing",
            [queue, limiter_key, keys.LEASE, keys.DRAIN, keys.PAUSED],
            [f"{since * 1000:.0f}"],
        )
        return Standing(queued, used, not is_paused and doing in (b"", Step.RESTING.value.encode()))
