"""What became of the messages that a job has sent: they stuck, came back, or nobody knows yet."""

from collections.abc import Iterable
from dataclasses import dataclass

from mutt_tasks.core.in_flight import STICK_SECONDS, InFlight
from mutt_tasks.core.jobs import SENDING, Job

# Replays within so many seconds share the moment of the first of them.
_SHARED_SECONDS = 5.0
# The speed of what is sent is that of so many seconds.
_SPEED_SECONDS = 30.0


@dataclass(frozen=True)
class Fate:
    """Of what a job sent and has not come back: what `stuck`, and what is still `under_way`.

    What is under way has come back by `known_at` (seconds since 1970), or has stuck; 0 when nothing
    is. Messages go at about `speed` a second.
    """

    stuck: int = 0
    under_way: int = 0
    known_at: float = 0.0
    speed: float = 0.0


def fate_of(job: Job, routes: Iterable[InFlight], now: float) -> Fate:
    """The fate of what a replay or a requeue sent, on these `routes`; nothing of other jobs.

    A route tells how many replays of which moment are open, its drain's among them: so this says
    of none that it stuck which could still come back, and of some too long that they are under way.
    """
    if job.verb not in SENDING or not job.counts.done:
        return Fate()
    until = job.ended_at or now
    found = [
        (moment, sent)
        for route in routes
        for moment, sent in route.cohorts
        if job.started_at - _SHARED_SECONDS <= moment <= until
    ]
    gone = max(0, job.counts.done - job.counts.came_back)
    under_way = min(gone, round(sum(sent for _, sent in found)))
    last = max((moment for moment, _ in found), default=0.0)
    begun = max(job.started_at, now - _SPEED_SECONDS)
    sent_lately = sum(sent for moment, sent in found if moment >= begun - _SHARED_SECONDS)
    return Fate(
        stuck=gone - under_way,
        under_way=under_way,
        known_at=last + _SHARED_SECONDS + STICK_SECONDS if under_way else 0.0,
        speed=sent_lately / max(1.0, now - begun) if not job.ended_at else 0.0,
    )
