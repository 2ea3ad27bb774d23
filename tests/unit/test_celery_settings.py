"""What Celery is told: each departure from its defaults that a mistake could undo unseen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import celeryconfig
from mutt_tasks.schedule import DynamicInterval

TICK: Any = celeryconfig.beat_schedule["remediate"]


def test_a_tick_says_that_it_is_one_and_keeps_the_interval() -> None:
    assert TICK["task"] == "mutt_tasks.remediate"
    assert TICK["kwargs"] == {"trigger": "beat"}
    assert isinstance(TICK["schedule"], DynamicInterval)


def test_a_beat_that_starts_fires_at_once() -> None:
    assert TICK["last_run_at"] < datetime.now(UTC) - timedelta(days=365)


def test_a_worker_takes_one_task_at_a_time_and_none_beforehand() -> None:
    assert celeryconfig.worker_concurrency == 1
    assert celeryconfig.worker_prefetch_multiplier == 1
    assert celeryconfig.worker_disable_prefetch


def test_a_killed_workers_task_is_not_run_again() -> None:
    assert not celeryconfig.task_acks_late
    assert not celeryconfig.task_reject_on_worker_lost
    assert not celeryconfig.worker_cancel_long_running_tasks_on_connection_loss


def test_nothing_but_json_is_taken_and_no_result_is_stored() -> None:
    assert celeryconfig.accept_content == ["json"]
    assert celeryconfig.task_serializer == celeryconfig.result_serializer == "json"
    assert celeryconfig.task_ignore_result


def test_a_broker_that_is_away_or_refuses_is_waited_for() -> None:
    assert celeryconfig.broker_connection_retry_on_startup
    assert celeryconfig.broker_connection_max_retries is None
    assert celeryconfig.broker_channel_error_retry


def test_flower_and_the_exporter_are_told_of_each_task() -> None:
    assert celeryconfig.worker_send_task_events
    assert celeryconfig.task_send_sent_event


def test_a_connection_that_is_half_open_is_found_out_and_a_stall_sends_no_task_twice() -> None:
    options = celeryconfig.broker_transport_options
    assert options["socket_keepalive"]
    assert 10 <= options["socket_timeout"] <= 20
    assert options["health_check_interval"] <= options["socket_timeout"]
