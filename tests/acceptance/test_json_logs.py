"""With LOG_JSON_ENABLED every line that worker and beat print is one JSON object, to the end."""

import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import redis

from mutt_tasks.release import VERSION
from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import DLQ, event, fill
from tests.redis_server import RedisServer
from tests.services import Services, services, until

ALWAYS = ("timestamp", "level", "message", "logger", "service", "version", "pod_name")


def lines_of(running: Services, name: str) -> list[dict[str, Any]]:
    """What a process printed on both its outputs; each line has to be an object."""
    (file,) = running.folder.glob(f"*-{name}.log")
    return [json.loads(line) for line in file.read_text().splitlines()]


def tail(running: Services) -> str:
    return running.logs()[-2000:]


def saying(lines: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    return [line for line in lines if text in line["message"]]


def test_every_line_is_an_object_from_start_to_stop(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    # A batch that is spread over more time than the task will have.
    fill(client, DLQ, [event(n) for n in range(90)])
    with MoogsoftServer(status(200)) as moogsoft:
        env = {
            "LOG_JSON_ENABLED": "true",
            "MOOG_WEBHOOK_URL": moogsoft.url,
            "REMEDIATION_DRAIN_INTERVAL": "5",
            "REMEDIATION_MAX_RATE": "20",
            "REMEDIATION_BATCH_SIZE": "90",
            "POD_NAME": "pod-7",
            "MOOG_TYPO": "1",
        }
        with services(tmp_path, redis_server.url, **env) as running:
            worker = running.start("worker", "-Q", "remediation", "--", "task.soft_time_limit=1.0")
            beat = running.beat()
            hint = partial(tail, running)
            running.call("nobody.knows.it")
            until(lambda: "unregistered task" in running.logs(), hint=hint)
            until(lambda: "SoftTimeLimitExceeded" in running.logs(), hint=hint)
            worker.send_signal(signal.SIGUSR1)
            until(lambda: "serve-metrics" in running.logs(), hint=hint)
            beat.send_signal(signal.SIGTERM)
            worker.send_signal(signal.SIGTERM)
            assert (beat.wait(30), worker.wait(30)) == (0, 0)
            found, ticks = lines_of(running, "worker"), lines_of(running, "beat")
    for line in found + ticks:
        assert all(isinstance(line[name], str) and line[name] for name in ALWAYS)
        assert (line["service"], line["pod_name"]) == ("mutt-remediation", "pod-7")
    assert {line["version"] for line in found + ticks} == {VERSION}
    (banner,) = saying(found, "worker starts")
    assert banner["queues"] == ["remediation"]
    assert "mutt_tasks.remediate" in banner["tasks"]
    assert saying(ticks, "beat starts")
    assert saying(found, "MOOG_TYPO")[0]["level"] == "WARNING"
    assert saying(found, "Warm shutdown")
    assert "Traceback" in saying(found, "unregistered task")[0]["traceback"]
    (failed, *_) = [line for line in found if "SoftTimeLimit" in line.get("traceback", "")]
    assert failed["level"] == "ERROR"
    # Also where Celery itself reports that a task of the cycle failed.
    assert len(failed["cycle"]) == 32
    cycles = [line for line in found if line["message"] == "cycle"]
    assert cycles
    assert all(len(line["cycle"]) == 32 for line in cycles)
    assert "cycle" not in banner
