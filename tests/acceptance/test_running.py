"""Real beat and worker processes on a real Redis, as in production."""

import base64
import json
import pickle
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import redis
from prometheus_client.parser import text_string_to_metric_families

from tests.pipeline import DEAD, DLQ, INGEST, event, fill, lying_in, numbers_in
from tests.redis_server import RedisServer
from tests.services import ROOT, Services, services, until

FIXED_METRICS = {
    "mutt_remediation_loops_total": set(),
    "mutt_remediation_dlq_depth": {"dlq_name"},
    "mutt_remediation_replay_success_total": set(),
    "mutt_remediation_replay_fail_total": {"reason"},
    "mutt_remediation_poison_messages_total": set(),
    "mutt_remediation_moog_health": set(),
    "mutt_remediation_loop_duration_seconds_count": set(),
}


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def held(running: Services) -> int:
    """How many cycles were held by a pause so far."""
    lines = [line for line in running.logs().splitlines() if '"message": "cycle"' in line]
    return sum(json.loads(line).get("reason") == "paused" for line in lines)


def samples(running: Services) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    _, text = get(running.metrics_port, "/metrics")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_beat_and_worker_drain_a_backlog_and_the_metrics_say_so(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [b"garbage", event(900, _moog_retry_count=5)])
    fill(client, DLQ, [event(n) for n in range(120)])
    with services(tmp_path, redis_server.url, REMEDIATION_BATCH_SIZE=50) as running:
        running.executes = True
        running.worker()
        running.beat()
        until(lambda: client.llen(INGEST) == 120, hint=running.logs)
        until(lambda: get(running.health_port, "/ready") == (200, "ready"))
        assert get(running.health_port, "/health") == (200, "OK")
        assert get(running.health_port, "/nothing")[0] == 404
        until(lambda: "mutt_remediation_moog_health" in samples(running))
        found = samples(running)
    assert numbers_in(client, INGEST) == list(range(120))
    assert lying_in(client, DEAD)[0] == b"garbage"
    for name, labels in FIXED_METRICS.items():
        assert name in found
        assert {label for key in found[name] for label, _ in key} == labels
    assert found["mutt_remediation_replay_success_total"][()] == 120
    assert found["mutt_remediation_poison_messages_total"][()] == 1
    fails = found["mutt_remediation_replay_fail_total"]
    assert fails[(("reason", "malformed"),)] == 1
    depths = found["mutt_remediation_dlq_depth"]
    assert depths[(("dlq_name", DEAD),)] == 2
    assert depths[(("dlq_name", DLQ),)] == 0
    cycles = [line for line in running.logs().splitlines() if "outcome=replayed" in line]
    assert len(cycles) >= 3
    assert "host-1" not in running.logs()


def test_a_call_by_hand_drains_without_beat_and_pause_holds_it(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    with services(tmp_path, redis_server.url, LOG_JSON_ENABLED="true") as running:
        # Before the worker, which begins with a cycle of its own as soon as it finds messages.
        paused = running.call(
            "mutt_tasks.pause", "--kwargs", '{"actor": "ann", "reason": "change", "seconds": 600}'
        )
        assert re.search(r"^[0-9a-f-]{36}$", paused.stdout, re.MULTILINE), paused.stderr
        running.worker()
        until(lambda: client.exists("mutt:remediation:paused"), hint=running.logs)
        running.call("mutt_tasks.remediate")
        until(lambda: held(running) == 2, hint=running.logs)
        assert client.llen(DLQ) == 30
        running.call("mutt_tasks.resume", "--kwargs", '{"actor": "ann"}')
        until(lambda: not client.exists("mutt:remediation:paused"))
        running.call("mutt_tasks.remediate")
        until(lambda: client.llen(INGEST) == 30, hint=running.logs)
        until(lambda: '"next_cycle": ""' in running.logs())
    lines = [json.loads(line) for line in running.logs().splitlines() if line.startswith("{")]
    replayed = [line for line in lines if line.get("outcome") == "replayed"]
    assert sum(line["routes"]["alerter"]["replayed"] for line in replayed) == 30
    assert all(re.fullmatch("[0-9a-f]{32}", line["cycle"]) for line in replayed)


def test_an_operator_puts_a_dead_letter_back_by_the_digits_that_the_list_shows(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(1, _moog_retry_count=6, api_key="s3cret")])
    with services(tmp_path, redis_server.url) as running:
        running.worker()
        running.call("mutt_tasks.remediate")
        until(lambda: client.llen(DEAD) == 1, hint=running.logs)
        (shown,) = listed(running)
        assert (shown["reason"], shown["fields"]["hostname"]) == ("poison", "host-1")
        running.call("mutt_tasks.requeue")
        until(
            lambda: "requeue failed: missing digest, actor, reason" in running.logs(),
            hint=running.logs,
        )
        running.call("mutt_tasks.requeue", "--kwargs", '{"digest": "0123456789AB", "actor": "a"}')
        until(lambda: "missing reason; accepts digest" in running.logs(), hint=running.logs)
        asked = {"digest": "0" * 12, "actor": "ann", "reason": "mended"}
        running.call("mutt_tasks.requeue", "--kwargs", json.dumps(asked))
        until(lambda: "outcome=not_found" in running.logs(), hint=running.logs)
        asked["digest"] = shown["id"].removeprefix("m-")
        running.call("mutt_tasks.requeue", "--kwargs", json.dumps(asked))
        until(lambda: "outcome=requeued" in running.logs(), hint=running.logs)
        assert (client.llen(DEAD), numbers_in(client, DLQ)) == (0, [1])
        running.call("mutt_tasks.remediate")
        until(lambda: numbers_in(client, INGEST) == [1], hint=running.logs)
    assert "Traceback" not in running.logs()
    assert "s3cret" not in running.logs()


