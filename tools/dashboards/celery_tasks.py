"""The Celery tasks, as celery-exporter counts them from Celery's events."""

from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import common, dashboard

from tools.dashboards.parts import (
    BLUE,
    GREEN,
    ORANGE,
    OURS,
    RED,
    board,
    common_variables,
    curves,
    finished,
    number,
    runbook,
    sized,
    some_of,
    steps,
)

UID = "mutt-remediation-celery"

TASKS = f'{OURS}, name=~"$task"'
QUEUE = f'{OURS}, queue_name="remediation"'


def celery_tasks() -> dashboard.Dashboard:
    """The dashboard."""
    about = "Worker, queue and tasks of the remediation, as celery-exporter counts them."
    names = 'label_values(celery_task_received_total{name=~"mutt_tasks.*"}, name)'
    # One that nothing was heard of has no series: what Celery itself runs is none of ours.
    task = some_of("task", "Task", names).all_value("mutt_tasks.*")
    variables = [*common_variables("celery_worker_up"), task]
    found = board(UID, "MUTT remediation: Celery tasks", about, variables)
    for add in (_now, _counts, _times):
        add(found)
    return finished(found)


def _counted(event: str, *labels: str) -> str:
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"sum{by} (rate(celery_task_{event}_total{{{TASKS}}}[$__rate_interval]))"


def _now(found: make.Dashboard) -> None:
    found.with_row(make.Row("Now"))
    up = number(
        "Workers heard of", "One is meant to be there.", f"sum (celery_worker_up{{{OURS}}})"
    )
    up = up.thresholds(steps(RED, (1, GREEN), (2, ORANGE))).no_value("none ever")
    found.with_panel(sized(up, 6, 4).links([runbook("MUTTRemediationDown")]))
    length = number(
        "Tasks that wait",
        "A tick that nobody takes expires, so more than a few are somebody's doing.",
        f"max (celery_queue_length{{{QUEUE}}})",
    )
    found.with_panel(sized(length.thresholds(steps(GREEN, (5, ORANGE), (50, RED))), 6, 4))
    active = number(
        "Tasks under way", "There is one slot.", f"sum (celery_worker_tasks_active{{{OURS}}})"
    )
    found.with_panel(sized(active.thresholds(steps(GREEN, (1, BLUE))), 6, 4))
    failed = number(
        "Failed in the last hour",
        "The worker's log says of each why.",
        f"sum (increase(celery_task_failed_total{{{TASKS}}}[1h])) or vector(0)",
    )
    failed = failed.decimals(0).thresholds(steps(GREEN, (0.5, ORANGE)))
    found.with_panel(sized(failed, 6, 4))


def _counts(found: make.Dashboard) -> None:
    found.with_row(make.Row("Tasks"))
    ended = curves(
        "Tasks that ended well",
        "A cycle is one of each: remediate, check_moogsoft_health, replay_dlq_batch.",
        {"{{name}}": _counted("succeeded", "name")},
    )
    found.with_panel(ended.unit("ops"))
    events = (
        "sent",
        "received",
        "started",
        "succeeded",
        "failed",
        "revoked",
        "retried",
        "rejected",
    )
    stages = curves(
        "From sent to ended",
        "Sent and never received: no worker. Revoked: a tick that expired while none was there.",
        {event: _counted(event) for event in events},
    )
    found.with_panel(stages.unit("ops").links([runbook("MUTTRemediationNoCycle")]))
    failed = curves(
        "Failures, by exception",
        "StoreUnavailable: Redis is away. SoftTimeLimitExceeded: a step took longer than 32 s.",
        {"{{name}}: {{exception}}": _counted("failed", "name", "exception")},
    )
    failed = failed.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).unit("ops")
    found.with_panel(failed.links([runbook("MUTTRemediationRedisUnreachable")]))
    found.with_panel(_queue())


def _queue() -> timeseries.Panel:
    queue = curves(
        "The queue, and who takes from it",
        "Celery's queue `remediation`; the consumers of a Redis queue are not counted.",
        {
            "tasks that wait": f"max (celery_queue_length{{{QUEUE}}})",
            "workers": f"max (celery_active_worker_count{{{QUEUE}}})",
            "processes": f"max (celery_active_process_count{{{QUEUE}}})",
        },
    )
    return queue.unit("short")


def _times(found: make.Dashboard) -> None:
    found.with_row(make.Row("How long tasks run"))
    runtime = f"celery_task_runtime_bucket{{{TASKS}}}[$__rate_interval]"
    buckets = f"sum by (name, le) (rate({runtime}))"
    for share, title in ((0.5, "Half of them within"), (0.99, "99 % within")):
        took = curves(
            title,
            "A replay spreads its batch over REMEDIATION_DRAIN_INTERVAL; the hard limit is 40 s.",
            {"{{name}}": f"histogram_quantile({share}, {buckets})"},
        )
        found.with_panel(took.unit("s"))
