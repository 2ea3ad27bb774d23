"""The one outage of the stand-in Moogsoft."""

from demo.outage import Outage
from demo.status import Status
from stand_ins.moogsoft import Moogsoft


def at(elapsed: float, replayed: int) -> Status:
    return Status(elapsed=elapsed, replayed=replayed)


def test_moogsoft_goes_down_once_after_a_third_and_comes_back() -> None:
    with Moogsoft() as moogsoft:
        outage = Outage(moogsoft, 10.0, 300)
        assert outage.step(at(1, 99)) == ""
        assert moogsoft.is_up
        assert "goes down for 10 s" in outage.step(at(2, 100))
        assert not moogsoft.is_up
        assert outage.step(at(11.9, 100)) == ""
        assert not moogsoft.is_up
        assert "is back" in outage.step(at(12, 100))
        assert moogsoft.is_up
        assert outage.step(at(13, 300)) == ""
        assert moogsoft.is_up


def test_what_is_set_aside_counts_towards_the_third() -> None:
    with Moogsoft() as moogsoft:
        outage = Outage(moogsoft, 10.0, 300)
        aside = Status(elapsed=1, replayed=60, quarantined={"poison": 40})
        assert "goes down" in outage.step(aside)
        assert outage.down_at is not None
        assert outage.up_at is None


def test_a_small_backlog_or_no_seconds_mean_no_outage() -> None:
    with Moogsoft() as moogsoft:
        for outage in (Outage(moogsoft, 10.0, 5), Outage(moogsoft, 0.0, 3000)):
            assert outage.step(at(2, 3000)) == ""
        assert moogsoft.is_up
