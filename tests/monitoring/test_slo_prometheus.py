"""The checker against a real Prometheus, by real HTTP, with histories whose answers are known."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mutt_tasks.core.slo import State
from mutt_tasks.core.slo_objectives import OBJECTIVES
from mutt_tasks.levels.prometheus import Prometheus
from mutt_tasks.operations.slo import from_prometheus
from tests.monitoring.history import DAY, HOUR, History, Past, counter, prometheus

NEVER = counter((720, 0))


def own(name: str, events: Past, failures: Past) -> History:
    """One of our objectives, scraped from two workers that show the same numbers."""
    found = {}
    for instance in ("a", "b"):
        labels = f'{{job="mutt-remediation",instance="{instance}",objective="{name}"}}'
        found[f"mutt_remediation_objective_events_total{labels}"] = events
        found[f"mutt_remediation_objective_failures_total{labels}"] = failures
    return found


def histogram(name: str, **buckets: Past) -> History:
    """A histogram's buckets: `le_2_5` is the one up to 2.5."""
    labels = {word: word[3:].replace("_", ".").replace("inf", "+Inf") for word in buckets}
    return {f'{name}_bucket{{le="{labels[word]}"}}': past for word, past in buckets.items()}


def judged(url: str) -> dict[str, dict[str, Any]]:
    """What the checker finds, by objective."""
    found = from_prometheus(OBJECTIVES, Prometheus(url, 20)).as_json()
    return {each["name"]: each for each in found["objectives"]}


# 100 events an hour, but for what is said beside it.
STEADY = counter((720, 100))
MIXED: History = {
    **own("recovered", STEADY, counter((720, 0.5))),  # half of the budget
    **own("landed", counter((720, 100)), counter((720, 0), (2, 40))),  # since two hours 40 %
    **own("on_time", counter((720, 12)), counter((720, 0), (100, 0.5), (90, 0))),  # 5 of 8,640
    **own("conserved", NEVER, NEVER),
    # A failing hour, twenty hours ago: 30 of 2,400.
    'mutt_ingest_requests_total{status="success",reason=""}': STEADY,
    'mutt_ingest_requests_total{status="fail",reason="redis"}': counter(
        (720, 0), (20, 30), (19, 0)
    ),
    # Every alert is tried six times and delivered with the last: no failure.
    'mutt_moog_requests_total{status="fail",reason="http"}': counter((720, 500)),
    'mutt_moog_requests_total{status="success",reason=""}': STEADY,
    'mutt_moog_alerts_processed_total{status="success"}': STEADY,
    'mutt_moog_alerts_processed_total{status="error"}': counter((720, 500)),
    # All below a quarter second; 2 % between 1 and 2.5 s, two thirds of them below 2 s.
    **histogram("mutt_ingest_latency_seconds", le_0_25=STEADY, le_0_5=STEADY, le_inf=STEADY),
    **histogram(
        "mutt_moog_request_latency_seconds",
        le_0_5=counter((720, 90)),
        le_1_0=counter((720, 97)),
        le_2_5=counter((720, 100)),
        le_inf=counter((720, 100)),
    ),
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with `MIXED`."""
    with prometheus(tmp_path_factory.mktemp("mixed"), MIXED) as url:
        yield url


@pytest.fixture(scope="module")
def levels(mixed: str) -> dict[str, dict[str, Any]]:
    """What the checker makes of it."""
    return judged(mixed)


@pytest.mark.parametrize(
    ("name", "actual", "budget", "hour", "state"),
    [
        ("recovered", 0.995, 0.5, 0.5, "ok"),
        ("landed", 1 - 80 / 72_000, 1 - 8 / 72, 40.0, "critical"),
        ("on_time", 1 - 5 / 8640, 1 - 5 / 8.64, 0.0, "ok"),
        ("conserved", 1.0, 1.0, 0.0, "ok"),
        ("ingest_availability", 1 - 30 / 2430, 1 - 1000 * 30 / 2430, 0.0, "critical"),
        ("forwarder_availability", 1.0, 1.0, 0.0, "ok"),
        ("ingest_latency", 1.0, 1.0, 0.0, "ok"),
        ("forwarder_latency", 0.99, 0.0, 1.0, "ok"),
    ],
)
def test_the_checker_finds_what_is_known(
    levels: dict[str, dict[str, Any]],
    name: str,
    actual: float,
    budget: float,
    hour: float,
    state: str,
) -> None:
    found = levels[name]

    # Prometheus extrapolates to the edges of a window, to within a sample of each.
    assert found["actual"] == pytest.approx(actual, abs=0.0003)
    allowed = 1 - found["objective"]
    assert found["error_budget_left"] == pytest.approx(budget, abs=0.0003 / (allowed or 1))
    if allowed:
        assert found["burn_rate"] == pytest.approx(1 - budget, abs=0.0003 / allowed)
    assert found["burn_rates"]["1h"] == pytest.approx(hour, abs=0.05, rel=0.02)
    assert found["state"] == state


def test_an_objective_of_no_events_is_kept_and_one_without_series_has_no_data(
    levels: dict[str, dict[str, Any]],
) -> None:
    assert (levels["conserved"]["events"], levels["conserved"]["state"]) == (0, "ok")
    alerter = levels["alerter_availability"]
    assert (alerter["state"], alerter["actual"]) == ("no_data", None)
    assert alerter["why"]


def test_the_latency_is_told_in_seconds_as_well(levels: dict[str, dict[str, Any]]) -> None:
    assert levels["forwarder_latency"]["p99_seconds"] == pytest.approx(2.0, abs=0.01)
    assert levels["ingest_latency"]["p99_seconds"] <= 0.25


def test_the_window_that_data_cover_is_told(levels: dict[str, dict[str, Any]]) -> None:
    assert levels["recovered"]["covered_seconds"] == pytest.approx(30 * DAY, abs=2 * HOUR)
    assert levels["ingest_availability"]["covered_seconds"] == pytest.approx(DAY, abs=2 * HOUR)


def slo(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `mutt-dlq slo` with this Prometheus; there is no Redis."""
    env = os.environ | {"PROMETHEUS_URL": url, "REDIS_PORT": "1", "PROMETHEUS_TIMEOUT": "20"}
    line = [sys.executable, "-c", "from mutt_tasks.cli.group import main; main()", "slo"]
    return subprocess.run([*line, *arguments], capture_output=True, text=True, env=env)


def test_the_command_says_the_same_and_its_exit_status_tells_of_a_missed_one(mixed: str) -> None:
    ended = slo(mixed, "-o", "json", "--fail-on", "critical")

    assert ended.returncode == 1, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["source"], report["state"]) == ("prometheus", "critical")
    told = {each["name"]: each["state"] for each in report["objectives"]}
    assert told["landed"] == "critical"
    assert told["alerter_availability"] == "no_data"


