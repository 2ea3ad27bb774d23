"""What a cycle did, in values: for the log, the task's result, the journal and the counters."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mutt_tasks.store.batch import Moved
from mutt_tasks.store.lease import Holder

REPLAYED, HELD = "replayed", "held"

# Reasons of a cycle that is held, beside the limits in core/limits.py.
DISABLED, PAUSED, UNHEALTHY = "disabled", "paused", "unhealthy"
WAITING, CONTENDED = "waiting", "contended"
# Messages deep inside the list are taken out of it, or to its old end.
JOB = "job"
# The reason of a cycle that is `busy`.
DRAINING = "draining"


@dataclass(frozen=True)
class RouteResult:
    """What a cycle did on one route.

    `reason` is what held it; `limit` is what bounded the batch, held or not. `landed` and
    `returned` tell of earlier replays, `suspects` of alerts that failed alone and wait, `sheltered`
    of alerts that were moved aside before they could be destroyed. `more` says whether there is
    work left for the route now, `delay` in how many seconds it is worth looking again.
    """

    outcome: str
    reason: str = ""
    moved: Moved = field(default_factory=Moved)
    waiting: int = 0
    suspects: int = 0
    bad_counters: int = 0
    limit: str = ""
    landed: int = 0
    returned: int = 0
    has_tripped: bool = False
    sheltered: int = 0
    more: bool = False
    delay: float = 0.0

    def bounded(self, limit: str, delay: float = 0.0) -> "RouteResult":
        """The result when this limit allows no more; it holds the route if nothing has gone."""
        found = replace(self, limit=limit)
        return replace(found, reason=limit, delay=delay) if self.outcome == HELD else found


@dataclass(frozen=True)
class Pending:
    """What a run has learnt and no commit has written yet.

    `state` are fields of the route's state in Redis, `increments` maps counters to what they grow
    by. The next commit writes them, or the end of the cycle.
    """

    state: Mapping[str, Any] = field(default_factory=dict)
    increments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CycleResult:
    """What a cycle did; `next_cycle` is the id of the drain's next one, empty when it ends.

    `outcome` is `replayed` or `held`; of a cycle that never began also `busy` or `early`.
    `health` is what the probe found. The cycle took `seconds`; the next one begins `delay` seconds
    later. About `dropped` replays were found lost before the forwarder's limiter, which accepts
    `limiter_accepts` alerts. Where live traffic alone fills the limiter, replays would need one of
    `limit_needed` alerts (0: it does not). `holder` is whose drain it found under way when it is
    `busy`.
    """

    cycle: str
    outcome: str
    reason: str = ""
    routes: dict[str, RouteResult] = field(default_factory=dict)
    next_cycle: str = ""
    seconds: float = 0.0
    health: str = ""
    delay: float = 0.0
    dropped: int = 0
    limiter_accepts: int = 0
    limit_needed: int = 0
    holder: Holder | None = None
