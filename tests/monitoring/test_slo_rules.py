"""The rules of the service levels: as generated, loaded, and firing when they should."""

import importlib.util
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from mutt_tasks.core.slo import Objective
from mutt_tasks.core.slo_objectives import OBJECTIVES
from mutt_tasks.store.store import Store
from tests.monitoring.files import PROMETHEUS, ROOT
from tests.monitoring.history import program
from tests.monitoring.test_rules import scraped

RULES = ROOT / "monitoring" / "slo-rules.yml"

# What MUTT's services count, by its public source.
MUTTS = {
    "mutt_ingest_requests_total",
    "mutt_ingest_latency_seconds_bucket",
    "mutt_alerter_events_processed_total",
    "mutt_moog_alerts_processed_total",
    "mutt_moog_rate_limit_hits_total",
    "mutt_moog_request_latency_seconds_bucket",
}
# So many events a minute.
EVENTS = 1000

Series = dict[str, float]


def rules() -> list[dict[str, Any]]:
    """Every rule of the file."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts(name: str) -> dict[str, dict[str, Any]]:
    """The alerts of an objective, by their severity."""
    found = [rule for rule in rules() if "alert" in rule and rule["labels"]["slo"] == name]
    return {rule["labels"]["severity"]: rule for rule in found}


def series_of(objective: Objective, failing: float) -> Series:
    """By how much each series grows in a minute, of whose events so many fail."""
    if objective.is_own:
        name, labels = "mutt_remediation_objective", f'{{job="r",objective="{objective.name}"}}'
        return {f"{name}_events_total{labels}": EVENTS, f"{name}_failures_total{labels}": failing}
    ingest, alerter, moog = "mutt_ingest", "mutt_alerter_events_processed_total", "mutt_moog"
    known: Mapping[str, Series] = {
        "ingest_availability": {
            f'{ingest}_requests_total{{status="success",reason=""}}': EVENTS - failing,
            f'{ingest}_requests_total{{status="fail",reason="redis"}}': failing,
        },
        # Each try is an `error`; there are many, and none of them counts.
        "alerter_availability": {
            f'{alerter}{{status="handled"}}': EVENTS - failing - 5,
            f'{alerter}{{status="unhandled"}}': 5,
            f'{alerter}{{status="error"}}': 3 * EVENTS,
            f'{alerter}{{status="poison"}}': failing,
        },
        "forwarder_availability": {
            f'{moog}_alerts_processed_total{{status="success"}}': EVENTS - failing,
            f'{moog}_alerts_processed_total{{status="error"}}': 3 * EVENTS,
            f'{moog}_alerts_processed_total{{status="dlq"}}': failing / 4,
            f"{moog}_rate_limit_hits_total": failing * 3 / 4,
        },
        "ingest_latency": {
            f'{ingest}_latency_seconds_bucket{{le="0.5"}}': EVENTS - failing,
            f'{ingest}_latency_seconds_bucket{{le="+Inf"}}': EVENTS,
        },
        # A third of what lies between 1 and 2.5 s takes longer than 2 s.
        "forwarder_latency": {
            f'{moog}_request_latency_seconds_bucket{{le="1.0"}}': EVENTS - 3 * failing,
            f'{moog}_request_latency_seconds_bucket{{le="2.5"}}': EVENTS,
            f'{moog}_request_latency_seconds_bucket{{le="+Inf"}}': EVENTS,
        },
    }
    return known[objective.name]


def history(objective: Objective, *burns: tuple[int, float]) -> list[dict[str, str]]:
    """Series by how fast the budget burns, each for so many minutes."""
    values: dict[str, list[str]] = {}
    at: dict[str, float] = {}
    for minutes, burn in burns:
        for name, step in series_of(objective, burn * objective.budget * EVENTS).items():
            begin = at.get(name, 0.0)
            values.setdefault(name, []).append(f"{begin:.6f}+{step:.6f}x{minutes - 1}")
            at[name] = begin + step * minutes
    return [{"series": name, "values": " ".join(parts)} for name, parts in values.items()]


def expected(objective: Objective, minute: int, **values: str) -> dict[str, Any]:
    """Which alerts are there at a minute, by severity, each with its value."""
    found = []
    for severity, value in values.items():
        rule = alerts(objective.name)[severity]
        told = {name: re.sub(r"{{.*}}", value, text) for name, text in rule["annotations"].items()}
        job = {"job": "r"} if objective.is_own else {}
        found.append({"exp_labels": rule["labels"] | job, "exp_annotations": told})
    return {"alertname": objective.alert, "eval_time": f"{minute}m", "exp_alerts": found}


def promtool(
    folder: Path, objective: Objective, tests: list[dict[str, Any]], but: str = "mutt-slo-budgets"
) -> None:
    """Have promtool run tests of an objective's rules as they stand in the file.

    The others, and one group, are left out: it would evaluate all of them at each step.
    """
    groups = yaml.safe_load(RULES.read_text())["groups"]
    groups = [group for group in groups if group["name"] != but]
    for group in groups:
        group["rules"] = [r for r in group["rules"] if r["labels"]["slo"] == objective.name]
    path = folder / "tests.yml"
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": tests}
    path.write_text(yaml.safe_dump(content))
    ended = subprocess.run(
        [program("promtool"), "test", "rules", str(path)], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


BURNING = [each for each in OBJECTIVES if each.budget]


def case(series: list[dict[str, str]], *cases: dict[str, Any]) -> dict[str, Any]:
    """One test of promtool's."""
    return {"interval": "1m", "input_series": series, "alert_rule_test": list(cases)}


