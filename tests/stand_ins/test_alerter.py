"""The alerter's decisions, as MUTT's source makes them."""

import json
from typing import Any

import pytest

from stand_ins import alerter, facts, runtime
from stand_ins.alerter import Fate, Pressure
from stand_ins.runtime import RuntimeConfig


def event(**fields: Any) -> bytes:
    basic = {"hostname": "h", "timestamp": "2026-01-01T00:00:00Z", "message": "m"}
    return json.dumps(basic | fields).encode()


def fate_of(raw: bytes, fails: bool = False) -> Fate:
    return alerter.step(raw, lambda _: fails).fate


def config(**values: str) -> RuntimeConfig:
    return RuntimeConfig({runtime.PREFIX + name: v for name, v in values.items()}.get, lambda: 0.0)


def test_what_becomes_of_an_event() -> None:
    assert fate_of(event()) is Fate.FORWARDED
    assert fate_of(event(), fails=True) is Fate.TRIED_AGAIN
    assert fate_of(event(message="")) is Fate.DESTROYED
    assert fate_of(b"garbage") is Fate.DESTROYED
    assert fate_of(b"[1,2]") is Fate.STRANDED
    assert fate_of(event(_retry_count=None)) is Fate.STRANDED


@pytest.mark.parametrize(("count", "is_spent"), [(3, False), (3.0, False), (3.5, True), (4, True)])
def test_the_counter_is_looked_at_first_and_untried_events_go_as_they_are(
    count: float, is_spent: bool
) -> None:
    expected = Fate.GIVEN_UP if is_spent else Fate.DESTROYED
    assert fate_of(event(_retry_count=count, message=""), fails=True) is expected


def test_a_failure_raises_the_counter_by_one() -> None:
    assert alerter.step(event(), lambda _: True).event[facts.ALERTER_COUNT] == 1
    assert alerter.step(event(_retry_count=2), lambda _: True).event[facts.ALERTER_COUNT] == 3


@pytest.mark.parametrize("hostname", [["h"], {"name": "h"}])
def test_a_host_that_cannot_be_looked_up_fails_at_every_try(hostname: Any) -> None:
    assert fate_of(event(hostname=hostname)) is Fate.TRIED_AGAIN


def test_an_incomplete_event_is_not_asked_whether_it_fails() -> None:
    def fails(_: alerter.Event) -> bool:
        raise AssertionError("asked")

    assert alerter.step(event(hostname=""), fails).why == (
        "for a required field was missing or empty"
    )


def test_an_event_that_no_rule_matches_ends() -> None:
    assert alerter.fate(0, is_complete=True, fails=False, is_matched=False) is Fate.ENDED
    assert alerter.fate(0, is_complete=True, fails=True, is_matched=False) is Fate.TRIED_AGAIN


@pytest.mark.parametrize(
    ("values", "pressure"),
    [
        ({}, Pressure(0.05, True, 2001, 2000)),
        ({"alerter_queue_shed_threshold": "2001"}, None),
        ({"alerter_queue_shed_threshold": "many"}, Pressure(0.05, True, 2001, 2000)),
        ({"alerter_shed_mode": "defer"}, Pressure(0.3, False, 2001, 2000)),
        (
            {"alerter_shed_mode": "defer", "alerter_defer_sleep_ms": "1000"},
            Pressure(1.05, False, 2001, 2000),
        ),
        ({"alerter_shed_mode": "other"}, None),
    ],
)
def test_above_the_threshold_it_sheds_or_defers(
    values: dict[str, str], pressure: Pressure | None
) -> None:
    assert alerter.pressure(2001, config(**values)) == pressure
    assert alerter.pressure(2000, config(**values)) is None


def test_a_shed_event_says_why_and_what_is_no_object_goes_as_it_is() -> None:
    pressure = alerter.pressure(2001, config())
    assert pressure is not None
    shed = pressure.shed(event())
    assert shed is not None
    assert shed["shedding_reason"] == "queue_depth_exceeded:2001>2000"
    assert [pressure.shed(raw) for raw in (b"garbage", b"[1,2]", b"\xff")] == [None] * 3
