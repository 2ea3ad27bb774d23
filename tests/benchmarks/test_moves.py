"""The benchmark of moves ends, measures all that it tells, and writes its page."""

from pathlib import Path

from benchmarks import moves
from benchmarks.moving.page import page, plot
from benchmarks.moving.servers import AOF_EVERYSEC, AOF_OFF, kinds
from benchmarks.moving.steps import ASIDE, BARE, READ
from benchmarks.moving.workers import HOLDS


def test_a_short_run_measures_a_little_of_everything(tmp_path: Path) -> None:
    found = moves.measured(moves.SHORT, kinds()[:1])
    text = page(found)
    plot(found, tmp_path / "performance.png")

    for persistence in (AOF_OFF, AOF_EVERYSEC):
        ways = {s.name: s.rate for s in found.speeds if s.persistence == persistence}
        assert {"ours, batch 100", "predecessor's loop", "inside the server, blind"} <= set(ways)
        assert all(rate > 0 for rate in ways.values())
    assert {each.script for each in found.blocks} == {"look", "commit", "landing", "arrivals"}
    assert [(each.name, each.calls) for each in found.steps] == [(ASIDE, 6), (BARE, 6), (READ, 5)]
    assert all(0 < each.worked[0] <= each.worked[2] and each.held[2] for each in found.steps)
    assert [each.name for each in found.holds] == list(HOLDS)
    assert all(0 < each.sent <= each.run for each in found.holds)
    assert found.end_to_end.rate > 0
    assert f"drains {found.end_to_end.rate:,.0f} messages/s" in text
    assert (tmp_path / "performance.png").stat().st_size > 0
