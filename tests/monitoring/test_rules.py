"""The alerting rules keep to their conventions, and know the metrics and pages that there are."""

import re

import pytest
import redis
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from mutt_tasks.core import limits, policy
from mutt_tasks.core.breaker import BREAKER_OPEN
from mutt_tasks.replay import result
from mutt_tasks.store import keys
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.metrics import RedisCollector
from mutt_tasks.worker.oversight import Checker
from tests.looking import Clock
from tests.monitoring.files import PROMETHEUS, ROOT, RULES, TESTS, alerts, records, rules
from tests.pipeline import DLQ, event, fill, operator_pauses, run_cycle, settings_of
from tests.shipping.files import services

# What others export: MUTT's forwarder, Prometheus itself, and our processes beside the worker.
OTHERS = {
    "mutt_moog_rate_limit_hits_total",
    *("mutt_notify_lag_seconds", "mutt_notify_last_look_timestamp_seconds"),
    "mutt_console_lag_seconds",
}

# Nothing to do, or a moment; or it is told by an alert that does not go by reasons.
NO_REASON_FOR_AN_ALERT = {
    *(limits.EMPTY, result.WAITING, result.PAUSED, result.DISABLED),
    *(result.UNHEALTHY, BREAKER_OPEN, limits.DROPPING, policy.SUSPECT),
}


def scraped(store: Store) -> dict[str, list[dict[str, str]]]:
    """What Prometheus scrapes: the labels of every sample, by the sample's name."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RedisCollector(store, settings_of(REMEDIATION_ROUTES="alerter,moog")))
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_every_metric_of_the_rules_is_one_that_is_scraped(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    run_cycle(store, settings_of())
    client.hset(keys.route_state("alerter"), mapping={"speed": 4, "moved_at": store.now()})
    client.hset(keys.HEALTH, mapping={"healthy": 1, "reason": "http_200", "checked_at": 1.5})
    operator_pauses(store, 600)
    Checker(store, settings_of(), Clock().monotonic).look()
    exprs = " ".join(rule["expr"] for rule in rules())
    used = set(re.findall(r"(?<![\w:])mutt_\w+", exprs)) - OTHERS
    assert len(used) > 15
    assert used <= set(scraped(store))


def test_every_recorded_metric_is_one_that_a_rule_records() -> None:
    used = set(re.findall(r"\w+:mutt_\w+:\w+", " ".join(rule["expr"] for rule in rules())))
    assert used == set(records())


def test_every_reason_that_holds_a_route_has_an_alert_or_needs_none() -> None:
    exprs = " ".join(rule["expr"] for rule in alerts().values())
    named = {
        reason
        for text in re.findall(r'(?<!\w)reason=~?"([\w|]+)"', exprs)
        for reason in text.split("|")
    }
    known = {
        *(getattr(limits, name) for name in ("BACKOFF", "BACKPRESSURE", "WINDOW", "RATE_LIMITED")),
        *(limits.NOT_TAKEN, limits.QUEUE_STANDING, limits.NO_ROOM, limits.CHECKING),
        *(result.CONTENDED, result.JOB, *NO_REASON_FOR_AN_ALERT),
    }
    assert named | NO_REASON_FOR_AN_ALERT == known
    assert not named & NO_REASON_FOR_AN_ALERT


def test_a_cycle_that_a_consumer_holds_is_scraped_with_the_labels_that_the_rules_ask_for(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(n) for n in range(400)])
    cycle = ""
    for _ in range(5):
        cycle = run_cycle(store, settings, cycle).next_cycle
    expr = alerts()["MUTTRemediationConsumerAway"]["expr"]
    held = {"route": "alerter", "outcome": "held", "reason": limits.NOT_TAKEN}
    assert held in scraped(store)["mutt_remediation_cycles_total"]
    assert expr.count(f'"{limits.NOT_TAKEN}|{limits.QUEUE_STANDING}"') == 2


@pytest.mark.parametrize("name", alerts())
def test_an_alert_keeps_to_the_conventions_and_has_a_section_in_the_runbook(name: str) -> None:
    rule = alerts()[name]
    assert re.fullmatch("MUTT[A-Za-z]+", name)
    assert rule["labels"].pop("severity") in {"critical", "warning", "info"}
    assert rule["labels"] == {"service": "remediation", "component": "mutt"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    # A condition is there or not: its value would be no news.
    is_condition = re.search(r"== [01]\b", rule["expr"]) is not None
    assert is_condition or "{{ $value" in rule["annotations"]["description"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == name.lower()
    assert anchor in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("name", alerts())
def test_every_alert_is_tested_firing_and_not_firing(name: str) -> None:
    fires = [
        bool(case.get("exp_alerts"))
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert set(fires) == {True, False}


def test_prometheus_finds_the_rules_in_its_container() -> None:
    assert RULES.name in yaml.safe_load(PROMETHEUS.read_text())["rule_files"]
    assert RULES.parent == PROMETHEUS.parent  # a relative name starts there
    assert f"./{RULES.parent.name}:/etc/prometheus:ro" in services()["prometheus"]["volumes"]
