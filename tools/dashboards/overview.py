"""The overview: what is going on, why not more, and whether anything is lost."""

from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.builders import prometheus, table, text
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import prometheus as asked
from grafana_foundation_sdk.models import text as written

from mutt_tasks.operations.reasons import WORDS
from tools.dashboards.parts import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    SOURCE,
    board,
    common_variables,
    curves,
    finished,
    increase,
    link,
    number,
    once,
    ours,
    rate,
    runbook,
    shares,
    states,
    steps,
    typed,
    words,
)

UID = "mutt-remediation"

WAITING = 'dlq_name!="$dead"'
DEAD = 'dlq_name="$dead"'
HELD = 'outcome="held", reason!="empty"'

# What a cycle is doing, the most telling first; the words for the numbers are in `_state`.
_STATE = " or ".join(
    f"(max ({metric}) == 1) * 0 + {value}" if value else f"max ({metric}) * 0"
    for value, metric in (
        (3, ours("dropping")),
        (2, ours("paused")),
        (1, ours("draining")),
        (0, ours("draining")),
    )
)


def overview() -> dashboard.Dashboard:
    """The dashboard."""
    about = "What waits in MUTT's dead letter queues, how fast it goes back, and what holds it."
    variables = [
        *common_variables("mutt_remediation_redis_reachable"),
        typed("dead", "Dead letter list", "mutt:dlq:dead"),
    ]
    found = board(UID, "MUTT remediation: overview", about, variables)
    for add in (_now, _flow, _why, _health, _dead, _times, _losses, _help):
        add(found)
    return finished(found)


def _now(found: make.Dashboard) -> None:
    """Two lines that can be read out as two sentences."""
    found.with_row(make.Row("Now"))
    _now_going(found)
    _now_wrong(found)


def _now_going(found: make.Dashboard) -> None:
    state = number("Replays are", "Paused and dropping come before draining.", _STATE)
    state = state.mappings(
        words(
            v0=("at rest", GREEN),
            v1=("going back", BLUE),
            v2=("paused by an operator", ORANGE),
            v3=("stopped: the forwarder drops them", RED),
        )
    )
    found.with_panel(state.no_value("unknown: Redis or the worker is away"))
    health = number("Moogsoft is", "As the last check found it.", f"min ({ours('moog_health')})")
    health = health.mappings(words(v1=("healthy", GREEN), v0=("NOT healthy", RED)))
    found.with_panel(health.no_value("not asked yet").links([runbook("MUTTMoogsoftUnhealthy")]))
    depth = number(
        "Waiting",
        "In the dead letter queues; the dead are not among them.",
        once("dlq_depth", where=WAITING),
    )
    depth = depth.unit("short").thresholds(steps(GREEN, (1, BLUE), (10_000, ORANGE)))
    found.with_panel(depth.links([runbook("MUTTRemediationDLQDepthHigh")]))
    empty = number(
        "Empty in about",
        "At the speed of the last batches, of the slowest route.",
        f"max ({ours('estimated_seconds_to_empty')})",
    )
    empty = empty.unit("dtdurations").thresholds(steps(GREEN, (1, BLUE), (3600, ORANGE)))
    found.with_panel(empty.no_value("nothing moves"))
    back = number(
        "Put back in the last hour",
        "How many of them landed is on the route's dashboard.",
        increase("replay_success_total", over="1h"),
    )
    found.with_panel(back.unit("short").decimals(0))
    firing = number(
        "Alerts firing",
        "Of this service, as Prometheus' rules have it.",
        'count (ALERTS{service="remediation", alertstate="firing"}) or vector(0)',
    )
    found.with_panel(firing.thresholds(steps(GREEN, (1, RED))))


