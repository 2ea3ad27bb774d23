"""One environment variable at a time: parsed, taken from a file, or refused in one clear line."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.settings import parsers
from mutt_tasks.settings.parsers import (
    choice,
    header_name,
    header_text,
    http_url,
    number,
    printable,
    rate,
    statuses,
    subset,
    whole,
)
from mutt_tasks.settings.variable import (
    NOT_SHOWN,
    Variable,
    known_names,
    read,
    secrets_in_url,
    unknown_names,
)

PORT = Variable("PORT", "80", whole(1, 65_535), "", "a port")
KEY = Variable("KEY", "", header_text, "", "a key", secret=True)
CERT = Variable("CERT", "none", parsers.text, "", "a path", aliases=("THEIR_CERT", "CERTIFICATE"))
PASSWORD = Variable("PW", "", parsers.text, "", "", secret=True, aliases=("PASS_NOW",))


def read_one(variable: Variable, **env: str) -> tuple[Any, list[str]]:
    values, problems = read({"it": variable}, env)
    return values.get("it"), problems


@pytest.mark.parametrize(
    ("env", "value"),
    [
        ({}, 80),
        ({"PORT": ""}, 80),
        ({"PORT": "  "}, 80),
        ({"PORT": " 81\n"}, 81),
        ({"PORT": "+9"}, 9),
    ],
)
def test_an_unset_or_empty_variable_has_its_default(env: dict[str, str], value: int) -> None:
    assert read_one(PORT, **env) == (value, [])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "'0'"),
        ("x\ny", r"'x\ny'"),
        ("\x1b[2J", r"'\x1b[2J'"),
        ("9" * 500, "'" + "9" * 80 + "…'"),
    ],
)
def test_a_bad_value_is_one_line_with_the_name_what_it_got_and_what_it_takes(
    text: str, shown: str
) -> None:
    line = f"PORT: got {shown}, accepts a whole number from 1 to 65535"

    assert read_one(PORT, PORT=text) == (None, [line])


@pytest.mark.parametrize("name", ["CERT", "THEIR_CERT", "CERTIFICATE"])
def test_a_variable_is_read_by_each_of_its_names(name: str) -> None:
    assert read_one(CERT, **{name: "/x"}) == ("/x", [])
    assert read_one(CERT, **{"CERT": "/x", name: " /x"}) == ("/x", [])
    assert read_one(CERT, **{name: " "}) == ("none", [])


def test_names_that_contradict_each_other_are_both_named() -> None:
    (line,) = read_one(CERT, THEIR_CERT="/x", CERTIFICATE="/y")[1]

    assert line.startswith("THEIR_CERT: got '/x', and CERTIFICATE '/y'; accepts one of the two")


def test_a_bad_value_is_told_by_the_name_that_was_given() -> None:
    port = Variable("PORT", "80", whole(1, 9), "", "", aliases=("THEIR_PORT",))

    assert read_one(port, THEIR_PORT="x") == (
        None,
        ["THEIR_PORT: got 'x', accepts a whole number from 1 to 9"],
    )


def test_a_secret_is_read_from_the_file_of_each_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")

    assert read_one(PASSWORD, PASS_NOW_FILE=str(tmp_path / "pw")) == ("s3cret", [])
    assert read_one(PASSWORD, PASS_NOW_FILE=str(tmp_path / "pw"), PW="s3cret") == ("s3cret", [])
    assert known_names([PASSWORD]) == {"PW", "PW_FILE", "PASS_NOW", "PASS_NOW_FILE"}


def test_every_bad_value_is_told_at_once() -> None:
    values, problems = read({"a": PORT, "b": KEY}, {"PORT": "x", "KEY": "ä"})

    assert values == {}
    assert [line.partition(":")[0] for line in problems] == ["PORT", "KEY"]


# --- secrets ---


def test_a_secret_is_read_from_its_file_without_the_line_break(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s3cret key\r\n")

    assert read_one(KEY, KEY_FILE=str(file)) == ("s3cret key", [])
    assert read_one(KEY, KEY_FILE=f" {file} ", KEY="") == ("s3cret key", [])


def test_only_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("81")

    assert read_one(PORT, PORT_FILE=str(file)) == (80, [])


def test_a_secret_and_its_file_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("two")

    value, problems = read_one(KEY, KEY="one", KEY_FILE=str(tmp_path / "key"))

    assert value is None
    assert problems == [f"KEY: got {NOT_SHOWN}, accepts only one of KEY and KEY_FILE"]


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    if kind == "binary":
        path.write_bytes(b"\xff\xfe s3cret")

    value, problems = read_one(KEY, KEY_FILE=str(path))

    assert value is None
    assert problems == [
        f"KEY_FILE: got {str(path)!r:.82}, accepts the path of a readable text file"
        if len(str(path)) <= 80
        else f"KEY_FILE: got {str(path)[:80] + '…'!r}, accepts the path of a readable text file"
    ]


@pytest.mark.parametrize("secret", ["s3cret", "https://u:s3cret@moogsoft/hook", "s3c\0ret"])
def test_a_secret_given_as_the_name_of_its_file_is_not_shown(secret: str) -> None:
    value, problems = read_one(KEY, KEY_FILE=secret)

    assert value is None
    assert problems == [f"KEY_FILE: got {NOT_SHOWN}, accepts the path of a readable text file"]


@pytest.mark.parametrize("bad", ["s3cret\x07", "s3cret\nX-Injected: 1", "s3crét"])
def test_a_bad_secret_is_not_shown(bad: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(bad)

    for _, problems in (read_one(KEY, KEY=bad), read_one(KEY, KEY_FILE=str(tmp_path / "key"))):
        assert problems == [
            f"KEY: got {NOT_SHOWN}, accepts printable ASCII characters, as an HTTP header can carry"
        ]


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("", set()),
        ("https://moogsoft/hook", set()),
        ("https://moogsoft/a@b?", set()),
        ("https://user:p%40ss@moogsoft/hook", {"p%40ss", "p@ss"}),
        ("https://user:p:w@moogsoft", {"p:w"}),
        ("https://only-user@moogsoft", {"only-user"}),
        ("redis://user:@localhost:6379/0", set()),
        ("https://moogsoft/hook?key=k%2Fey&x=a+b;y=c#frag", {"k%2Fey", "k/ey", "a+b", "a b", "c"}),
        ("https://moogsoft/hook?bare-token", {"bare-token"}),
        ("https://moogsoft?token=a=b", {"a=b"}),
        ("redis://:one@h1/0;rediss://:two@h2/0?ssl_cert_reqs=required", {"one", "two"}),
        ("redis+socket://:pw@/run/redis.sock?virtual_host=3", {"pw"}),
        ("no url : at all", set()),
        ("redis://[::1", set()),
    ],
)
def test_the_secret_parts_of_an_address_are_found(url: str, parts: set[str]) -> None:
    assert secrets_in_url(url) == parts


@given(st.text())
def test_no_text_makes_the_search_for_secrets_fail(url: str) -> None:
    assert "" not in secrets_in_url(url)


# --- names ---


def test_a_variable_that_looks_like_ours_and_is_not_gets_a_warning_with_the_nearest_name() -> None:
    known = known_names([PORT, KEY, Variable("OUR_SIZE", "1", whole(1, 2), "", "")])

    env = {"OUR_SIEZ": "1", "OUR_SIZE": "1", "OTHER": "1", "OUR_QQQQQQQQQQQQQQQQQQQQ": "1"}

    assert known == {"PORT", "KEY", "KEY_FILE", "OUR_SIZE"}
    assert unknown_names(env, known, ("OUR_",)) == [
        "OUR_QQQQQQQQQQQQQQQQQQQQ is not a variable of mutt_tasks and does nothing",
        "OUR_SIEZ is not a variable of mutt_tasks and does nothing; did you mean OUR_SIZE?",
    ]


# --- parsers ---


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("YES", True), ("1", True), ("on", True), ("False", False), ("0", False)],
)
def test_a_switch_is_written_in_the_usual_ways(text: str, value: bool) -> None:
    assert parsers.boolean(text) is value


@pytest.mark.parametrize(
    ("parse", "bad"),
    [
        (parsers.boolean, ["", "2", "t", "enabled", "yes please", "0.0"]),
        (
            whole(1, 10),
            ["", "0", "11", "-1", "1.0", "1e1", "1_0", "٣", "³", " 1", "1\n", "9" * 5000],
        ),
        (number(0, 10), ["", "-0.1", "10.1", "nan", "inf", "-inf", "1_0", "٣", "0x1", "1,5", "1s"]),
        (rate, ["", "-1", "nan", "fast", "1000001", "auto "]),
        (choice("INFO", "ERROR"), ["", "inf", "INFO,ERROR", "TRACE"]),
        (subset("a", "b"), ["", "c", "a,a", "a,", "a b", "a,A", ","]),
        (statuses(200, 299), ["", "x", "199", "300", "200,", "200;201", "2xx", "200 201"]),
        (printable, ["", "a b", "a\n", "ä", "\x00", "x" * 513]),
        (header_name, ["", "a b", "a:", "a\n", "ä", "a\x00", "x" * 129]),
        (header_text, ["a\n", "a\rb", "ä", "\x00", "\x7f", "x" * 8193]),
        (parsers.existing_file, ["/nonexistent/file", "/", "."]),
        (
            http_url,
            [
                *(
                    "moogsoft",
                    "ftp://h/",
                    "http://",
                    "https:///x",
                    "http://h:x/",
                    "http://h:99999/",
                ),
                *(
                    "http://h:0/",
                    "http://[::1",
                    "http://a b/",
                    "http://h/ä",
                    "http://h/\n",
                    "//h/x",
                ),
                *("http:h", "http://:80/", "http://user:pa/ss@h/"),
            ],
        ),
    ],
)
def test_a_parser_refuses_what_it_cannot_use_and_says_what_it_takes(
    parse: parsers.Parser[Any], bad: list[str]
) -> None:
    for text in bad:
        with pytest.raises(ValueError, match=r"^[ -~]{5,}$"):
            parse(text)


@given(value=st.integers(), low=st.integers(-1000, 1000), high=st.integers(-1000, 1000))
def test_a_whole_number_is_taken_exactly_when_it_is_in_range(
    value: int, low: int, high: int
) -> None:
    try:
        taken = whole(low, high)(str(value)) == value
    except ValueError:
        taken = False

    assert taken == (low <= value <= high)


def test_numbers_and_rates_are_read_as_written() -> None:
    assert number(0, 10)("2.5") == 2.5
    assert number(0, 10)("1e-3") == 0.001
    assert (rate("auto"), rate("AUTO"), rate("0"), rate("12.5")) == (None, None, 0.0, 12.5)
    assert not math.isnan(number(0, 10)("-0"))


def test_words_are_taken_in_any_case_and_given_back_as_they_are_known() -> None:
    assert choice("INFO", "ERROR")("info") == "INFO"
    assert subset("a", "b")(" B , a ") == ("b", "a")
    assert statuses(200, 299)("201, 204,201") == {201, 204}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h",
        "https://u:p@h.example:8443/a?b=c#d",
        "http://[::1]:80/",
        "http://127.0.0.1/x",
    ],
)
def test_a_web_address_is_taken_as_it_is(url: str) -> None:
    assert http_url(url) == url


def test_the_name_of_a_readable_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")

    assert parsers.existing_file(str(tmp_path / "ca.pem")) == str(tmp_path / "ca.pem")
    assert parsers.existing_file("") == ""


def test_names_of_lists_stand_between_commas_each_once() -> None:
    assert parsers.names("") == ()
    assert parsers.names(" a, b:c ,a") == ("a", "b:c")
    for bad in ("a b", "a,,b", ",", "ä"):
        with pytest.raises(ValueError, match="names of Redis lists"):
            parsers.names(bad)
