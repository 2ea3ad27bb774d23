"""What a person reads: plain lines only when there is news, and a table at a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.live import Live

from demo.status import Status
from demo.view import LiveView, PlainView, clock


def status(elapsed: float, waiting: int, doing: str = "replaying", rate: float = 80.0) -> Status:
    return Status(
        elapsed=elapsed,
        has_begun=True,
        dlqs={"mutt:dlq:alerter": waiting},
        targets={"mutt:ingest_queue": 3, "mutt:alert_queue": 4},
        dead={"mutt:dlq:dead": 7},
        in_hand=1,
        replayed=100,
        quarantined={"malformed": 2, "poison": 5},
        came_back=9,
        accepted=90,
        health="healthy (http_200)",
        is_healthy=True,
        doing=doing,
        rate=rate,
    )


def test_a_plain_line_tells_everything(capsys: pytest.CaptureFixture[str]) -> None:
    PlainView().show(status(65.0, 1600))
    assert capsys.readouterr().out == (
        "1:05  mutt:dlq:alerter 1,600 | on the way 8 | replayed 100"
        " | came back 9, malformed 2, poison 5 | Moogsoft healthy (http_200), accepted 90"
        " | 80/s, empty in about 0:20 | replaying\n"
    )


def test_what_the_pipeline_destroys_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    PlainView().show(replace(status(65.0, 1600), destroyed=3))
    assert "| came back 9, destroyed by the pipeline 3, malformed 2," in capsys.readouterr().out


def test_what_is_sheltered_is_shown_beside_what_would_be_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sheltered = replace(status(65.0, 1600), sheltered=311)
    PlainView().show(sheltered)
    PlainView().show(replace(sheltered, would_be_destroyed=180))
    first, second = capsys.readouterr().out.splitlines()
    assert "| came back 9, sheltered 311, malformed 2," in first
    assert "sheltered 311 (else about 180 live alerts destroyed), malformed" in second


def test_plain_lines_come_every_two_seconds_and_only_with_news(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = PlainView()
    for tick in range(9):
        view.show(status(tick / 2, 1600 - tick))
    assert len(capsys.readouterr().out.splitlines()) == 3
    for tick in range(9, 40):
        view.show(status(tick / 2, 1592))
    assert capsys.readouterr().out == ""


def test_a_change_of_state_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainView()
    view.show(status(1.0, 1600))
    view.show(status(1.5, 1600, doing="held: Moogsoft is not healthy"))
    assert "held: Moogsoft" in capsys.readouterr().out.splitlines()[1]


def test_no_end_is_forecast_while_nothing_moves() -> None:
    assert status(1.0, 1600, doing="held: paused by an operator").to_empty == 20
    assert status(1.0, 1600, rate=0.0).to_empty is None
    assert status(1.0, 0, rate=0.0).to_empty == 0


def test_the_live_table_shows_depth_rate_health_and_why_nothing_moves() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=40)
    with Live(console=console, auto_refresh=False) as screen:
        view = LiveView(console, screen, "Ctrl-C stops everything")
        view.show(status(65.0, 1600))
        view.show(status(66.0, 1500, doing="held: Moogsoft is not healthy"))
        view.note(67.0, "the stand-in Moogsoft is back")
    file = console.file
    assert isinstance(file, io.StringIO)
    text = file.getvalue()
    for wanted in (
        "mutt:dlq:alerter 1,600",
        "mutt:dlq:dead 7",
        "malformed 2, poison 5",
        "80/s, empty in about 0:20",
        "healthy (http_200), accepted 90",
        "held: Moogsoft is not healthy",
        "the stand-in Moogsoft is back",
        "Ctrl-C stops everything",
    ):
        assert wanted in text


def test_a_clock_has_minutes_and_seconds() -> None:
    assert [clock(s) for s in (0, 59.9, 60, 3661)] == ["0:00", "0:59", "1:00", "61:01"]
