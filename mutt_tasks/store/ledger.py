"""The end of cycles: counted, journalled, and the lease passed on, in one step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.store import journal, keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import CYCLES, LAST_CYCLE_MS, LIMITS, LOOPS, Increments, duration
from mutt_tasks.store.fields import paired, whole_number
from mutt_tasks.store.lease import TTL_MS
from mutt_tasks.store.scripts import Scripts


@dataclass(frozen=True)
class RouteEnd:
    """A route's part of a cycle: outcome, what held it, what bounded its batch, unwritten state."""

    outcome: str
    reason: str
    limit: str
    state: Mapping[str, Any]


@dataclass(frozen=True)
class CycleEnd:
    """What the end of a cycle writes.

    `token` is what the lease holds while it is ours. The cycle took `seconds`; `probed` is
    Moogsoft's health, `actor` the process that ran it. `pace` are fields of the pace, `increments`
    further counters, `levels` fields of the service levels' books. With a `next_cycle` the drain
    goes on `delay` seconds later; `asks` says that it waits for Moogsoft.
    """

    token: str
    cycle: str
    outcome: str
    reason: str
    seconds: float
    routes: Mapping[str, RouteEnd]
    pace: Mapping[str, Any]
    increments: Increments
    levels: Mapping[str, Any]
    probed: str
    actor: str
    next_cycle: str = ""
    delay: float = 0.0
    asks: bool = False

    def counted(self) -> dict[str, int]:
        """Every counter that grows."""
        found = {LOOPS.of(): 1, **duration(self.seconds)}
        for route, each in self.routes.items():
            found[CYCLES.of(route, each.outcome, each.reason)] = 1
            if each.limit:
                found[LIMITS.of(route, each.limit)] = 1
        return {**found, **self.increments}

    def entry(self) -> journal.CycleEnded:
        """What the journal keeps of it."""
        told = {}
        for route, each in self.routes.items():
            shown = each.reason or (each.limit and f"limit={each.limit}")
            told[route] = f"{each.outcome} {shown}".strip()
        return journal.CycleEnded(
            cycle=self.cycle,
            outcome=self.outcome,
            reason=self.reason,
            health=self.probed,
            by=self.actor,
            routes=told,
        )


class Ledger:
    """Write the end of cycles."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def finish(self, end: CycleEnd) -> None:
        """Count and journal a cycle, and let go of the lease, or hand it to the next cycle.

        Raises LeaseLost when the lease does not hold the end's token any more.
        """
        delay_ms = round(end.delay * 1000)
        self._scripts.call(
            "finish",
            [
                keys.LEASE,
                keys.STATS,
                keys.JOURNAL,
                keys.DRAIN,
                *(keys.route_state(route) for route in end.routes),
                keys.PACE,
                keys.LEVELS,
            ],
            [
                *(end.token, end.next_cycle, TTL_MS + delay_ms, journal.LENGTH),
                *(delay_ms, end.reason, int(end.asks), LAST_CYCLE_MS),
                *paired(end.counted()),
                *paired(journal.fields_of(end.entry())),
                *(part for each in end.routes.values() for part in paired(each.state)),
                *paired(end.pace),
                *paired(end.levels),
            ],
        )

    def last_cycle(self) -> float | None:
        """When the last cycle ended, in seconds since 1970; None before the first."""
        with translated():
            found: Any = self._client.hget(keys.STATS, LAST_CYCLE_MS)
        moment = whole_number(found)
        return None if moment is None else moment / 1000