def listed(running: Services) -> list[dict[str, Any]]:
    """The dead letter list as `mutt-dlq list` shows it."""
    command = [sys.executable, "-m", "celery", "-A", "mutt_tasks", "dlq", "list"]
    ended = subprocess.run(
        [*command, "--route", "dead", "-o", "json"],
        cwd=ROOT,
        env=running.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def test_a_changed_interval_takes_effect_without_a_restart(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    env = {"REMEDIATION_INTERVAL": 3600, "DYNAMIC_CONFIG_ENABLED": "true"}
    with services(tmp_path, redis_server.url, **env) as running:
        running.worker()
        running.beat()
        until(lambda: client.hget("mutt:remediation:stats", "loops") == b"1", hint=running.logs)
        client.set("mutt:config:remediation_interval", "1")
        until(
            lambda: int(client.hget("mutt:remediation:stats", "loops") or 0) >= 4,
            hint=running.logs,
        )


def test_metrics_say_that_redis_is_away_and_nothing_else_and_recover(tmp_path: Path) -> None:
    server = RedisServer(tmp_path).start()
    with services(tmp_path, server.url) as running:
        running.worker()
        running.beat()
        until(lambda: "mutt_remediation_loops_total" in samples(running), hint=running.logs)
        server.kill()
        away = samples(running)
        assert away == {"mutt_remediation_redis_reachable": {(): 0.0}}
        status, reason = get(running.health_port, "/ready")
        assert (status, reason[:20]) == (503, "Redis cannot be reac")
        assert get(running.health_port, "/health") == (200, "OK")
        server.start()
        fill(server.client, DLQ, [event(1)])
        until(lambda: server.client.llen(INGEST) == 1, 60, hint=running.logs)
    server.stop()


def test_whatever_stands_in_the_task_queue_the_worker_runs_on(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    body = base64.b64encode(pickle.dumps(([], {}, {}))).decode()
    headers = {"lang": "py", "task": "mutt_tasks.remediate", "id": "x", "root_id": "x"}
    properties = {
        "correlation_id": "x",
        "delivery_mode": 2,
        "delivery_tag": "t",
        "priority": 0,
        "delivery_info": {"exchange": "", "routing_key": "remediation"},
        "body_encoding": "base64",
    }
    pickled: dict[str, object] = {
        "body": body,
        "content-encoding": "binary",
        "content-type": "application/x-python-serialize",
        "headers": headers,
        "properties": properties,
    }
    strange: list[str | bytes] = [
        json.dumps(pickled),
        json.dumps(pickled | {"content-type": "application/json"}),
        json.dumps(pickled | {"headers": None}),
        json.dumps(pickled | {"properties": {}}),
        *("", "garbage", "[1,2]", "{}", "7", "null", '"x"', "[" * 100_000, b"\xff\x00"),
    ]
    with services(tmp_path, redis_server.url) as running:
        worker = running.worker()
        client.lpush("remediation", *strange)
        until(lambda: client.llen("remediation") == 0, hint=running.logs)
        fill(client, DLQ, [event(1)])
        running.call("mutt_tasks.remediate", "--kwargs", '{"trigger": "magic"}')
        running.call("mutt_tasks.replay_dlq_batch", "--args", '[1, "x"]')
        running.call("mutt_tasks.remediate", "--kwargs", '{"trigger": "drain", "cycle": "?"}')
        running.call("mutt_tasks.remediate")
        until(lambda: client.llen(INGEST) == 1, hint=running.logs)
        assert worker.poll() is None
    assert "Unrecoverable" not in running.logs()
    assert "Refusing to deserialize" in running.logs()
    assert "trigger: got 'magic', accepts one of hand, beat, drain" in running.logs()
