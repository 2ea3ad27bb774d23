"""The stand-ins as processes of their own, as the Compose file runs them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import redis
import requests

from tests.demo.demo_run import environment
from tests.redis_server import RedisServer, free_port
from tests.services import until


def start(module: str, *arguments: str, log: Path, **env: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment(**env),
            stdout=out,
            stderr=out,
        )


def end(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(20)


def test_pipeline_and_moogsoft_run_alone_and_the_sample_is_put_in_once(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/webhook"
    moogsoft = start("stand_ins.moogsoft", "--port", str(port), log=tmp_path / "moogsoft.log")
    env = {
        "REDIS_URL": redis_server.url,
        "MOOG_WEBHOOK_URL": url,
        "REMEDIATION_ROUTES": "alerter",
    }
    pipeline = start("demo.pipeline", "--events", "40", log=tmp_path / "pipeline.log", **env)
    until(lambda: b"at work" in (tmp_path / "pipeline.log").read_bytes())
    until(lambda: b"listening" in (tmp_path / "moogsoft.log").read_bytes())
    assert client.llen("mutt:dlq:alerter") == 40
    event = {"hostname": "h", "timestamp": "2026-01-01T00:00:00Z", "message": "m"}
    client.lpush("mutt:ingest_queue", json.dumps(event))
    with requests.Session() as session:

        def accepted() -> int:
            answer = session.get(f"http://127.0.0.1:{port}/health", timeout=5).json()
            return int(answer["accepted"])

        until(accepted)
    assert end(pipeline) == 0
    pipeline = start("demo.pipeline", "--events", "40", log=tmp_path / "again.log", **env)
    until(lambda: b"at work" in (tmp_path / "again.log").read_bytes())
    assert end(pipeline) == end(moogsoft) == 0
    assert client.llen("mutt:dlq:alerter") == 40
    assert "1 events accepted" in (tmp_path / "moogsoft.log").read_text()


def test_the_pipeline_says_what_it_is_missing() -> None:
    for env, words in (
        ({}, "MOOG_WEBHOOK_URL: needs the address of Moogsoft"),
        ({"REMEDIATION_INTERVAL": "x"}, "REMEDIATION_INTERVAL: got 'x'"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "demo.pipeline"],
            env=environment(**env),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        assert words in done.stderr
