"""The dashboards are what their program writes, fit Grafana's form, and ask what is there."""

import re
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.monitoring.boards import FILES, FOLDER, expressions, panels, read
from tests.monitoring.files import RULES
from tests.monitoring.programs import run
from tools.dashboards.__main__ import DASHBOARDS, written

NAMES = [file.name for file in FILES]
on_dashboards = pytest.mark.parametrize("name", NAMES)


def places(panel: dict[str, Any]) -> set[tuple[int, int]]:
    """The cells of the grid that a panel takes."""
    place = panel["gridPos"]
    across = range(place["x"], place["x"] + place["w"])
    down = range(place["y"], place["y"] + place["h"])
    return {(x, y) for x in across for y in down}


def test_there_is_a_file_for_each_dashboard_and_no_other() -> None:
    assert sorted(DASHBOARDS) == NAMES


@on_dashboards
def test_the_file_is_what_make_dashboards_would_write(name: str) -> None:
    assert (FOLDER / name).read_text() == written(DASHBOARDS[name]())


@on_dashboards
def test_grafanas_own_model_reads_it_and_loses_nothing(name: str) -> None:
    assert written(Dashboard.from_json(read(name))) == (FOLDER / name).read_text()


def test_each_has_an_address_of_its_own_that_stays() -> None:
    assert {read(name)["uid"]: name for name in NAMES} == {
        "mutt-remediation": "overview.json",
        "mutt-remediation-route": "route.json",
        "mutt-remediation-celery": "celery_tasks.json",
    }


@on_dashboards
def test_no_panel_lies_on_another_or_leaves_the_grid(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(name)["panels"]:
        mine = places(panel)
        assert not mine & taken, panel["title"]
        assert {x for x, _ in mine} <= set(range(24))
        taken |= mine


@on_dashboards
def test_every_panel_says_what_it_shows(name: str) -> None:
    dashboard = read(name)
    found = panels(dashboard)

    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert len({panel["title"] for panel in found}) == len(found)
    for panel in found:
        assert panel["type"] == "text" or panel["description"].endswith((".", "`.", "%."))
    assert dashboard["description"]
    assert dashboard["tags"] == ["mutt", "remediation"]


@on_dashboards
def test_everything_is_asked_of_the_prometheus_that_is_chosen(name: str) -> None:
    dashboard = read(name)
    for panel in panels(dashboard):
        asked = panel.get("targets", [])
        assert asked or panel["type"] == "text"
        assert len({target["refId"] for target in asked}) == len(asked)
        for each in (panel, *asked) if asked else ():
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@on_dashboards
def test_every_variable_that_is_used_is_there_and_every_other_way_round(name: str) -> None:
    dashboard = read(name)
    there = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = (FOLDER / name).read_text()
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval", "__all"}

    assert used == there
    assert {"datasource", "job", "namespace"} <= there


@on_dashboards
def test_links_lead_to_the_other_dashboards_the_console_and_the_runbook(name: str) -> None:
    dashboard = read(name)
    (others, *links) = dashboard["links"]
    uids = {read(each)["uid"] for each in NAMES}

    assert (others["type"], others["tags"]) == ("dashboards", dashboard["tags"])
    assert [link["url"] for link in links] == ["${console}", "${runbook}"]
    for panel in panels(dashboard):
        for link in panel.get("links") or []:
            url = link["url"]
            assert url.startswith("${runbook}") or url.removeprefix("/d/") in uids


def test_a_panels_link_leads_to_an_alert_that_there_is() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    linked = {
        link["title"].removeprefix("Runbook: "): link["url"]
        for name in NAMES
        for panel in panels(read(name))
        for link in panel.get("links") or []
        if "#" in link["url"]
    }

    assert linked
    assert set(linked) <= alerts
    assert all(url == f"${{runbook}}#{alert.lower()}" for alert, url in linked.items())


def test_prometheus_can_parse_every_query(tmp_path: Any) -> None:
    rules = [
        {"record": f"q:{index}", "expr": expression}
        for index, expression in enumerate(
            {expression for name in NAMES for expression in expressions(read(name))}
        )
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    assert len(rules) > 60
    run("promtool", "check", "rules", "--lint=none", file)
