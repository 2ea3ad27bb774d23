"""The overview: what is going on, why not more, and whether anything is lost."""

from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import common, dashboard

from tools.dashboards import overview_rows as rows
from tools.dashboards.parts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
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
    steps,
    typed,
    words,
)

UID = "mutt-remediation"

LOWER_ROWS = (rows.health, rows.dead, rows.times, rows.losses, rows.books, rows.words_and_alerts)

WAITING = 'dlq_name!="$dead"'
HELD = 'outcome="held", reason!="empty"'

# What is going on, the most telling first; `_state` has the words for the numbers.
_STATE = " or ".join(
    (
        f"(min ({ours('enabled')}) == 0) * 0 + 4",
        f"(max ({ours('dropping')}) == 1) * 0 + 3",
        f"(max ({ours('paused')}) == 1) * 0 + 2",
        f"max ({ours('draining')})",
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
    for add in (_now, _flow, _why, *LOWER_ROWS):
        add(found)
    return finished(found)


def _now(found: make.Dashboard) -> None:
    """Two lines that can be read out as two sentences."""
    found.with_row(make.Row("Now"))
    _now_going(found)
    _now_wrong(found)


def _state() -> stat.Panel:
    state = number("Replays are", "What holds everything comes first.", _STATE)
    state = state.mappings(
        words(
            v0=("at rest", GREEN),
            v1=("going back", BLUE),
            v2=("paused by an operator", ORANGE),
            v3=("stopped: the forwarder drops them", RED),
            v4=("switched off", ORANGE),
        )
    )
    return state.no_value("unknown: Redis or the worker is away").thresholds(steps(RED))


def _now_going(found: make.Dashboard) -> None:
    found.with_panel(_state())
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
    empty = empty.unit("dtdurations").thresholds(steps(GREY, (0, GREEN), (1, BLUE), (3600, ORANGE)))
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


def _held() -> stat.Panel:
    held = number(
        "Mostly held by",
        "What held most cycles of the last five minutes; below is what each means.",
        f"topk(1, {increase('cycles_total', 'reason', over='5m', where=HELD)} > 0)",
        legend="{{reason}}",
    )
    held = held.text_mode(common.BigValueTextMode.NAME).thresholds(steps(GREEN, (0, ORANGE)))
    return held.no_value("nothing").links([runbook("MUTTRemediationNotDraining")])


def _now_wrong(found: make.Dashboard) -> None:
    found.with_panel(_held())
    cycle = number(
        "Last cycle ended",
        "Beat starts one every REMEDIATION_INTERVAL, a drain every second.",
        f"time() - max ({ours('last_cycle_timestamp_seconds')})",
    )
    cycle = cycle.unit("dtdurations").thresholds(steps(RED, (0, GREEN), (600, ORANGE), (900, RED)))
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
        once("dlq_depth", where=rows.DEAD),
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
    lost = lost.decimals(0).thresholds(steps(GREY, (0, GREEN), (0.5, RED))).no_value("not scraped")
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
