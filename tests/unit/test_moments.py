"""Moments are read from what the pipeline writes, and each can be written again."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.moments import iso, moment_of

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00+00:00",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01T07:00:00-0500",
        "2024-05-01T12:00:00",
        "2024-05-01 12:00:00.000000",
        "20240501T120000Z",
        1714564800,
        1714564800.0,
        1714564800000,
        1714564800000.0,
    ],
)
def test_iso_8601_and_numbers_of_seconds_and_milliseconds_are_moments(value: object) -> None:
    assert moment_of(value) == NOON


def test_text_without_a_zone_is_utc_and_fractions_are_kept() -> None:
    assert moment_of("2024-05-01T12:00:00.25") == NOON + 0.25
    assert moment_of(1714564800.25) == NOON + 0.25


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, [], {}, [1714564800], "", "now", "2024-13-01", "1714564800", "\ud800"),
        *(
            "2024-05-01T\ud8002:00",
            "2024-05-01T25:00:00Z",
            "2024-05-01T12:00:00+99:00",
            "0000-01-01",
        ),
        *(float("nan"), float("inf"), float("-inf"), 10**400, -(10**400), 1e300),
        # These name moments that no year from 1 to 9999 of UTC holds, or would be rounded out.
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59.999999Z",
    ],
)
def test_anything_else_is_no_moment(value: object) -> None:
    assert moment_of(value) is None


@given(
    st.one_of(
        st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
        st.datetimes().map(str),
        st.integers(),
        st.floats(),
        st.text(),
    )
)
@settings(max_examples=500)
@example(253402300799.9999)
@example(-62135596800.0)
@example(-62135596800.1)
def test_whatever_counts_as_a_moment_can_be_written(value: object) -> None:
    moment = moment_of(value)

    assert moment is None or moment_of(iso(moment)) is not None


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))
def test_writing_a_moment_loses_less_than_a_millisecond(stamp: datetime) -> None:
    moment = stamp.replace(tzinfo=UTC).timestamp()

    again = moment_of(json.loads(json.dumps(iso(moment))))

    assert again is not None
    assert 0 <= moment - again < 0.001001


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    assert iso(NOON) == "2024-05-01T12:00:00.000Z"
    assert iso(NOON + 0.1239) == "2024-05-01T12:00:00.123Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"


# --- on a machine that is not in UTC ---


# As POSIX writes zones, so that no table of zones is needed: UTC+9, UTC-5:30 with summer time.
@pytest.fixture(params=["FAR-9", "WEST5:30WESTS,M3.2.0,M11.1.0"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        assert time.timezone != 0
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("text", ["2024-05-01T12:00:00", "2024-05-01 12:00:00.000", "20240501T12"])
def test_text_without_a_zone_is_utc_in_every_zone(text: str) -> None:
    assert moment_of(text) == NOON
    assert moment_of(text + "Z") == NOON


@pytest.mark.usefixtures("elsewhere")
def test_a_moment_is_written_in_utc_in_every_zone() -> None:
    assert iso(NOON) == "2024-05-01T12:00:00.000Z"
    assert moment_of("2024-05-01T14:00:00+02:00") == moment_of(1714564800) == NOON


def test_numbers_are_milliseconds_from_a_hundred_thousand_million_on_also_before_1970() -> None:
    assert moment_of(99_999_999_999) == 99_999_999_999.0
    assert moment_of(100_000_000_000) == 100_000_000.0
    assert moment_of(-100_000_000_000) == -100_000_000.0
