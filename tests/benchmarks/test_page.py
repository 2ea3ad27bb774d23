"""The page and the picture that the recovery benchmark writes."""

from dataclasses import replace
from math import nan
from pathlib import Path

from benchmarks.recovery_model.harm import ALL
from benchmarks.recovery_model.measures import Measures
from benchmarks.recovery_model.page import page
from benchmarks.recovery_model.plots import backlog_curves
from benchmarks.recovery_model.run import NONE, OURS, POLICIES

WELL = Measures(
    scenario="", policy="", seconds=100.0, watched=100.0, gave_up=False, least=90.0, causal=90.0,
    good_left=0, odd_left=0, dropped=0, replays_dropped=0, live_dropped=0, live_lost=0,
    dropped_anyway=0, destroyed=0, live_shed=0, good_dead=0, poison_replays=None, delay=nan,
    lost=0, doubled=0, is_crowded=False, run_seconds=1.0, depths=((0.0, 5), (100.0, 0)),
)  # fmt: skip


def runs() -> dict[tuple[str, str], Measures]:
    """Every policy in every scenario, and an outage that costs all but ours something."""
    found = {
        (name, policy): replace(WELL, scenario=name, policy=policy)
        for name in ALL
        for policy in POLICIES
    }
    for policy in POLICIES:
        lost = 0 if policy == OURS else 1948
        found["outage", policy] = replace(
            found["outage", policy], live_lost=lost, dropped_anyway=1948
        )
    found["outage", "at_once"] = replace(found["outage", "at_once"], replays_dropped=52)
    return found


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_says_who_loses_how_many_alerts_in_an_outage() -> None:
    found = runs()
    text = page(found, list(ALL.values()), [found["backlog", OURS]])
    lost = text.partition("## Alerts lost")[2].partition("##")[0]
    header, _, *rows = [cells(line) for line in lost.splitlines() if line.startswith("|")]
    assert header == ["scenario", NONE, OURS, "predecessor", "fixed", "at_once"]
    assert rows == [["outage", "1,948", "0", "1,948", "1,948", "2,000"]]


def test_the_page_shows_every_scenario_and_its_own_losses_beside_ours() -> None:
    found = runs()
    text = page(found, list(ALL.values()), [found["backlog", OURS]])
    assert all(f"### {name}\n" in text for name in ALL)
    of_outage = text.partition("### outage\n")[2].partition("###")[0]
    header, _, *rows = [cells(line) for line in of_outage.splitlines() if line.startswith("|")]
    at = header.index("lost by the pipeline itself")
    assert {row[0]: row[at] for row in rows} == {
        "**ours**": "0", "predecessor": "1,948", "fixed": "1,948", "at_once": "1,948",
        "none": "1,948",
    }  # fmt: skip
    assert rows[1][-1] == "not met: alerts lost"


def test_where_live_alerts_alone_fill_the_limiter_nobody_has_to_save_them_all() -> None:
    assert replace(WELL, live_lost=9).missed() == ["alerts lost"]
    assert replace(WELL, live_lost=9, is_crowded=True).missed() == []


def test_the_time_is_judged_by_what_can_be_reached_without_knowing_the_future() -> None:
    assert replace(WELL, seconds=103.0).missed() == []
    assert replace(WELL, seconds=104.0).missed() == ["time"]
    assert replace(WELL, seconds=131.0, causal=120.0).missed() == []
    assert replace(WELL, seconds=133.0, causal=120.0).missed() == ["time"]
    # Where there was nothing to do, no time is too long.
    assert replace(WELL, seconds=5.0, least=0.0, causal=0.0).missed() == []


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    backlog_curves(runs(), tmp_path / "recovery.png")
    assert (tmp_path / "recovery.png").read_bytes().startswith(b"\x89PNG")
