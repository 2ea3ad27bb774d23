"""The objectives as data: those that are built in, and what a file (`slo.yaml`) makes of them.

Ours are counted by the worker (`slo_books`). Those of MUTT's services have the targets of MUTT's
`docs/prometheus/recording-rules-v25.yml` and `services/slo_definitions.py`, over its 24 hours. They
count what became of each event or alert, where MUTT counts each try: an alert that is delivered
with its third try is no failure, and one that is given up is one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mutt_tasks.core.slo import DAY, Objective
from mutt_tasks.core.slo_books import CONSERVED, LANDED, ON_TIME, RECOVERED

_OWN = "mutt_remediation_objective"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": 7 * DAY}
# A word that names an objective in labels, and in `slo.yaml`.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NUMBERS, _TEXTS = ("objective", "window", "least"), ("title", "events", "failures", "series")


def _own(name: str, target: float, alert: str, title: str, least: int = 5) -> Objective:
    """One of ours. Every worker shows the same numbers, and one that is replaced goes on with them.

    So the numbers of all instances are made one before anything is reckoned.
    """
    failures, events = (
        f"increase(max by (job, namespace)"
        f' ({_OWN}_{what}_total{{objective="{name}"}})[$window:$step])'
        for what in ("failures", "events")
    )
    series = f'{_OWN}_events_total{{objective="{name}"}}'
    return Objective(
        name=name,
        title=title,
        target=target,
        window=30 * DAY,
        failures=failures,
        events=events,
        series=series,
        alert=f"MUTTRemediation{alert}",
        least=least,
        is_own=True,
    )


def _available(name: str, target: float, alert: str, title: str, *counts: str) -> Objective:
    """A service's availability: `counts` are what is counted, the last of them what failed."""
    failures = _sum(counts[-1])
    return Objective(
        name=name,
        title=title,
        target=target,
        window=DAY,
        failures=failures,
        events=_sum(*counts),
        series=counts[0],
        alert=alert,
    )


def _fast(
    name: str, alert: str, histogram: str, seconds: float, edges: tuple[str, ...]
) -> Objective:
    """A p99 latency: 99 % take no longer than `seconds`.

    `edges` are the histogram's buckets around that, or the one at it: between two the events are
    taken to lie evenly, as `histogram_quantile` does.
    """
    buckets = [f'{histogram}_bucket{{le=~"{edge}(\\\\.0)?"}}' for edge in edges]
    within = f"sum(increase({buckets[0]}[$window]))"
    if len(edges) == 2:
        low, high = map(float, edges)
        more = f"sum(increase({buckets[1]}[$window])) - {within}"
        within = f"({within} + {(seconds - low) / (high - low):.6g} * ({more}))"
    events = f'sum(increase({histogram}_bucket{{le="+Inf"}}[$window]))'
    return Objective(
        name=name,
        title=f"99 % of requests take at most {seconds:g} s",
        target=0.99,
        window=DAY,
        failures=f"clamp_min({events} - {within}, 0)",
        events=events,
        series=f'{histogram}_bucket{{le="+Inf"}}',
        quantile=f"histogram_quantile(0.99, sum by (le) (rate({histogram}_bucket[$window])))",
        alert=alert,
    )


def _sum(*selectors: str) -> str:
    """How much some counters grew, together; one that is not there did not."""
    return " + ".join(f"(sum(increase({each}[$window])) or vector(0))" for each in selectors)


_INGEST, _MOOG = "mutt_ingest_requests_total", "mutt_moog_alerts_processed_total"
_ALERTER = "mutt_alerter_events_processed_total"

OBJECTIVES: tuple[Objective, ...] = (
    _own(
        RECOVERED,
        0.99,
        "RecoveredBurn",
        "of what was dead-lettered is back or set aside within 15 min of health",
    ),
    _own(LANDED, 0.99, "LandedBurn", "of replays stick; an alert that comes back fails once"),
    _own(ON_TIME, 0.999, "OnTimeBurn", "of the expected cycles took place", least=2),
    _own(CONSERVED, 1.0, "NotConserved", "of messages are where they should be", least=1),
)
