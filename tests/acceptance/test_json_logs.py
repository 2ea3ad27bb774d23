"""With LOG_JSON_ENABLED every line that worker and beat print is one JSON object, to the end."""

import json
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mutt_tasks.release import VERSION
from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import DLQ, event, fill
from tests.redis_server import RedisServer
from tests.services import Services, services, until

# One process runs them all, for they share what took seconds to come about.
pytestmark = pytest.mark.xdist_group("json_logs")

ALWAYS = ("timestamp", "level", "message", "logger", "service", "version", "pod_name")

ENVIRONMENT = {
    "LOG_JSON_ENABLED": "true",
    # A batch that is spread over more time than the task will have.
    "REMEDIATION_DRAIN_INTERVAL": "5",
    "REMEDIATION_MAX_RATE": "20",
    "REMEDIATION_BATCH_SIZE": "90",
    "POD_NAME": "pod-7",
    "MOOG_TYPO": "1",
}

# Celery's pool waits for 30 s at its end where a task was handed over in that very moment.
STOP_SECONDS = 60

Lines = list[dict[str, Any]]


def lines_of(running: Services, name: str) -> Lines:
    """What a process printed on both its outputs; each line has to be an object."""
    (file,) = running.folder.glob(f"*-{name}.log")
    return [json.loads(line) for line in file.read_text().splitlines()]


def tail(running: Services) -> str:
    return running.logs()[-2000:]


def saying(lines: Lines, text: str) -> Lines:
    return [line for line in lines if text in line["message"]]


def run_to_the_end(running: Services) -> None:
    """Start both, see a warning, two tracebacks and a signal's answer, stop both."""
    worker = running.start(
        "worker", "-Q", "remediation", "-c", "1", "--", "task.soft_time_limit=1.0"
    )
    beat = running.beat()
    hint = partial(tail, running)
    running.call("nobody.knows.it")
    until(lambda: "unregistered task" in running.logs(), hint=hint)
    until(lambda: "SoftTimeLimitExceeded" in running.logs(), hint=hint)
    until(lambda: '"message": "cycle"' in running.logs(), hint=hint)
    worker.send_signal(signal.SIGUSR1)
    until(lambda: "serve-metrics" in running.logs(), hint=hint)
    beat.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGTERM)
    assert (beat.wait(STOP_SECONDS), worker.wait(STOP_SECONDS)) == (0, 0)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lines]]:
    """All that a worker and a beat printed from start to stop."""
    folder: Path = tmp_path_factory.mktemp("json")
    logs = folder / "logs"
    logs.mkdir()
    with RedisServer(folder) as server, MoogsoftServer(status(200)) as moogsoft:
        fill(server.client, DLQ, [event(n) for n in range(90)])
        env = ENVIRONMENT | {"MOOG_WEBHOOK_URL": moogsoft.url}
        with services(logs, server.url, **env) as running:
            run_to_the_end(running)
            yield {name: lines_of(running, name) for name in ("worker", "beat")}


def test_every_line_says_when_who_and_what(printed: dict[str, Lines]) -> None:
    for line in printed["worker"] + printed["beat"]:
        assert all(isinstance(line[name], str) and line[name] for name in ALWAYS)
        assert (line["service"], line["pod_name"]) == ("mutt-remediation", "pod-7")
        assert line["version"] == VERSION


def test_the_banners_are_lines_as_well(printed: dict[str, Lines]) -> None:
    (banner,) = saying(printed["worker"], "worker starts")

    assert banner["queues"] == ["remediation"]
    assert "mutt_tasks.remediate" in banner["tasks"]
    assert len(saying(printed["beat"], "beat starts")) == 1


def test_so_are_warnings_and_what_a_signal_has_said(printed: dict[str, Lines]) -> None:
    assert saying(printed["worker"], "MOOG_TYPO")[0]["level"] == "WARNING"
    assert saying(printed["worker"], "Warm shutdown")
    assert saying(printed["worker"], "serve-metrics")


def test_an_error_has_its_traceback_in_its_line(printed: dict[str, Lines]) -> None:
    (unknown,) = saying(printed["worker"], "unregistered task")

    assert unknown["level"] == "ERROR"
    assert "Traceback" in unknown["traceback"]


def test_every_line_of_a_cycle_names_it(printed: dict[str, Lines]) -> None:
    cycles = [line for line in printed["worker"] if line["message"] == "cycle"]
    failed = [line for line in printed["worker"] if "SoftTimeLimit" in line.get("traceback", "")]

    assert cycles
    assert failed
    # Also where Celery itself reports that a task of the cycle failed.
    assert all(len(line["cycle"]) == 32 for line in cycles + failed)
    assert "cycle" not in saying(printed["worker"], "worker starts")[0]