@pytest.mark.parametrize("objective", BURNING, ids=lambda each: each.name)
def test_a_burn_rate_alert_fires_fast_and_slow_and_not_when_it_should_not(
    tmp_path: Path, objective: Objective
) -> None:
    fast = case(
        # Twenty times too fast, and from then on all is well.
        history(objective, (400, 20.0), (100, 0.0)),
        expected(objective, 395, critical="20.0", warning="20.0"),
        expected(objective, 415, warning="19.2"),  # the last 5 min were well, not the last 30
        expected(objective, 440),
    )
    slow = case(history(objective, (405, 8.0)), expected(objective, 400, warning="8.0"))
    kept = case(history(objective, (405, 0.9)), expected(objective, 400))
    still = [{**each, "values": "7x405"} for each in history(objective, (1, 0.0))]
    nothing = case(still, expected(objective, 400))

    promtool(tmp_path, objective, [fast, slow, kept, nothing])


@pytest.mark.parametrize("objective", BURNING[:3], ids=lambda each: each.name)
def test_fewer_failures_than_the_least_alert_nobody(tmp_path: Path, objective: Objective) -> None:
    """All that there was has failed, but that was little."""

    def failing(count: int) -> list[dict[str, str]]:
        values = f"0x395 {count}x20"
        return [{"series": name, "values": values} for name in series_of(objective, 1.0)]

    few = case(failing(objective.least - 1), expected(objective, 400))
    burn = f"{1 / objective.budget:.1f}"
    enough = case(failing(objective.least), expected(objective, 400, critical=burn, warning=burn))

    promtool(tmp_path, objective, [few, enough])


def test_the_first_loss_alerts_and_a_total_without_one_does_not(tmp_path: Path) -> None:
    (conserved,) = (each for each in OBJECTIVES if not each.budget)
    events, failures = series_of(conserved, 0.0)
    series = [
        {"series": events, "values": "0+10x400"},
        {"series": failures, "values": "0x300 1x100"},
    ]
    before, after = expected(conserved, 300), expected(conserved, 370)

    tests = [case(series, before, expected(conserved, 305, critical="1"), after)]
    promtool(tmp_path, conserved, tests)


def test_what_is_recorded_is_what_the_checker_would_say(tmp_path: Path) -> None:
    (forwarder,) = (each for each in OBJECTIVES if each.name == "forwarder_availability")
    labels = '{slo="forwarder_availability"}', '{slo="forwarder_availability",window="1d"}'
    known = {
        f"mutt:slo:burn_rate:1h{labels[0]}": 0.5,
        f"mutt:slo:budget_left{labels[1]}": 0.5,
        f"mutt:slo:objective{labels[1]}": 0.995,
    }
    asked = [
        {
            "expr": f"round({name}, 0.001)",
            "eval_time": "100m",
            "exp_samples": [{"labels": name[name.index("{") :], "value": value}],
        }
        for name, value in known.items()
    ]
    series = history(forwarder, (120, 0.5))

    promtool(
        tmp_path,
        forwarder,
        [{"interval": "1m", "input_series": series, "promql_expr_test": asked}],
        but="",
    )


def test_the_file_is_what_the_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("writer", ROOT / "tools/write_slo_rules.py")
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)

    assert RULES.read_text(encoding="utf-8") == writer.page()


def test_prometheus_loads_the_file_and_promtool_finds_nothing_wrong_with_it() -> None:
    assert RULES.name in yaml.safe_load(PROMETHEUS.read_text())["rule_files"]
    subprocess.run([program("promtool"), "check", "rules", str(RULES)], check=True)


def test_every_metric_of_the_rules_is_scraped_or_one_of_mutts(store: Store) -> None:
    used = set(re.findall(r"\bmutt_\w+", " ".join(rule["expr"] for rule in rules())))

    assert used >= MUTTS
    assert used - MUTTS <= set(scraped(store))
    assert used - MUTTS


@pytest.mark.parametrize("name", [each.name for each in OBJECTIVES])
def test_an_alert_keeps_to_the_conventions_and_has_a_section_in_the_runbook(name: str) -> None:
    for severity, rule in alerts(name).items():
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^### (.*)$", (ROOT / page).read_text(), re.MULTILINE)
        assert re.fullmatch("MUTT[A-Za-z]+", rule["alert"])
        assert severity in {"critical", "warning"}
        assert rule["labels"]["service"] == "remediation"
        assert rule["labels"]["component"] == "mutt"
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert "{{ $value" in rule["annotations"]["description"]
        assert anchor in {heading.lower() for heading in headings}


def test_every_objective_has_its_alerts(client: redis.Redis) -> None:
    for each in OBJECTIVES:
        wanted = {"critical", "warning"} if each.budget else {"critical"}
        assert set(alerts(each.name)) == wanted
