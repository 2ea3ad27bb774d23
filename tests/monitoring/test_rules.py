"""The alerting rules keep to their conventions, and know the metrics and pages that there are."""

import re

import pytest
import redis
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from mutt_tasks.core import limits
from mutt_tasks.metrics import RedisCollector
from mutt_tasks.store.store import Store
from tests.monitoring.files import PROMETHEUS, ROOT, RULES, TESTS, alerts
from tests.pipeline import DLQ, event, fill, run_cycle, settings_of
from tests.shipping.files import services


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
    run_cycle(store, settings_of())
    used = set(re.findall(r"\bmutt_\w+", " ".join(rule["expr"] for rule in alerts().values())))
    assert used
    assert used <= set(scraped(store))


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
def test_an_alert_keeps_to_the_conventions_and_has_a_section_in_the_operations_page(
    name: str,
) -> None:
    rule = alerts()[name]
    assert re.fullmatch("MUTT[A-Za-z]+", name)
    assert rule["labels"].pop("severity") in {"critical", "warning"}
    assert rule["labels"] == {"service": "remediation", "component": "mutt"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert "{{ $value" in rule["annotations"]["description"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
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
