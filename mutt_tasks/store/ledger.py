"""Counters and journal: what happened, written in the same step in which it happens."""

from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.lease import TTL_MS
from mutt_tasks.store.queues import JOURNAL_LENGTH, flat
from mutt_tasks.store.scripts import Scripts

# Upper bounds of the cycle durations' histogram, in seconds: a cycle is milliseconds of
# Redis, at most a probe's timeout longer.
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class CycleEnd:
    """What the end of a cycle writes.

    `outcomes` maps each route to its outcome and reason, `limits` to what bounded its batch,
    `states` to fields of its state; `pace` are fields of the pace; `raised` are more counters;
    `duration` is in seconds, `probed` Moogsoft's health, `actor` the process that ran it; `asks`
    says that the drain waits for Moogsoft.
    """

    cycle: str
    outcome: str
    reason: str
    duration: float
    outcomes: dict[str, tuple[str, str]]
    limits: dict[str, str]
    raised: dict[str, int]
    states: dict[str, dict[str, Any]]
    pace: dict[str, Any]
    probed: str
    actor: str
    asks: bool = False


class Ledger:
    """Write the end of cycles; read what all of them did."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def finish(self, held: str, end: CycleEnd, next_cycle: str, pause: float) -> None:
        """Count and journal a cycle, and let go of the lease, or hand it to `next_cycle`.

        `pause` is the time in seconds until the next cycle of the drain begins.
        Raises LeaseLost when the lease is not held by `held` any more.
        """
        raised: dict[str, int] = {
            "loops": 1,
            "duration:us": round(end.duration * 1_000_000),
        }
        bucket = next((b for b in DURATION_BUCKETS if end.duration <= b), None)
        raised[f"duration:le:{bucket:g}" if bucket else "duration:le:+Inf"] = 1
        for route, (outcome, reason) in end.outcomes.items():
            raised[f"cycles:{route}:{outcome}:{reason}"] = 1
        for route, limit in end.limits.items():
            raised[f"limits:{route}:{limit}"] = 1
        raised |= end.raised
        journal = {
            "event": "cycle",
            "cycle": end.cycle,
            "outcome": end.outcome,
            "reason": end.reason,
            "health": end.probed,
            "by": end.actor,
        }
        for route, (outcome, reason) in end.outcomes.items():
            limit = end.limits.get(route, "")
            shown = reason or (limit and f"limit={limit}")
            journal[f"route:{route}"] = f"{outcome} {shown}".strip()
        states = [flat(end.states.get(route, {})) for route in end.outcomes] + [flat(end.pace)]
        self._scripts.call(
            "finish",
            [
                keys.LEASE,
                keys.STATS,
                keys.JOURNAL,
                keys.DRAIN,
                *(keys.route_state(route) for route in end.outcomes),
                keys.PACE,
            ],
            [
                held,
                next_cycle,
                TTL_MS + round(pause * 1000),
                JOURNAL_LENGTH,
                round(pause * 1000),
                end.reason,
                int(end.asks),
                len(raised),
                *(part for pair in raised.items() for part in pair),
                *flat(journal),
                *(value for state in states for value in state),
            ],
        )

    def last_cycle(self) -> float | None:
        """When the last cycle ended, in seconds since 1970; None before the first."""
        with translated():
            found: Any = self._client.hget(keys.STATS, "last_cycle_ms")
        return int(found) / 1000 if found and found.isdigit() else None
