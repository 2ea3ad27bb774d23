"""Whether a cycle of ours should begin: all that a worker that looks on goes by, in one look."""

from collections.abc import Sequence
from dataclasses import dataclass

from mutt_tasks.store import keys
from mutt_tasks.store.jobs import at_work
from mutt_tasks.store.lease import Step
from mutt_tasks.store.scripts import Scripts


@dataclass(frozen=True)
class Standing:
    """`queued` alerts stand before the forwarder, whose limiter took `used` in its last period.

    `is_free` says, where some stand, that no cycle is at work, and no operator's pause in force;
    `is_abandoned` that a drain was under way that nobody goes on with; `has_jobs` that operators'
    jobs are at work.
    """

    queued: int
    used: int
    is_free: bool
    is_abandoned: bool
    is_paused: bool
    has_jobs: bool


class Standings:
    """Look on."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def read(
        self,
        queue: str,
        limiter_key: str,
        period: float,
        lists: Sequence[str] = (),
        now: float | None = None,
    ) -> Standing:
        """The alert `queue`, and what the limiter at `limiter_key` took in its `period` (seconds).

        Without a name the queue is not looked at, nor is the limiter while it is empty. Jobs work
        in the `lists`; `now` is in seconds since 1970 (None: by Redis' own clock).
        """
        queued, used, doing, is_abandoned, is_paused, has_jobs = self._scripts.call(
            "standing",
            [queue, limiter_key, keys.LEASE, keys.DRAIN, keys.PAUSED, *at_work(lists)],
            [f"{period * 1000:.0f}", "" if now is None else f"{now * 1000:.0f}"],
        )
        is_free = not is_paused and doing in (b"", Step.RESTING.value.encode())
        return Standing(
            queued,
            used,
            is_free,
            is_abandoned=bool(is_abandoned),
            is_paused=bool(is_paused),
            has_jobs=bool(has_jobs),
        )
