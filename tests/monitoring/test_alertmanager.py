"""Who is told of what, and what is not told beside something worse."""

import re

import pytest
import yaml

from tests.monitoring.files import ALERTMANAGER, PROMETHEUS, RECEIVERS, alerts, every_alert
from tests.monitoring.programs import run
from tests.shipping.files import services

CONFIGURATION = yaml.safe_load(ALERTMANAGER.read_text())


def test_alertmanager_takes_its_configuration() -> None:
    run("amtool", "check-config", ALERTMANAGER)


@pytest.mark.parametrize("name", alerts())
def test_an_alert_goes_to_the_receiver_of_its_severity(name: str) -> None:
    labels = {"alertname": name, **alerts()[name]["labels"]}
    told = run(
        *("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}"),
        *(f"{key}={value}" for key, value in labels.items()),
    )
    assert told.strip() == RECEIVERS[labels["severity"]]


def test_the_receivers_are_to_be_filled_in_and_hold_no_secret() -> None:
    assert CONFIGURATION["receivers"] == [{"name": name} for name in RECEIVERS.values()]


def test_every_alert_that_is_named_is_one_of_the_rules() -> None:
    rules = [
        text
        for rule in CONFIGURATION["inhibit_rules"]
        for kind in ("source_matchers", "target_matchers")
        for text in rule[kind]
        if text.startswith("alertname ")
    ]
    named = {name for text in rules for name in _names(text)}
    assert len(named) > 10
    assert named <= every_alert()


def _names(matcher: str) -> list[str]:
    """`alertname =~ "MUTT(A|B)|MUTTC"` names MUTTA, MUTTB and MUTTC."""
    _, _, value = matcher.split(maxsplit=2)
    found = []
    for part in re.findall(r"[A-Za-z]+(?:\([A-Za-z|]+\))?", value):
        start, _, ends = part.rstrip(")").partition("(")
        found += [start + end for end in ends.split("|")]
    return found


def test_prometheus_tells_the_alertmanager_of_the_same_compose_file() -> None:
    (told,) = yaml.safe_load(PROMETHEUS.read_text())["alerting"]["alertmanagers"]
    assert told["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    found = services()["alertmanager"]
    mounted = "./monitoring/alertmanager.yml:/etc/alertmanager/alertmanager.yml:ro"
    assert mounted in found["volumes"]
    assert found["ports"] == ["127.0.0.1:9093:9093"]
