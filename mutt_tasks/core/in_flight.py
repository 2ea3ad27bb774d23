"""Replays whose fate is open: still in a queue, or gone from there and not come back yet."""

from dataclasses import dataclass, replace

# A forwarder retries for about a minute before it gives up, and its queue has to move meanwhile:
# what has not come back after this many seconds has landed.
STICK_SECONDS = 120.0

# Replays within this many seconds of each other share a cohort, and so many cohorts are kept.
_COHORT_SECONDS, _COHORTS_KEPT = 5.0, 48


@dataclass(frozen=True)
class InFlight:
    """Moments are seconds since 1970, 0 for never.

    `batch` counts replays since the last look, the last of them at `sent_at`; at that look
    `in_queues` lay in a queue. At `progress_at` the consumer was last seen to take replays.
    `cohorts` holds moments and numbers of replays whose fate is open, `owed` how many have come
    back that belong to them.
    """

    batch: int = 0
    in_queues: int = 0
    sent_at: float = 0.0
    progress_at: float = 0.0
    cohorts: tuple[tuple[float, float], ...] = ()
    owed: float = 0.0

    def sent(self, replays: int, now: float) -> "InFlight":
        """After so many replays went."""
        cohorts = self.cohorts
        if cohorts and 0 <= now - cohorts[-1][0] < _COHORT_SECONDS:
            cohorts = (*cohorts[:-1], (cohorts[-1][0], cohorts[-1][1] + replays))
        else:
            cohorts = (*cohorts, (now, float(replays)))
        return replace(self, batch=self.batch + replays, sent_at=now, cohorts=cohorts)

    def taken(self, in_queues: int, returned: int) -> int:
        """How many the consumer took since the last look, of which these are left."""
        return self.in_queues + self.batch - in_queues - returned

    def looked(self, in_queues: int, returned: int, now: float) -> "InFlight":
        """After a look: whether the consumer takes replays. What came back was taken too."""
        is_progress = self.in_queues + self.batch > in_queues or returned >= 1
        return replace(self, progress_at=now) if is_progress else self

    def aged(self, in_queues: int, came_back: int, now: float) -> tuple["InFlight", int]:
        """Without replays whose fate is clear, and how many of them landed.

        What came back is taken off the oldest open replays; what still lies in the queues is the
        youngest, so older ones are not held up by it.
        """
        cohorts, owed, landed = list(self.cohorts), self.owed + came_back, 0.0
        while cohorts:
            sent_at, sent = cohorts[0]
            younger = sum(n for _, n in cohorts[1:])
            is_over = not 0 <= now - sent_at < STICK_SECONDS or len(cohorts) > _COHORTS_KEPT
            if not is_over or younger < in_queues:
                break
            del cohorts[0]
            returned = min(sent, owed)
            owed -= returned
            landed += sent - returned
        owed = min(owed, sum(n for _, n in cohorts))
        return replace(self, cohorts=tuple(cohorts), owed=owed), round(landed)

    def taken_back(self, replays: int) -> "InFlight":
        """After so many were taken out of the queue untried: they can neither land nor return."""
        return replace(self, owed=self.owed + replays)

    def after_look(self, in_queues: int) -> "InFlight":
        """The same when a new batch begins."""
        return replace(self, batch=0, in_queues=in_queues)
