"""What Prometheus is told of the console."""

import re

from tests.console.people import House


def value_of(text: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def test_anybody_is_told_how_old_the_picture_is_and_nothing_of_messages(house: House) -> None:
    stranger, viewer = house.stranger(), house.person("viewer")
    viewer.get("/api/v1/status")
    told = stranger.get("/metrics")
    assert told.status_code == 200
    assert 0 <= value_of(told.text, "mutt_console_lag_seconds") < 30
    assert value_of(told.text, "mutt_console_streams") == 0
    assert "dlq" not in told.text


def test_the_lag_grows_from_the_start_while_nothing_could_be_read(house: House) -> None:
    first = value_of(house.stranger().get("/metrics").text, "mutt_console_lag_seconds")
    later = value_of(house.stranger().get("/metrics").text, "mutt_console_lag_seconds")
    assert 0 <= first < later
