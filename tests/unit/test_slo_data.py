"""Objectives as data: those that are built in, and what a file makes of them."""

import re
import sys
from pathlib import Path

import pytest

from mutt_tasks.core.slo import DAY, HOUR
from mutt_tasks.core.slo_books import OWN
from mutt_tasks.core.slo_data import objectives_of
from mutt_tasks.core.slo_objectives import OBJECTIVES
from mutt_tasks.core.slo_queries import PART, answered, question, within
from mutt_tasks.core.slo_rules import rules
from mutt_tasks.errors import ExtraMissing, InvalidArgument
from mutt_tasks.levels import objectives_file as slo_file

MINE = {"objective": 0.9, "events": "sum(increase(a[$window]))", "failures": "sum(b[$window])"}


def test_the_promises_that_are_built_in() -> None:
    told = {each.name: (each.target, each.window) for each in OBJECTIVES}

    assert told == {
        "recovered": (0.99, 30 * DAY),
        "landed": (0.99, 30 * DAY),
        "on_time": (0.999, 30 * DAY),
        "conserved": (1.0, 30 * DAY),
        # As MUTT's documents give them.
        "ingest_availability": (0.999, DAY),
        "alerter_availability": (0.999, DAY),
        "forwarder_availability": (0.995, DAY),
        "ingest_latency": (0.99, DAY),
        "forwarder_latency": (0.99, DAY),
    }
    assert {each.name for each in OBJECTIVES if each.is_own} == set(OWN)


def test_without_data_nothing_is_changed() -> None:
    assert objectives_of(None) == OBJECTIVES
    assert objectives_of({"objectives": None}) == OBJECTIVES


def test_a_file_changes_removes_and_adds() -> None:
    found = objectives_of(
        {
            "objectives": {
                "recovered": {"objective": 0.95, "window": "7d", "least": 20, "title": "back"},
                "ingest_latency": False,
                "mine_too": MINE,
            }
        }
    )
    named = {each.name: each for each in found}

    recovered, mine = named["recovered"], named["mine_too"]
    assert (recovered.target, recovered.window, recovered.least) == (0.95, 7 * DAY, 20)
    assert (recovered.title, recovered.is_own) == ("back", True)
    assert "ingest_latency" not in named
    assert (mine.target, mine.window, mine.alert) == (0.9, 30 * DAY, "MUTTMineTooBurn")
    assert len(found) == len(OBJECTIVES)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([], "mapping"),
        ({"slos": {}}, "objectives"),
        ({"objectives": ["recovered"]}, "objectives"),
        ({"objectives": {"Mine!": MINE}}, "Mine!"),
        ({"objectives": {7: MINE}}, "7"),
        ({"objectives": {"recovered": 0.9}}, "recovered"),
        ({"objectives": {"recovered": {"objective": 99}}}, "objective"),
        ({"objectives": {"recovered": {"objective": True}}}, "objective"),
        ({"objectives": {"recovered": {"objective": float("nan")}}}, "objective"),
        ({"objectives": {"recovered": {"window": 30}}}, "window"),
        ({"objectives": {"recovered": {"window": "5m"}}}, "window"),
        ({"objectives": {"recovered": {"window": "2 weeks"}}}, "window"),
        ({"objectives": {"recovered": {"least": 0}}}, "least"),
        ({"objectives": {"recovered": {"least": 1.5}}}, "least"),
        ({"objectives": {"recovered": {"events": "up"}}}, "events"),
        ({"objectives": {"recovered": {"target": 0.9}}}, "target"),
        ({"objectives": {"mine": {**MINE, "events": " "}}}, "events"),
        ({"objectives": {"mine": {"objective": 0.9, "events": "a"}}}, "failures"),
        ({"objectives": {"mine": {"events": "a", "failures": "b"}}}, "objective"),
    ],
)
def test_what_cannot_be_used_is_named(data: object, named: str) -> None:
    with pytest.raises(ValueError, match=re.escape(named)):
        objectives_of(data)


def test_a_file_is_read_and_its_faults_are_told_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "slo.yaml"
    path.write_text("objectives:\n  landed: {objective: 0.98}\n")
    assert {each.name: each.target for each in slo_file.load(str(path))}["landed"] == 0.98

    for text, told in (
        ("objectives: [", r"slo\.yaml: is no YAML \(line 2\)"),
        ("objectives: {landed: 1}", r"slo\.yaml: landed"),
        ("[" * 5000, "slo.yaml: is"),
        ("!!python/object/apply:os.system [id]", r"slo\.yaml: is no YAML"),
        ("#" * ((1 << 20) + 1), "at most"),
    ):
        path.write_text(text + "\n")
        with pytest.raises(InvalidArgument, match=told):
            slo_file.load(str(path))
    with pytest.raises(InvalidArgument, match="cannot be read"):
        slo_file.load(str(tmp_path / "none.yaml"))
    assert slo_file.load("") == OBJECTIVES


def test_a_file_without_the_extra_says_which_one_is_missing(tmp_path: Path) -> None:
    """As where it is not installed: importing it fails."""
    held = sys.modules.get("yaml")
    sys.modules["yaml"] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        with pytest.raises(ExtraMissing, match=r"mutt-tasks\[slo\]"):
            slo_file.load(str(tmp_path / "slo.yaml"))
        assert slo_file.load("") == OBJECTIVES
    finally:
        if held is None:
            del sys.modules["yaml"]
        else:
            sys.modules["yaml"] = held


def test_an_expression_is_put_over_its_stretch() -> None:
    assert within("a[$window:$step]", HOUR) == "a[1h:15s]"
    assert within("a[$window:$step]", 30 * DAY) == "a[30d:5m]"
    assert within("a[$window]", 5400.0) == "a[90m]"


def test_a_question_asks_for_every_part_and_an_answer_is_read_by_them() -> None:
    objective = next(each for each in OBJECTIVES if each.name == "forwarder_latency")
    parts = re.findall(rf'"{PART}", "([^"]+)"', question(objective))

    assert len(parts) == len(set(parts)) == 12
    found = answered(objective, {"events window": 200.0, "failures window": 3.0, "seconds": 1.5})
    assert found is not None
    assert (found.counted.events, found.counted.failures, found.seconds) == (200, 3, 1.5)
    assert found.covered is None
    assert answered(objective, {"failures window": 3.0}) is None
    assert answered(objective, {"events window": float("nan")}) is None


def test_an_objective_that_allows_no_failure_has_no_burn_rate_and_alerts_at_the_first() -> None:
    groups = {each["name"]: each["rules"] for each in rules(OBJECTIVES)["groups"]}

    (alert,) = groups["mutt-slo-conserved"]
    assert alert["labels"]["severity"] == "critical"
    assert [rule.get("alert", rule.get("record")) for rule in groups["mutt-slo-landed"]] == [
        *(f"mutt:slo:burn_rate:{stretch}" for stretch in ("5m", "30m", "1h", "6h")),
        *(["MUTTRemediationLandedBurn"] * 2),
    ]