def _now_wrong(found: make.Dashboard) -> None:
    held = number(
        "Mostly held by",
        "What held most cycles of the last five minutes; below is what each means.",
        f"topk(1, {increase('cycles_total', 'reason', over='5m', where=HELD)} > 0)",
        legend="{{reason}}",
    )
    held = held.text_mode(common.BigValueTextMode.NAME).thresholds(steps(ORANGE))
    found.with_panel(held.no_value("nothing").links([runbook("MUTTRemediationNotDraining")]))
    cycle = number(
        "Last cycle ended",
        "Beat starts one every REMEDIATION_INTERVAL, a drain every second.",
        f"time() - max ({ours('last_cycle_timestamp_seconds')})",
    )
    cycle = cycle.unit("dtdurations").thresholds(steps(GREEN, (600, ORANGE), (900, RED)))
    found.with_panel(cycle.no_value("never").links([runbook("MUTTRemediationNoCycle")]))
    oldest = number(
        "Oldest has waited",
        "By the event's own time.",
        f"max ({ours('oldest_message_age_seconds')})",
    )
    oldest = oldest.unit("dtdurations").no_value("nothing waits")
    found.with_panel(oldest.links([runbook("MUTTRemediationOldestMessageOld")]))
    dead = number(
        "Dead letters",
        "They wait for somebody: `mutt-dlq groups --route dead`.",
        once("dlq_depth", where=DEAD),
    )
    dead = dead.unit("short").thresholds(steps(GREEN, (1, ORANGE)))
    found.with_panel(dead.links([runbook("MUTTRemediationDeadLetterListGrowing")]))
    dropped = number(
        "Replays lost at the limiter",
        "Replays of ours believed lost in the last hour.",
        increase("dropped_total", over="1h"),
    )
    dropped = dropped.decimals(0).thresholds(steps(GREEN, (0.5, RED)))
    found.with_panel(dropped.links([runbook("MUTTRemediationDropping")]))
    lost = number(
        "Lost by MUTT itself",
        "Alerts that met the forwarder's full limiter in the last hour: no"
        " dead letter queue has them. Needs the forwarder to be scraped.",
        "sum (increase(mutt_moog_rate_limit_hits_total[1h]))",
    )
    lost = lost.decimals(0).thresholds(steps(GREEN, (0.5, RED))).no_value("not scraped")
    found.with_panel(lost.links([runbook("MUTTForwarderLosesAlerts")]))


def _flow(found: make.Dashboard) -> None:
    found.with_row(make.Row("What waits, comes and goes"))
    depth = curves(
        "Depth of every dead letter queue",
        "A queue that grows in an outage is how alerts are saved.",
        {"{{dlq_name}}": once("dlq_depth", "dlq_name")},
    )
    found.with_panel(depth.unit("short"))
    moved = rate("messages_total")
    growth = once("dlq_depth", where=WAITING, of="deriv({}[$__rate_interval])")
    flow = curves(
        "In and out",
        "Arriving is reckoned: what the queues grow by, and what left them.",
        {
            "arriving": f"clamp_min({growth} + {moved}, 0)",
            "put back": rate("replay_success_total"),
            "came back": rate("bounces_total"),
            "set aside": rate("replay_fail_total"),
        },
    )
    found.with_panel(flow.unit("mps").links([link("By route", "/d/mutt-remediation-route")]))


def _why(found: make.Dashboard) -> None:
    found.with_row(make.Row("Why not faster"))
    found.with_panel(
        shares(
            "What bounds the batches",
            "Of the cycles of all routes; `empty` is nothing to do.",
            {"{{limit}}": increase("limits_total", "limit", over="$__rate_interval")},
        )
    )
    held = shares(
        "What holds the routes",
        "Cycles in which a route with something to do sent nothing.",
        {"{{reason}}": increase("cycles_total", "reason", over="$__rate_interval", where=HELD)},
    )
    found.with_panel(held.links([runbook("MUTTRemediationNotDraining")]))
    target = curves(
        "Room in the queues",
        "Above REMEDIATION_HIGH_WATER nothing is put back.",
        {
            "{{route}}: in its target": once("target_depth", "route"),
            "{{route}}: next batch may hold": once("window", "route"),
        },
    )
    found.with_panel(target.unit("short"))
    limiter = curves(
        "Room in the forwarder's limiter",
        "What it is believed to take, all alerts together.",
        {
            "the limiter takes": f"{once('limiter_alerts')} / {once('limiter_period_seconds')}",
            "put back": rate("replay_success_total"),
        },
    )
    found.with_panel(limiter.unit("mps").links([runbook("MUTTRemediationNoRoom")]))


def _health(found: make.Dashboard) -> None:
    found.with_row(make.Row("Health"))
    good = words(v1=("yes", GREEN), v0=("NO", RED))
    bad = dashboard.DynamicConfigValue(
        id_val="mappings", value=words(v0=("no", GREEN), v1=("YES", ORANGE))
    )
    queries = {
        "Moogsoft is healthy": f"min ({ours('moog_health')})",
        "Redis answers": f"min ({ours('redis_reachable')})",
        "the worker is there": 'max (up{job=~"$job", namespace=~"$namespace"})',
        "paused": f"max ({ours('paused')})",
        "the forwarder drops": f"max ({ours('dropping')})",
        "{{route}} backs off": f"{once('backoff_seconds', 'route')} > bool 0",
    }
    panel = states("What was true when", "Green is well.", queries).mappings(good)
    panel = panel.override_by_regexp("/^(paused|the forwarder drops|.* backs off)$/", [bad])
    found.with_panel(panel.links([runbook("MUTTRemediationRedisUnreachable")]))


