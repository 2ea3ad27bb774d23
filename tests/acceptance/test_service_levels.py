"""`mutt-dlq slo` as people and scripts run it, without a Prometheus."""

from pathlib import Path

import redis
import yaml

from mutt_tasks.core.slo_books import OWN
from mutt_tasks.store.store import Store
from tests.acceptance.conftest import Run, of
from tests.pipeline import DLQ, event, fill, run_cycle, settings_of
from tests.redis_server import free_port


def test_the_levels_come_from_redis_and_the_exit_status_is_asked_for(
    client: redis.Redis, store: Store, run: Run
) -> None:
    run_cycle(store, settings_of())
    fill(client, DLQ, [event(n) for n in range(5)])
    run_cycle(store, settings_of())
    client.delete(DLQ)
    report = of(run("slo", "-o", "json"))
    named = {each["name"]: each for each in report["objectives"]}

    assert (report["source"], tuple(named)) == ("redis", OWN)
    assert (named["recovered"]["state"], named["recovered"]["events"]) == ("ok", 5)
    assert run("slo", "--fail-on", "critical").returncode == 0
    client.hincrby("mutt:remediation:stats", "dropped", 1)
    missed = run("slo", "--fail-on", "critical")
    assert missed.returncode == 1
    assert "conserved" in missed.stdout
    assert run("slo").returncode == 0


def test_a_prometheus_that_is_away_is_no_data_and_no_failure(run: Run) -> None:
    nobody = f"http://user:hunter2Zk4@127.0.0.1:{free_port()}"
    ended = run("slo", "--fail-on", "warning", "-o", "json", PROMETHEUS_URL=nobody)
    report = of(ended)
    assert report["state"] == "no_data"
    assert all(each["why"] for each in report["objectives"])
    assert "hunter2Zk4" not in ended.stdout + ended.stderr


def test_redis_that_is_away_ends_it_as_any_command(run: Run) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    assert run("slo", REDIS_URL=away).returncode == 6


def test_a_file_of_objectives_is_read_or_refused_with_a_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text("objectives: {landed: false, recovered: {objective: 0.5}}")
    told = of(run("slo", "-o", "json", SLO_FILE=str(path)))["objectives"]
    assert {each["name"]: each["objective"] for each in told}["recovered"] == 0.5
    assert "landed" not in {each["name"] for each in told}
    alerts = yaml.safe_load(run("slo", "--rules", SLO_FILE=str(path)).stdout)
    assert "mutt-slo-landed" not in {group["name"] for group in alerts["groups"]}

    path.write_text("objectives: {recovered: {objective: 99}}")
    refused = run("slo", SLO_FILE=str(path))
    assert refused.returncode == 2
    assert "recovered: objective: got 99" in refused.stderr
