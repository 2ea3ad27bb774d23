"""What MUTT's consumers make of a message, and of a setting that changes while they run."""

from typing import Any

import pytest

from stand_ins import facts
from stand_ins.runtime import RuntimeConfig


@pytest.mark.parametrize(
    "raw", [b"garbage", b"", b"{", b"\xef\xbb\xbf{}", b'{"a": 1} x', b"<134>Oct 11"]
)
def test_what_is_no_json_is_destroyed(raw: bytes) -> None:
    with pytest.raises(facts.Destroyed):
        facts.decoded(raw)


@pytest.mark.parametrize(
    "raw", [b"[1,2]", b'"text"', b"null", b"\xff", b'{"n":' + b"1" * 5000 + b"}", b"[" * 100_000]
)
def test_what_raises_an_error_that_nobody_expects_is_stranded(raw: bytes) -> None:
    with pytest.raises(facts.Stranded):
        facts.decoded(raw)


def test_a_number_that_is_none_passes_the_decoder() -> None:
    assert facts.decoded(b'{"n": NaN, "message": "m"}')["message"] == "m"


@pytest.mark.parametrize("value", ["3", None, [4]])
def test_a_counter_that_is_no_number_strands_the_message(value: Any) -> None:
    with pytest.raises(facts.Stranded):
        facts.failures({facts.ALERTER_COUNT: value}, facts.ALERTER_COUNT)
    assert facts.failures({}, facts.ALERTER_COUNT) == 0


@pytest.mark.parametrize("empty", ["", None, 0, [], {}])
@pytest.mark.parametrize("name", facts.REQUIRED)
def test_an_event_with_an_empty_required_field_is_incomplete(name: str, empty: Any) -> None:
    event: dict[str, Any] = dict.fromkeys(facts.REQUIRED, "x")
    assert facts.is_complete(event)
    assert not facts.is_complete(event | {name: empty})
    assert not facts.is_complete({field: "x" for field in facts.REQUIRED if field != name})


def test_a_forwarder_sleeps_a_minute_over_one_alert() -> None:
    delays = [facts.retry_delay(failed) for failed in range(facts.FORWARDER_MAX_RETRIES + 1)]
    assert delays == [1, 2, 4, 8, 16, 32]
    assert facts.retry_delay(9) == 60


def test_only_429_5xx_and_silence_are_tried_again() -> None:
    statuses = (0, 200, 201, 202, 204, 301, 400, 404, 429, 500, 503)
    assert [s for s in statuses if facts.is_tried_again(s)] == [0, 429, 500, 503]
    assert [s for s in statuses if s in facts.DELIVERED] == [200, 201]


def test_a_setting_is_believed_for_five_seconds_or_until_a_notice() -> None:
    values: dict[str, str | bytes] = {}
    now = 0.0
    config = RuntimeConfig(values.get, lambda: now)
    assert config.number("moog_rate_limit", 50) == 50
    values["mutt:config:moog_rate_limit"] = b"30"
    assert config.number("moog_rate_limit", 50) == 30
    values["mutt:config:moog_rate_limit"] = "five"
    assert config.number("moog_rate_limit", 50) == 30
    now = 5.0
    assert config.number("moog_rate_limit", 50) == 50
    values["mutt:config:moog_rate_limit"] = "7"
    config.forget("moog_rate_limit")
    assert config.number("moog_rate_limit", 50) == 7