def _dead(found: make.Dashboard) -> None:
    found.with_row(make.Row("Poison and dead letters"))
    reasons = curves(
        "Set aside, by reason",
        "Poison failed while others passed; malformed was no event at all.",
        {"{{reason}}": increase("replay_fail_total", "reason", over="$__rate_interval")},
    )
    reasons = reasons.draw_style(common.GraphDrawStyle.BARS).unit("short").fill_opacity(80)
    found.with_panel(reasons.links([runbook("MUTTHighPoisonMessageRate")]))
    suspects = curves(
        "Dead letters and suspects",
        "Suspects failed alone and wait for quiet traffic.",
        {
            "dead letters": once("dlq_depth", where=DEAD),
            "suspects of {{route}}": once("suspects", "route"),
        },
    )
    found.with_panel(suspects.unit("short").links([runbook("MUTTRemediationSuspectsWaiting")]))


def _times(found: make.Dashboard) -> None:
    found.with_row(make.Row("Latency"))
    buckets = once("loop_duration_seconds_bucket", "le", of="rate({}[$__rate_interval])")
    took = curves(
        "How long a cycle's replay takes",
        "It spreads its batch over REMEDIATION_DRAIN_INTERVAL.",
        {
            "half of them within": f"histogram_quantile(0.5, {buckets})",
            "99 % within": f"histogram_quantile(0.99, {buckets})",
        },
    )
    found.with_panel(took.unit("s"))
    oldest = curves(
        "How long the oldest has waited",
        "By the event's own time.",
        {"{{route}}": once("oldest_message_age_seconds", "route")},
    )
    found.with_panel(oldest.unit("s").links([runbook("MUTTRemediationOldestMessageOld")]))


def _losses(found: make.Dashboard) -> None:
    found.with_row(make.Row("What the pipeline itself loses"))
    lost = curves(
        "Destroyed, and saved from it",
        "The forwarder destroys an alert that meets its full limiter. Sheltered ones were moved"
        " aside before. MUTT's own metrics are there if Prometheus scrapes MUTT.",
        {
            "destroyed by the forwarder's limiter": "sum"
            " (rate(mutt_moog_rate_limit_hits_total[$__rate_interval]))",
            "of ours, believed": rate("dropped_total"),
            "sheltered": rate("sheltered_total"),
        },
    )
    found.with_panel(lost.unit("mps").links([runbook("MUTTForwarderLosesAlerts")]))
    shed = curves(
        "Shed and given up",
        "What comes into the dead letter queues, by MUTT's own counters.",
        {
            "shed by the alerter ({{mode}})": "sum by (mode)"
            " (rate(mutt_alerter_shed_events_total[$__rate_interval]))",
            "alerter: {{status}}": "sum by (status) (rate("
            'mutt_alerter_events_processed_total{status=~"poison|error"}[$__rate_interval]))',
            "forwarder: {{status}}": "sum by (status)"
            ' (rate(mutt_moog_alerts_processed_total{status!="success"}[$__rate_interval]))',
        },
    )
    found.with_panel(shed.unit("mps"))


def _help(found: make.Dashboard) -> None:
    found.with_row(make.Row("Alerts, and what to do"))
    query = prometheus.Dataquery().expr('ALERTS{service="remediation", alertstate="firing"}')
    query = query.instant().format(asked.PromQueryFormat.TABLE).ref_id("A").datasource(SOURCE)
    hidden = {"Time": True, "Value": True, "__name__": True, "alertstate": True, "service": True}
    columns = dashboard.DataTransformerConfig(
        id_val="organize", options={"excludeByName": hidden, "indexByName": {}, "renameByName": {}}
    )
    alerts = table.Panel().title("Alerts that fire").datasource(SOURCE).with_target(query)
    alerts = alerts.description("The runbook has a section for each.").no_value("none")
    alerts = alerts.with_transformation(columns).links([link("Runbook", "${runbook}")])
    found.with_panel(alerts.span(12).height(10))
    rows = "\n".join(f"| `{reason}` | {meaning} |" for reason, meaning in WORDS.items())
    told = (
        "`mutt-dlq status --watch` says all this in a terminal, `mutt-dlq groups` what kinds of"
        " messages wait, `mutt-dlq journal` what was done.\n\n"
        f"| what holds it | means |\n|---|---|\n{rows}\n"
    )
    panel = text.Panel().title("What the words mean").content(told)
    found.with_panel(panel.mode(written.TextMode.MARKDOWN).span(12).height(10))
