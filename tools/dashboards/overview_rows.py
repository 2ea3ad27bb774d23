"""The lower rows of the overview: health, dead letters, losses, and what the words mean."""

from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.builders import prometheus, table, text
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import prometheus as asked
from grafana_foundation_sdk.models import text as written

from mutt_tasks.operations.reasons import WORDS
from tools.dashboards.parts import (
    GREEN,
    ORANGE,
    RED,
    SOURCE,
    curves,
    increase,
    link,
    number,
    once,
    ours,
    rate,
    runbook,
    sized,
    states,
    steps,
    words,
)

DEAD = 'dlq_name="$dead"'


def health(found: make.Dashboard) -> None:
    """What was true when."""
    found.with_row(make.Row("Health"))
    good = words(v1=("yes", GREEN), v0=("NO", RED))
    bad = dashboard.DynamicConfigValue(
        id_val="mappings", value=words(v0=("no", GREEN), v1=("YES", ORANGE))
    )
    queries = {
        "Moogsoft is healthy": f"min ({ours('moog_health')})",
        "Redis answers": f"min ({ours('redis_reachable')})",
        "the worker is there": 'max (up{job=~"$job", namespace=~"$namespace"})',
        "the forwarder's breaker is open": f"max ({ours('forwarder_breaker_open')})",
        "paused": f"max ({ours('paused')})",
        "the forwarder drops": f"max ({ours('dropping')})",
        "{{route}} backs off": f"{once('backoff_seconds', 'route')} > bool 0",
    }
    panel = states("What was true when", "Green is well.", queries).mappings(good)
    panel = panel.override_by_regexp("/^(paused|the forwarder.*|.* backs off)$/", [bad])
    found.with_panel(panel.links([runbook("MUTTRemediationRedisUnreachable")]))


def dead(found: make.Dashboard) -> None:
    """What is set aside, and why."""
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


def times(found: make.Dashboard) -> None:
    """How long a cycle takes, and how long messages wait."""
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


def losses(found: make.Dashboard) -> None:
    """What the pipeline destroys or gives up by itself."""
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


def books(found: make.Dashboard) -> None:
    """Whether every message and every entry of the audit is accounted for."""
    found.with_row(make.Row("Whether everything is accounted for"))
    missing = number(
        "Messages missing",
        "They left a list, and no counter has them: somebody else took them.",
        once("missing_messages_total"),
    )
    missing = missing.thresholds(steps(GREEN, (1, RED))).no_value("none")
    found.with_panel(sized(missing, 6, 4).links([runbook("MUTTRemediationBooksDoNotBalance")]))
    whole = number(
        "The audit is",
        "Whether an entry was changed or removed: `mutt-dlq audit verify` says which.",
        f"min ({ours('audit_whole')})",
    )
    whole = whole.mappings(words(v1=("whole", GREEN), v0=("CHANGED by somebody", RED)))
    whole = whole.no_value("not checked yet").links([runbook("MUTTRemediationAuditChainBroken")])
    found.with_panel(sized(whole, 6, 4))
    checked = number(
        "Books were checked",
        "So long ago.",
        f"time() - max ({ours('books_checked_timestamp_seconds')})",
    )
    checked = checked.unit("dtdurations").no_value("never")
    found.with_panel(sized(checked, 6, 4).links([runbook("MUTTRemediationChecksLate")]))
    pause = number(
        "The pause ends in",
        "`mutt-dlq status` says who paused and why; `mutt-dlq resume` ends it.",
        f"max ({ours('pause_ends_timestamp_seconds')}) - time()",
    )
    pause = pause.unit("dtdurations").thresholds(steps(GREEN, (0, ORANGE))).no_value("no pause")
    found.with_panel(sized(pause, 6, 4).links([runbook("MUTTRemediationPauseForgotten")]))


def words_and_alerts(found: make.Dashboard) -> None:
    """What fires, and what the words mean."""
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