def test_a_slow_burn_is_a_warning(tmp_path: Path) -> None:
    history = {
        # Since six hours 10 %: ten times too fast, 60 of 720 allowed.
        **own("recovered", STEADY, counter((720, 0), (6, 10))),
        # The same, but over since an hour.
        **own("landed", STEADY, counter((720, 0), (6, 12), (1, 0))),
    }
    with prometheus(tmp_path, history) as url:
        report = from_prometheus(OBJECTIVES, Prometheus(url, 20))
        found = judged(url)

    assert (found["recovered"]["state"], found["landed"]["state"]) == ("warning", "ok")
    assert found["recovered"]["burn_rates"]["6h"] == pytest.approx(10, rel=0.03)
    assert report.state is State.WARNING
    assert report.reaches(State.WARNING)
    assert not report.reaches(State.CRITICAL)


def test_a_worker_that_is_replaced_goes_on_with_the_same_counters(tmp_path: Path) -> None:
    events, failures = counter((48, 100)), counter((48, 0), (10, 2))
    history = {}
    for what, past in (("events", events), ("failures", failures)):
        name = f"mutt_remediation_objective_{what}_total"
        labels = 'job="r",objective="recovered"'
        history[f'{name}{{{labels},instance="old"}}'] = past
        history[f'{name}{{{labels},instance="new"}}'] = past
    with prometheus(tmp_path, history, days=2) as url:
        found = judged(url)["recovered"]

    assert found["actual"] == pytest.approx(1 - 20 / 4800, abs=0.0003)
    assert found["events"] == pytest.approx(4800, rel=0.02)
    assert found["covered_seconds"] == pytest.approx(2 * DAY, abs=2 * HOUR)
