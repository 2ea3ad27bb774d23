"""The objectives that are built in.

Ours are counted by the worker (`slo_books`). Those of MUTT's services have the targets of MUTT's
`docs/prometheus/recording-rules-v25.yml` and `services/slo_definitions.py`, over its 24 hours. They
count what became of each event or alert, where MUTT counts each try: an alert that is delivered
with its third try is no failure, and one that is given up is one.
"""

from dataclasses import replace

from mutt_tasks.core.slo import DAY, Objective
from mutt_tasks.core.slo_books import CONSERVED, LANDED, ON_TIME, RECOVERED

_OWN = "mutt_remediation_objective"


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


def _available(
    name: str, target: float, alert: str, title: str, counter: str, *, done: str, failed: str
) -> Objective:
    """A service's availability, by what became of each event.

    In the `counter` those of the statuses `done` and `failed` (regular expressions) have ended, the
    latter badly. Others tell of a try.
    """
    return Objective(
        name=name,
        title=title,
        target=target,
        window=DAY,
        failures=f'sum(increase({counter}{{status=~"{failed}"}}[$window]))',
        events=f'sum(increase({counter}{{status=~"{done}|{failed}"}}[$window]))',
        series=f'{counter}{{status=~"{done}|{failed}"}}',
        alert=alert,
    )


def _fast(
    name: str, alert: str, histogram: str, seconds: float, edges: tuple[float, ...]
) -> Objective:
    """A p99 latency: 99 % take no longer than `seconds`.

    `edges` are the histogram's buckets around that, or the one at it: between two the events are
    taken to lie evenly, as `histogram_quantile` does.
    """
    buckets = [f"{histogram}_bucket{{{_le(edge)}}}" for edge in edges]
    within = f"sum(increase({buckets[0]}[$window]))"
    if len(edges) == 2:
        low, high = edges
        more = f"sum(increase({buckets[1]}[$window])) - {within}"
        within = f"({within} + {(seconds - low) / (high - low):.6g} * ({more}))"
    events = f'sum(increase({histogram}_bucket{{le="+Inf"}}[$window]))'
    return Objective(
        name=name,
        title=f"of requests take at most {seconds:g} s",
        target=0.99,
        window=DAY,
        failures=f"clamp_min({events} - {within}, 0)",
        events=events,
        series=f'{histogram}_bucket{{le="+Inf"}}',
        quantile=f"histogram_quantile(0.99, sum by (le) (rate({histogram}_bucket[$window])))",
        alert=alert,
    )


def _le(edge: float) -> str:
    """A bucket's label: a whole number is written `1` or `1.0`, by the client's library."""
    return f'le=~"{edge:g}|{edge:.1f}"' if edge == int(edge) else f'le="{edge:g}"'


def _with_dropped(forwarder: Objective) -> Objective:
    """What meets the forwarder's full limiter is destroyed, and counted there alone."""
    dropped = "(sum(increase(mutt_moog_rate_limit_hits_total[$window])) or vector(0))"
    return replace(
        forwarder,
        failures=f"({forwarder.failures} or vector(0)) + {dropped}",
        events=f"{forwarder.events} + {dropped}",
    )


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
    _available(
        "ingest_availability",
        0.999,
        "MUTTIngestAvailabilityBurn",
        "of ingest requests succeed",
        "mutt_ingest_requests_total",
        done="success",
        failed="fail",
    ),
    _available(
        "alerter_availability",
        0.999,
        "MUTTAlerterAvailabilityBurn",
        "of events are processed; one that is given up fails, not each of its tries",
        "mutt_alerter_events_processed_total",
        done="handled|unhandled",
        failed="poison",
    ),
    _with_dropped(
        _available(
            "forwarder_availability",
            0.995,
            "MUTTForwarderAvailabilityBurn",
            "of alerts reach Moogsoft; one that is given up or dropped fails, not each try",
            "mutt_moog_alerts_processed_total",
            done="success",
            failed="dlq",
        )
    ),
    _fast("ingest_latency", "MUTTIngestLatencyBurn", "mutt_ingest_latency_seconds", 0.5, (0.5,)),
    _fast(
        "forwarder_latency",
        "MUTTForwarderLatencyBurn",
        "mutt_moog_request_latency_seconds",
        2.0,
        (1.0, 2.5),
    ),
)
