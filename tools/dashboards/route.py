"""One route in depth: its queue, its batches, what became of them, and what holds it."""

from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.models import common, dashboard

from tools.dashboards.parts import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    board,
    common_variables,
    curves,
    finished,
    increase,
    number,
    once,
    one_of,
    rate,
    runbook,
    shares,
    steps,
)

UID = "mutt-remediation-route"

ROUTE = 'route="$route"'
QUEUE = 'dlq_name="$dlq"'


def route() -> dashboard.Dashboard:
    """The dashboard."""
    about = (
        "One route of replays: a dead letter queue, its target, and what becomes of what it sends."
    )
    chosen = one_of("route", "Route", "label_values(mutt_remediation_window, route)")
    # The usual names of the lists have the route's in them; others are chosen by hand.
    queue = one_of("dlq", "Its queue", "label_values(mutt_remediation_dlq_depth, dlq_name)")
    variables = [*common_variables("mutt_remediation_redis_reachable"), chosen]
    found = board(UID, "MUTT remediation: route", about, [*variables, queue.regex("/.*$route.*/")])
    for add in (_now, _flow, _batches, _held, _people):
        add(found)
    return finished(found)


def _now(found: make.Dashboard) -> None:
    found.with_row(make.Row("Now"))
    waiting = number("Waiting", "In its dead letter queue.", once("dlq_depth", where=QUEUE))
    found.with_panel(waiting.unit("short").thresholds(steps(GREEN, (1, BLUE), (10_000, ORANGE))))
    empty = number(
        "Empty in about",
        "At the speed of its last batches.",
        once("estimated_seconds_to_empty", where=ROUTE),
    )
    found.with_panel(empty.unit("dtdurations").no_value("nothing moves"))
    oldest = number(
        "Oldest has waited",
        "By the event's own time.",
        once("oldest_message_age_seconds", where=ROUTE),
    )
    found.with_panel(oldest.unit("dtdurations").no_value("nothing waits"))
    window = number(
        "Next batch may hold",
        "A canary at first; doubles with every batch that stays.",
        once("window", where=ROUTE),
    )
    found.with_panel(window.unit("short"))
    back_off = number(
        "Backs off for",
        "What it replayed came back while others failed too: an outage, not poison.",
        once("backoff_seconds", where=ROUTE),
    )
    found.with_panel(back_off.unit("dtdurations").thresholds(steps(GREEN, (0.001, ORANGE))))
    suspects = number(
        "Suspects",
        "Alerts that failed alone and wait for quiet traffic.",
        once("suspects", where=ROUTE),
    )
    suspects = suspects.thresholds(steps(GREEN, (1, ORANGE)))
    found.with_panel(suspects.links([runbook("MUTTRemediationSuspectsWaiting")]))


def _flow(found: make.Dashboard) -> None:
    found.with_row(make.Row("Its queue and its target"))
    depth = curves(
        "Depth",
        "What waits, what lies in the target, and what of that is ours.",
        {
            "{{dlq_name}}": once("dlq_depth", "dlq_name", where=QUEUE),
            "target of {{route}}": once("target_depth", "route", where=ROUTE),
            "of that replayed, {{route}}": once("under_way", "route", where=ROUTE),
        },
    )
    found.with_panel(depth.unit("short").links([runbook("MUTTRemediationConsumerAway")]))
    left = curves(
        "Where messages go",
        "Put back, or to the dead letter list and why.",
        {
            "{{route}}: {{outcome}}": rate("messages_total", "route", "outcome", where=ROUTE),
            "{{route}}: sheltered, into the queue": rate("sheltered_total", "route", where=ROUTE),
        },
    )
    found.with_panel(left.unit("mps"))


def _batches(found: make.Dashboard) -> None:
    found.with_row(make.Row("What becomes of its replays"))
    outcome = curves(
        "Landed and came back",
        "Landed: had not come back after two minutes. Forgiven: came back in an outage, uncounted.",
        {
            "{{route}}: landed": rate("landed_total", "route", where=ROUTE),
            "{{route}}: came back": rate("bounces_total", "route", where=ROUTE),
            "{{route}}: forgiven": rate("forgiven_total", "route", where=ROUTE),
        },
    )
    found.with_panel(outcome.unit("mps"))
    window = curves(
        "Its window",
        "How many messages a batch may hold, and how many of the last lie in the queues.",
        {
            "{{route}}: window": once("window", "route", where=ROUTE),
            "{{route}}: under way": once("under_way", "route", where=ROUTE),
        },
    )
    found.with_panel(window.unit("short"))
    landed, returned = rate("landed_total", where=ROUTE), rate("bounces_total", where=ROUTE)
    share = curves(
        "Of what is known, the share that landed",
        "MUTT's promise of a replay: the service level `landed` wants 99 %.",
        {"landed": f"{landed} / ({landed} + {returned})"},
    )
    share = share.unit("percentunit").max(1).thresholds(steps(RED, (0.99, GREEN)))
    found.with_panel(share)
    trips = curves(
        "Its breaker opened",
        "Each time it waits twice as long, at most an hour.",
        {
            "{{route}}: opened": increase(
                "breaker_trips_total", "route", over="$__rate_interval", where=ROUTE
            ),
            "{{route}}: s until it closes": once("backoff_seconds", "route", where=ROUTE),
        },
    )
    found.with_panel(trips.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80))


def _held(found: make.Dashboard) -> None:
    found.with_row(make.Row("What holds it"))
    bounds = increase("limits_total", "limit", over="$__rate_interval", where=ROUTE)
    limits = shares(
        "What bounds its batches",
        "`window` is a consumer that takes no more, `rate_limited` the forwarder's limiter.",
        {"{{limit}}": bounds},
    )
    found.with_panel(limits.links([runbook("MUTTRemediationNoRoom")]))
    cycles = increase("cycles_total", "outcome", "reason", over="$__rate_interval", where=ROUTE)
    held = shares(
        "What its cycles did",
        "Replayed, or held and by what; the overview has what the words mean.",
        {"{{outcome}} {{reason}}": cycles},
    )
    found.with_panel(held.links([runbook("MUTTRemediationNotDraining")]))


def _people(found: make.Dashboard) -> None:
    found.with_row(make.Row("What people did, and what is odd"))
    names = ("requeued", "discarded", "edited", "redirected", "undone", "trash_emptied")
    queries = {
        name.replace("_", " "): increase(f"{name}_total", over="$__rate_interval")
        for name in (*names, "dead_expired")
    }
    acted = curves(
        "Messages that operators moved", "Of all lists; `mutt-dlq audit` says who.", queries
    )
    found.with_panel(acted.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).unit("short"))
    odd = curves(
        "Odd",
        "Retry counters that were no counters, and cycles that another one kept from beginning.",
        {
            "{{route}}: odd counters": increase(
                "odd_counters_total", "route", over="$__rate_interval", where=ROUTE
            ),
            "ticks refused: {{reason}}": increase(
                "ticks_refused_total", "reason", over="$__rate_interval"
            ),
        },
    )
    found.with_panel(odd.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).unit("short"))
