"""Celery's own settings, built from those of the application's process.

`docs/design.md` says why each of these departs from Celery's defaults.
"""

from datetime import UTC, datetime
from typing import Any

from mutt_tasks.celery import app
from mutt_tasks.schedule import DynamicInterval

_settings = app.settings

QUEUE = "remediation"

imports = ("mutt_tasks.tasks",)

broker_url = _settings.celery_broker
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# Without it the first refusal (memory full, read-only after a failover) ends the worker.
broker_channel_error_retry = True
broker_transport_options: dict[str, Any] = {
    "socket_keepalive": True,
    # Without it a half-open connection hangs beat for minutes; much shorter, and a stall of
    # the server sends a task twice.
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "health_check_interval": 10,
    "visibility_timeout": 3600,
}
if _settings.redis.address.scheme == "sentinel" and not _settings.redis.broker_url:
    broker_transport_options["master_name"] = _settings.redis.address.service
    broker_transport_options["sentinel_kwargs"] = {"socket_timeout": 5}

task_default_queue = QUEUE
task_serializer = "json"
result_serializer = "json"
accept_content = ["json"]
# Chains hand results on and Flower reads them from events: nothing needs to store them.
task_ignore_result = True

worker_pool = "prefork"
worker_concurrency = 1
worker_prefetch_multiplier = 1
worker_disable_prefetch = True
worker_cancel_long_running_tasks_on_connection_loss = False
worker_send_task_events = True
task_send_sent_event = True
# A killed worker's batch is finished by nobody: it did or did not commit, and the next
# tick takes over. Late acknowledgement would only run stale tasks again.
task_acks_late = False
task_reject_on_worker_lost = False
# Ends a step that hangs. Longer than a lease lives, for that protects nothing: a step that does not
# renew its lease has lost it, and its writes are refused.
task_time_limit = 40
task_soft_time_limit = 32

timezone = "UTC"
beat_scheduler = "celery.beat:Scheduler"
beat_enable_remote_control = True
beat_max_loop_interval = 5
beat_schedule = {
    "remediate": {
        "task": "mutt_tasks.remediate",
        "schedule": DynamicInterval(_settings),
        "kwargs": {"trigger": "beat"},
        # A tick that nobody took is gone before the next: no pile-up while the worker is down.
        "options": {"queue": QUEUE, "expires": _settings.pace.interval * 0.9},
        # Long ago, so that a beat that starts fires at once.
        "last_run_at": datetime(2000, 1, 1, tzinfo=UTC),
    },
}
