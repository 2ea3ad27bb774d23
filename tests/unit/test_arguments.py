"""What operators may say, to the last character and the last second."""

import pytest

from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import arguments


def test_a_line_has_as_many_characters_as_it_may_and_not_one_more() -> None:
    assert arguments.line("reason", "x" * 200) == "x" * 200
    assert arguments.line("text", "ü" * 1000, 1000) == "ü" * 1000
    for bad in ("", "x" * 201, "a\nb", "a\tb", "a\x7fb", "\ud800", 7, None):
        with pytest.raises(InvalidArgument, match="reason: accepts 1 to 200 characters"):
            arguments.line("reason", bad)


def test_a_digest_is_12_to_40_digits_in_either_case() -> None:
    assert arguments.digest("digest", "0123456789AB") == "0123456789ab"
    assert arguments.digest("digest", "Ab" * 20) == "ab" * 20
    for bad in ("0123456789a", "a" * 41, "0123456789ag", "0123456789ab\n", 123456789012):
        with pytest.raises(InvalidArgument, match="digest: accepts the first 12 to 40"):
            arguments.digest("digest", bad)


@pytest.mark.parametrize("value", [1, 1.0, 59.5, 60])
def test_seconds_may_be_what_is_least_and_most(value: float) -> None:
    assert arguments.seconds("seconds", value, 1, 60) == value


@pytest.mark.parametrize("value", [0.999, 60.001, float("nan"), True, "5", None])
def test_seconds_may_be_nothing_beyond_and_nothing_else(value: object) -> None:
    with pytest.raises(InvalidArgument, match="seconds: accepts a number from 1 to 60"):
        arguments.seconds("seconds", value, 1, 60)


def test_an_entrys_id_is_two_numbers() -> None:
    assert arguments.stream_id("before", "1700000000000-0") == "1700000000000-0"
    for bad in ("", "1", "1-", "-1", "1-1-1", "(1-1", "1-1\n", "٣-0"):
        with pytest.raises(InvalidArgument, match="before: got"):
            arguments.stream_id("before", bad)
