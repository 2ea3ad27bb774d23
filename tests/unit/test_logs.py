"""Log lines are one line each, can be parsed, and hold no secret in any spelling."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutt_tasks.replay.report import packed_cycle
from mutt_tasks.replay.result import CycleResult, RouteResult
from mutt_tasks.settings import load
from mutt_tasks.store.batch import Moved
from mutt_tasks.telemetry import logs
from mutt_tasks.telemetry.log_lines import Origin, Redacting, current_cycle

PLAIN, JSON = False, True
both = pytest.mark.parametrize("as_json", [PLAIN, JSON], ids=["plain", "json"])

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO mutt_tasks\.test: .*")


def line_of(
    message: object,
    *args: object,
    as_json: bool = PLAIN,
    secrets: frozenset[str] = frozenset(),
    fields: dict[str, Any] | None = None,
    error: BaseException | None = None,
) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("mutt_tasks.test", logging.INFO, __file__, 1, message, args, info)
    if fields is not None:
        record.fields = fields
    return Redacting(secrets, Origin("remediation", "1.2", "pod-1"), as_json).format(record)


def caught(error: Exception) -> Exception:
    """An error with a traceback that quotes the given one, and the given one behind it."""

    def fail() -> None:
        raise error

    def fail_again() -> None:
        try:
            fail()
        except ValueError:
            raise KeyError(str(error)) from error

    with pytest.raises(KeyError) as found:
        fail_again()
    return found.value


# --- one line ---


def test_a_plain_line_has_moment_level_logger_message_and_fields() -> None:
    line = line_of("%s started", "cycle", fields={"outcome": "held", "n": 3, "by": "a b"})

    assert LINE.fullmatch(line)
    assert line.endswith(': cycle started outcome=held n=3 by="a b"')


def test_a_json_line_is_one_object() -> None:
    line = line_of("%s", "cycle", as_json=JSON, fields={"outcome": "held", "routes": {"a": 3}})

    found = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("timestamp"))
    assert found == {
        "level": "INFO",
        "logger": "mutt_tasks.test",
        "service": "remediation",
        "version": "1.2",
        "pod_name": "pod-1",
        "message": "cycle",
        "outcome": "held",
        "routes": {"a": 3},
    }


@both
def test_a_line_of_a_cycle_names_it_and_no_other_does(as_json: bool) -> None:
    token = current_cycle.set("c0ffee")
    within = line_of("x", as_json=as_json, fields={"n": 1})
    current_cycle.reset(token)

    after = line_of("x", as_json=as_json, fields={"n": 1})

    if as_json:
        assert json.loads(within)["cycle"] == "c0ffee"
    else:
        assert within.endswith(": x n=1 cycle=c0ffee")
    assert "cycle" not in after


INJECTED = "2024-05-01T12:00:00.000Z INFO mutt_tasks.cycle: cycle outcome=replayed"
BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\x1b[2K\x1b[1G"]


@both
@pytest.mark.parametrize("line_break", BREAKS)
def test_a_message_with_a_line_break_cannot_inject_a_line(line_break: str, as_json: bool) -> None:
    text = f"end{line_break}{INJECTED}"

    for line in (
        line_of(text, as_json=as_json),
        line_of("%s", text, as_json=as_json),
        line_of("x", as_json=as_json, fields={"reason": text, "nested": {"reason": text}}),
        line_of("x", as_json=as_json, fields={"reason": text.replace(" ", "_")}),
    ):
        assert len(line.splitlines()) == 1
        assert line.isprintable()


@both
@pytest.mark.parametrize("line_break", BREAKS)
def test_a_traceback_cannot_inject_a_line(line_break: str, as_json: bool) -> None:
    error = caught(ValueError(f"end{line_break}{INJECTED}"))

    first, *below = line_of("failed", as_json=as_json, error=error).splitlines()

    assert "failed" in first
    assert all(part.startswith("    ") and part.isprintable() for part in below)
    assert bool(below) == (not as_json)


@given(text=st.text(), value=st.text())
@settings(max_examples=200)
def test_any_message_and_value_make_one_line_and_json_keeps_them_as_they_are(
    text: str, value: str
) -> None:
    fields = {"value": value, "parts": {"one": value, "two": [value, None, 1.5, True]}}

    plain = line_of("%s", text, fields=fields)
    found = json.loads(line_of("%s", text, as_json=JSON, fields=fields))

    assert len(plain.splitlines()) == 1
    assert plain.isprintable()
    assert (found["message"], found["value"], found["parts"]) == (text, value, fields["parts"])


def test_plain_values_can_be_told_apart() -> None:
    line = line_of("x", fields={"a": "1 b=2", "c": "", "d": 'e"f', "g": "h=i", "j": "kä"})

    assert line.endswith(r'x a="1 b=2" c="" d="e\"f" g="h=i" j=kä')


@both
def test_what_is_no_text_is_written_as_text(as_json: bool) -> None:
    line = line_of({"a": 1}, as_json=as_json, fields={"error": ValueError("s3cret!"), "n": 10**30})

    assert "s3cret!" in line
    assert str(10**30) in line


# --- no secrets ---

SECRET = 's3 "crét"/p@ss\\w%rd\n+x'

SPELLINGS: list[Callable[[str], str]] = [
    lambda secret: secret,
    lambda secret: quote(secret, safe=""),
    lambda secret: quote(secret),
    lambda secret: quote_plus(secret),
    lambda secret: re.sub("%..", lambda match: match[0].lower(), quote(secret, safe="")),
    repr,
    ascii,
    lambda secret: repr(secret.encode()),
    lambda secret: repr({"password": secret}),
    json.dumps,
    lambda secret: json.dumps(secret, ensure_ascii=False),
    lambda secret: f"POST https://user:{quote(secret, safe='')}@moogsoft.example/",
]


@both
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_in_no_line_however_it_is_spelled(
    spelling: Callable[[str], str], as_json: bool
) -> None:
    text = spelling(SECRET)
    secrets = frozenset({SECRET})

    for line in (
        line_of(f"a {text} b", as_json=as_json, secrets=secrets),
        line_of("a %s b", text, as_json=as_json, secrets=secrets),
        line_of("a %r b", [SECRET], as_json=as_json, secrets=secrets),
        line_of("a", as_json=as_json, secrets=secrets, fields={"x": text, "y": {"z": [text]}}),
        line_of("a", as_json=as_json, secrets=secrets, fields={"x": ValueError(text)}),
        line_of("a", as_json=as_json, secrets=secrets, error=caught(ValueError(text))),
    ):
        assert "***" in line
        for part in ("crét", "cr\\xe9t", "cr\\u00e9t", "cr%C3%A9t", "ss\\w", "%25rd", "w%rd"):
            assert part not in line


secret_texts = st.text(min_size=3, max_size=12).map(lambda text: "Zq" + text)


@both
@given(secret=secret_texts, before=st.text(max_size=5), after=st.text(max_size=5))
@settings(max_examples=200)
def test_any_secret_is_taken_out_of_any_message(
    as_json: bool, secret: str, before: str, after: str
) -> None:
    line = line_of("%s", f"{before}{secret}{after}", as_json=as_json, secrets=frozenset({secret}))

    message = json.loads(line)["message"] if as_json else line
    assert secret not in message
    assert "***" in message


def test_the_longer_of_two_secrets_goes_first() -> None:
    secrets = frozenset({"abc", "abcdef", "cde"})

    assert line_of("xabcdefx", secrets=secrets).endswith(": x***x")


def test_names_of_fields_and_the_shape_of_json_survive_any_secret() -> None:
    secrets = frozenset({"timestamp", "message", "INFO", '": "', '"}', "outcome"})

    found = json.loads(line_of("x outcome", as_json=JSON, secrets=secrets, fields={"outcome": "y"}))

    assert (found["level"], found["message"], found["outcome"]) == ("INFO", "x ***", "y")


@both
def test_a_secret_of_three_letters_is_hidden(as_json: bool) -> None:
    assert "xyz" not in line_of("see xyz there", as_json=as_json, secrets=frozenset({"xyz"}))


def test_a_secret_of_a_letter_or_two_does_not_blacken_everything() -> None:
    assert line_of("a an", secrets=frozenset({"a", "an", ""})).endswith(": a an")


# --- the loggers ---


@pytest.fixture
def loggers() -> Iterator[None]:
    """Leaves every logger as it was."""
    root = logging.getLogger()
    names = (*logs._CHATTY, *logs._INDISCREET)
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)


@pytest.mark.usefixtures("loggers")
@both
def test_every_logger_writes_our_lines_to_standard_error(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    key = "an-api-key"
    url = "https://u:web-password@moogsoft.example/hook?token=hook-token"
    env = {"MOOG_API_KEY": key, "MOOG_WEBHOOK_URL": url, "LOG_JSON_ENABLED": str(as_json)}
    logs.configure(load(env | {"LOG_LEVEL": "DEBUG"}))

    logging.getLogger("somebody.else").debug("%s %s", key, url)
    logging.getLogger("urllib3.connectionpool").debug("never shown")
    logging.getLogger("kombu").info("never shown")
    logging.getLogger("a").warning("POST /hook?token=hook-token, %s", {"auth": "web-password"})

    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 2
    assert all("***" in line for line in lines)
    for secret in (key, "web-password", "hook-token", "never shown"):
        assert secret not in err
    if as_json:
        assert [json.loads(line)["logger"] for line in lines] == ["somebody.else", "a"]


@pytest.mark.usefixtures("loggers")
def test_a_call_with_wrong_arguments_prints_nothing_past_the_redaction(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = logging.raiseExceptions
    try:
        logs.configure(load({"MOOG_API_KEY": "an-api-key"}))
        logging.getLogger("somebody.else").warning("%d %d", "an-api-key")
        assert "an-api-key" not in capsys.readouterr().err
    finally:
        logging.raiseExceptions = before


def test_a_breaker_that_was_left_open_is_told_once_until_that_changes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = []
    for since in (0.0, 100.0, 100.0, 200.0, 200.0, 0.0, 200.0, 0.0):
        logs.log_stale_breaker(since)
        told.append(len(caplog.records))
    assert told == [0, 1, 1, 2, 2, 2, 3, 3]
    assert "1970-01-01T00:01:40" in caplog.records[0].getMessage()


@pytest.mark.usefixtures("loggers")
def test_the_level_is_the_configured_one_and_celerys_own_reports_are_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(load({}))

    logging.getLogger("mutt_tasks").info("shown")
    logging.getLogger("mutt_tasks").debug("hidden")
    logging.getLogger("celery.app.trace").info("hidden")
    logging.getLogger("celery.app.trace").error("shown")

    assert [line.rpartition(" ")[2] for line in capsys.readouterr().err.splitlines()] == [
        "shown",
        "shown",
    ]
    assert logging.getLogger().handlers[0].stream is sys.stderr  # type: ignore[attr-defined]


def test_a_cycle_is_one_line_that_says_what_it_did(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    moved = Moved(replayed=5, quarantined={"poison": 1, "stale": 0}, remaining=7)
    routes = {
        "alerter": RouteResult("replayed", "", moved, waiting=2, bad_counters=1),
        "moog": RouteResult("held", "backpressure"),
    }

    result = CycleResult("c1", "replayed", "", routes, "c2", 0.12345)
    logs.log_cycle(result)
    packed = packed_cycle(result)

    assert packed == {
        "outcome": "replayed",
        "cycle": "c1",
        "routes": {
            "alerter": {
                "outcome": "replayed",
                "replayed": 5,
                "poison": 1,
                "waiting": 2,
                "odd_counters": 1,
                "remaining": 7,
            },
            "moog": {"outcome": "held", "reason": "backpressure", "replayed": 0},
        },
        "seconds": 0.123,
        "next_cycle": "c2",
    }
    assert json.loads(json.dumps(packed)) == packed
    record = caplog.records[-1]
    assert (record.name, record.getMessage()) == ("mutt_tasks.cycle", "cycle")
    assert record.fields == packed  # type: ignore[attr-defined]


def test_a_cycle_that_did_not_begin_is_short() -> None:
    assert packed_cycle(CycleResult("c1", "busy")) == {"outcome": "busy", "cycle": "c1"}
