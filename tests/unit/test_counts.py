"""Counters are read as the numbers they stand for, and nothing else is taken for one."""

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.counts import LARGEST, whole_number

digits = st.text("0123456789", min_size=1, max_size=12)
numbers = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "-"]),
        st.one_of(st.sampled_from(["0", "00"]), digits),
        st.one_of(st.just(""), digits.map(".{}".format)),
        st.one_of(
            st.just(""),
            st.builds(
                "{}{}{}".format,
                st.sampled_from(["e", "E"]),
                st.sampled_from(["", "+", "-"]),
                st.one_of(digits.map(lambda text: text[:2]), st.just("0001")),
            ),
        ),
    ),
)


@given(number=numbers, is_quoted=st.booleans())
@settings(max_examples=400)
@example(number="1000000000", is_quoted=False)
@example(number="999999999", is_quoted=False)
@example(number="999999999.5", is_quoted=False)
@example(number="1e9", is_quoted=False)
@example(number="0.000000001e9", is_quoted=False)
@example(number="120e-1", is_quoted=False)
@example(number="125e-1", is_quoted=False)
@example(number="-0.0e5", is_quoted=True)
def test_it_agrees_with_exact_arithmetic(number: str, is_quoted: bool) -> None:
    exact = Fraction(number)
    is_whole = exact.denominator == 1 and exact >= 0
    expected = min(int(exact), LARGEST) if is_whole else None

    assert whole_number(f'"{number}"' if is_quoted else number) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ('"3"', 3),
        ("3.0", 3),
        ('"3.0"', 3),
        ("3e0", 3),
        ("-0", 0),
        ("1" + "0" * 400, LARGEST),
        ("1e400", LARGEST),
        ("1e99999999999999999999", LARGEST),
        ("9" * 1_000_000, LARGEST),
        ("0" * 1_000_000 + "7", 7),
        ("7." + "0" * 1_000_000, 7),
        ("7e" + "0" * 1_000_000 + "1", 70),
        ("70e-" + "0" * 1_000_000 + "1", 7),
        ("0e" + "9" * 1_000_000, 0),
        ("0." + "0" * 1_000_000 + "7e1000001", 7),
    ],
)
def test_a_whole_number_counts_however_it_is_written(text: str, value: int) -> None:
    assert whole_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("-1", "-1e400", "3.5", "1e-1", "1e-99999999999999999999", "0." + "0" * 1_000_000 + "1"),
        *("true", "false", "null", "NaN", "Infinity", "-Infinity", "[3]", '{"a":3}', "[]"),
        *("", '"', '""', '"-3"', '"three"', '" 3"', '"3 "', '"3\\n"', '"3\n"', "3\n", "+3", '"+3"'),
        *('"0x3"', '"3_0"', '"٣"', '"³"', "3.", ".3", "1e", "e1", '"3""', '""3"', "'3'", '"3" '),
    ],
)
def test_anything_else_is_no_counter(text: str) -> None:
    assert whole_number(text) is None


@given(text=st.one_of(st.text(), st.text('0123456789.eE+-" ')))
@settings(max_examples=200)
def test_no_text_makes_it_fail_and_no_answer_is_out_of_bounds(text: str) -> None:
    number = whole_number(text)

    assert number is None or 0 <= number <= LARGEST


@pytest.mark.parametrize("text", ["1000000001", "5000000000", "123456789012", "5e9", "1.5e11"])
def test_all_that_is_larger_counts_as_a_thousand_million(text: str) -> None:
    assert whole_number(text) == 1_000_000_000
