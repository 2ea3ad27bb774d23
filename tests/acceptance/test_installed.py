"""The package works where it is installed, away from the repository; Flower reads its results."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import redis

from tests.pipeline import DLQ, INGEST, event, fill
from tests.redis_server import RedisServer, free_port
from tests.services import ROOT, Services, services, until


def test_an_installed_package_brings_its_configuration_along(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    here = tmp_path / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-build-isolation", "--target", str(here), str(ROOT)],
        check=True,
        cwd=tmp_path,
        capture_output=True,
    )
    report = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            "import sys; sys.path[:0] = sys.argv[1:3]; sys.argv = ['celery',"
            " '-A', 'mutt_tasks', 'report']; from celery.__main__ import main; main()",
            str(here),
            next(p for p in sys.path if p.endswith("site-packages")),
        ],
        cwd=tmp_path,
        env=Services(tmp_path, "redis://127.0.0.1:1/0").env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert report.returncode == 0, report.stderr
    assert "'remediation'" in report.stdout
    assert (here / "mutt_tasks/store/lua/commit.lua").exists()


def test_flower_shows_every_task_with_a_readable_result(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(1)])
    port = free_port()

    def shown() -> dict[str, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/tasks", timeout=5) as answer:
                found = json.load(answer)
        except OSError:
            return {}
        return {
            task["name"]: task["result"] for task in found.values() if task["state"] == "SUCCESS"
        }

    with services(tmp_path, redis_server.url) as running:
        running.start(
            "flower", f"--port={port}", "--address=127.0.0.1", FLOWER_UNAUTHENTICATED_API="true"
        )
        until(lambda: f":{port}" in running.logs(), hint=running.logs)
        running.worker()
        until(lambda: "ready" in running.logs(), hint=running.logs)
        running.call("mutt_tasks.remediate")
        until(lambda: client.llen(INGEST) == 1, hint=running.logs)
        until(lambda: len(shown()) == 3, hint=lambda: f"{shown()} {running.logs()}")
        results = shown()
    assert "'outcome': 'started'" in results["mutt_tasks.remediate"]
    assert "'outcome': 'healthy'" in results["mutt_tasks.check_moogsoft_health"]
    assert "'replayed': 1" in results["mutt_tasks.replay_dlq_batch"]
