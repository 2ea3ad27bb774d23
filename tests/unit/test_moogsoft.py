"""The probe, against a real server that answers in every way, good and bad."""

import base64
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks import moogsoft
from mutt_tasks.moogsoft import LONGEST_RETRY_AFTER, Answer, is_probed, probe
from mutt_tasks.settings import Settings, load
from tests.moogsoft_server import (
    Answer as ServerAnswer,
)
from tests.moogsoft_server import (
    MoogsoftServer,
    Request,
    announced_body,
    dribble,
    endless_body,
    endless_headers,
    raw,
    reset,
    silence,
    status,
)
from tests.tls_front import tls_of

NOW = 1_714_564_800.0
SECRET = "s3cr3t-v4lue"
# Long enough for an answer on a busy machine; short where nothing but the timeout can end it.
PATIENT, IMPATIENT = "15", "0.3"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy and no log-in from outside, and no probe left running."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    yield
    for thread in threading.enumerate():
        if thread.name == "moogsoft-probe":
            thread.join(10)
            assert not thread.is_alive()


def settings(server: MoogsoftServer, timeout: str = PATIENT, **env: str) -> Settings:
    return load({"MOOG_WEBHOOK_URL": server.url, "MOOG_HEALTH_TIMEOUT": timeout} | env)


def answered(answer: ServerAnswer, timeout: str = PATIENT, **env: str) -> Answer:
    with MoogsoftServer(answer) as server:
        return probe(settings(server, timeout, **env), NOW)


def sent(**env: str) -> Request:
    with MoogsoftServer(status(200)) as server:
        assert probe(settings(server, **env), NOW).healthy
        return server.request


# --- what the forwarder makes of the same answer ---


def told(caplog: pytest.LogCaptureFixture, codes: list[int], **env: str) -> list[str]:
    """What is logged while Moogsoft answers one probe after another with these statuses."""
    moogsoft._last_success = 0
    caplog.clear()
    for code in codes:
        assert answered(status(code), **env).healthy == (code in (200, 201, 202))
    assert {record.levelname for record in caplog.records} <= {"WARNING"}
    return caplog.messages


@pytest.mark.parametrize("code", [202, 203, 204, 206, 299])
def test_a_success_that_the_forwarder_takes_for_a_failure_is_told(
    caplog: pytest.LogCaptureFixture, code: int
) -> None:
    (line,) = told(caplog, [code])

    assert f"Moogsoft answers {code}: " in line
    assert "mutt:dlq:moog" in line
    assert "MOOG_DELIVERED_STATUS (200,201)" in line


def test_it_is_told_once_until_the_answer_changes(caplog: pytest.LogCaptureFixture) -> None:
    assert len(told(caplog, [202, 202, 500, 202])) == 1
    assert len(told(caplog, [202, 204, 204])) == 2
    assert len(told(caplog, [202, 200, 202])) == 2


def test_what_the_forwarder_counts_as_delivered_is_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert told(caplog, [200, 201, 302, 404, 500, 503]) == []
    assert told(caplog, [202, 204], MOOG_DELIVERED_STATUS="200,201,202,204") == []
    assert len(told(caplog, [201], MOOG_DELIVERED_STATUS="200")) == 1


def test_the_answer_of_a_health_page_says_nothing_of_alerts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    moogsoft._last_success = 0
    with MoogsoftServer(status(202)) as server:
        env = {"MOOG_HEALTH_URL": server.url, "MOOG_HEALTH_TIMEOUT": PATIENT}
        assert probe(load(env), NOW).healthy
    assert caplog.messages == []


# --- what is asked ---


def test_the_post_carries_the_test_event() -> None:
    request = sent()

    assert (request.method, request.path) == ("POST", "/events")
    assert request.headers["content-type"] == "application/json"
    event = json.loads(request.body)
    assert (
        event.items()
        >= {
            "source": "MUTT_HEALTH_CHECK",
            "description": "Health check probe - auto-close",
            "severity": "clear",
            "check_id": "health_check_1714564800",
            "timestamp": "2024-05-01T12:00:00.000Z",
        }.items()
    )


def test_the_fields_that_moogsoft_deduplicates_by_never_change() -> None:
    first, later = moogsoft.test_event(NOW), moogsoft.test_event(NOW + 86_400.5)

    changed = {name for name in first if first[name] != later[name]}
    assert first.keys() == later.keys()
    assert changed == {"check_id", "timestamp"}
    assert first.keys() >= {"signature", "source", "service", "check"}


def test_with_a_health_address_the_probe_only_reads() -> None:
    with MoogsoftServer(status(200)) as server:
        found = load(
            {
                "MOOG_WEBHOOK_URL": "http://127.0.0.1:1/never",
                "MOOG_HEALTH_URL": server.url + "?a=b%20c",
                "MOOG_API_KEY": "k",
                "MOOG_HEALTH_TIMEOUT": PATIENT,
            }
        )
        assert probe(found, NOW) == Answer(True, "http_200")

        assert (server.request.method, server.request.path) == ("GET", "/events?a=b%20c")
        assert server.request.body == b""
        assert server.request.headers["authorization"] == "Bearer k"


def test_nothing_is_asked_without_an_address_or_when_the_check_is_off() -> None:
    url = {"MOOG_WEBHOOK_URL": "http://h/"}

    assert is_probed(load(url))
    assert is_probed(load({"MOOG_HEALTH_URL": "http://h/"}))
    assert not is_probed(load({}))
    assert not is_probed(load(url | {"MOOG_HEALTH_CHECK_ENABLED": "false"}))


# --- who asks ---


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("env", "headers"),
    [
        ({}, {}),
        ({"MOOG_USERNAME": "u", "MOOG_PASSWORD": "p:w"}, {"authorization": basic("u:p:w")}),
        ({"MOOG_USERNAME": "ü", "MOOG_PASSWORD": "пароль"}, {"authorization": basic("ü:пароль")}),
        ({"MOOG_USERNAME": "u"}, {"authorization": basic("u:")}),
        ({"MOOG_API_KEY": "k", "MOOG_AUTH_HEADER": "apiKey"}, {"apikey": "k"}),
        ({"MOOG_API_KEY": "k"}, {"authorization": "Bearer k"}),
        ({"MOOG_API_KEY": "k", "MOOG_AUTH_SCHEME": "Token"}, {"authorization": "Token k"}),
        (
            {"MOOG_API_KEY": "k", "MOOG_AUTH_HEADER": "X-Key", "MOOG_AUTH_SCHEME": "Key"},
            {"x-key": "Key k"},
        ),
        (
            {"MOOG_USERNAME": "u", "MOOG_API_KEY": "k", "MOOG_AUTH_HEADER": "apiKey"},
            {"authorization": basic("u:"), "apikey": "k"},
        ),
    ],
    ids=[
        *("none", "basic", "basic_utf8", "user_only", "api_key", "bearer", "scheme", "own_header"),
        "basic_and_key",
    ],
)
def test_credentials_go_in_the_configured_form(
    env: dict[str, str], headers: dict[str, str]
) -> None:
    found = sent(**env).headers

    carriers = ("authorization", "apikey", "x-key")
    assert {name: found[name] for name in carriers if name in found} == headers


def test_a_log_in_inside_the_address_is_used_unless_another_is_configured() -> None:
    with MoogsoftServer(status(200)) as server:
        url = f"http://user:p%40ss@{server.host}/events"
        for env in ({}, {"MOOG_USERNAME": "u", "MOOG_PASSWORD": "p"}, {"MOOG_API_KEY": "k"}):
            probe(load({"MOOG_WEBHOOK_URL": url} | env), NOW)

        assert [request.headers["authorization"] for request in server.requests] == [
            basic("user:p@ss"),
            basic("u:p"),
            "Bearer k",
        ]


def test_a_log_in_that_lies_in_netrc_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login root password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert "authorization" not in sent().headers


# --- what is healthy ---


@pytest.mark.parametrize("code", [200, 201, 202])
def test_three_statuses_are_healthy(code: int) -> None:
    assert answered(status(code)) == Answer(True, f"http_{code}")


@pytest.mark.parametrize(
    "code",
    [203, 204, 206, 299, 300, 304, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504, 599],
)
def test_every_other_status_is_unhealthy(code: int) -> None:
    assert answered(status(code, body=b"")) == Answer(False, f"http_{code}")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_page_that_answers_200_is_unhealthy_and_not_followed(code: int) -> None:
    with MoogsoftServer(status(200)) as page:
        answer = answered(status(code, f"Location: {page.url}"))

        assert answer == Answer(False, f"http_{code}")
        assert page.requests == []


def test_a_health_page_that_redirects_to_one_that_answers_200_is_unhealthy() -> None:
    with (
        MoogsoftServer(status(200)) as page,
        MoogsoftServer(status(302, f"Location: {page.url}")) as health,
    ):
        env = {"MOOG_HEALTH_URL": health.url, "MOOG_HEALTH_TIMEOUT": PATIENT}

        assert probe(load(env), NOW) == Answer(False, "http_302")
        assert page.requests == []


# --- wait, please ---


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 7", 7),
        ("Retry-After: 0", 0),
        ("Retry-After: 0000000000090", 90),
        ("Retry-After: 3599", 3599),
        ("Retry-After: 3601", 3600),
        ("retry-after:  120 ", 120),
        (f"Retry-After: {format_datetime(datetime.fromtimestamp(NOW + 90, UTC), True)}", 90),
        ("Retry-After: Wed, 01 May 2024 14:01:30 +0200", 90),
        (f"Retry-After: {format_datetime(datetime.fromtimestamp(NOW - 90, UTC), True)}", 0),
        ("Retry-After: " + "9" * 5000, LONGEST_RETRY_AFTER),
        ("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER),
        ("Retry-After: Wed, 21 Oct 99999999999999999999 07:28:00 GMT", 0),
        ("Retry-After: soon", 0),
        ("Retry-After: -5", 0),
        ("Retry-After: 1.5", 0),
        ("Retry-After: \xb2", 0),
        ("Retry-After:", 0),
        ("X-Other: 7", 0),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_an_unhealthy_answer_may_ask_for_a_wait(code: int, header: str, seconds: float) -> None:
    assert answered(status(code, header)) == Answer(False, f"http_{code}", seconds)


def test_a_date_without_a_zone_is_utc_on_a_machine_that_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "FAR-9")
        time.tzset()
        answer = answered(status(503, "Retry-After: Wed, 01 May 2024 12:01:30 -0000"))
    time.tzset()
    assert answer == Answer(False, "http_503", 90)


def test_a_healthy_answer_asks_for_no_wait() -> None:
    assert answered(status(200, "Retry-After: 7")) == Answer(True, "http_200")


date_parts = st.sampled_from(
    [
        *("Wed,", "Wed", "21", "Oct", "2015", "99999999999999999999", "07:28:00", "7.28.0", "GMT"),
        *("+9999", "+99999999999999999999", "EST", "1-Jan-2015", "", ",", "-1", "::", "69"),
    ]
)


@given(st.one_of(st.lists(date_parts).map(" ".join), st.text(st.characters(max_codepoint=255))))
def test_no_retry_after_makes_the_probe_fail(value: str) -> None:
    assert 0 <= moogsoft._retry_after(value, NOW) <= LONGEST_RETRY_AFTER


# --- servers that misbehave ---


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    assert answered(silence, IMPATIENT) == Answer(False, "timeout")


def test_a_server_that_dribbles_its_header_is_given_up_in_time_and_cut_off() -> None:
    with MoogsoftServer(dribble) as server:
        assert probe(settings(server, IMPATIENT), NOW) == Answer(False, "timeout")

        assert server.gone.wait(10)


def test_a_server_that_never_takes_the_connection_is_given_up_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        answer = probe(load({"MOOG_HEALTH_URL": url, "MOOG_HEALTH_TIMEOUT": IMPATIENT}), NOW)

    assert answer == Answer(False, "timeout")


@pytest.mark.parametrize("code", [200, 503])
def test_a_body_of_any_size_is_not_read(code: int) -> None:
    assert answered(endless_body(code)) == Answer(code == 200, f"http_{code}")


def test_a_body_that_is_announced_and_never_comes_is_not_waited_for() -> None:
    assert answered(announced_body) == Answer(True, "http_202")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reset, id="reset"),
        pytest.param(endless_headers, id="endless headers"),
        pytest.param(raw(b""), id="nothing"),
        pytest.param(raw(b"\x00\xff garbage\r\n\r\n"), id="garbage"),
        pytest.param(raw(b"HTTP/1.1 2"), id="half a status"),
        pytest.param(raw(b"HTTP/1.1 abc OK\r\n\r\n"), id="no number"),
        pytest.param(raw(b"HTTP/1.1 99999 OK\r\n\r\n"), id="large number"),
        pytest.param(raw(b"HTTP/1.1 -200 OK\r\n\r\n"), id="negative number"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.6\r\n"), id="ssh"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"), id="long line"),
    ],
)
def test_what_is_no_answer_is_unhealthy_at_once(answer: ServerAnswer) -> None:
    assert answered(answer) == Answer(False, "connection_failed")


def test_a_port_that_nobody_listens_on_is_unhealthy_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"

        answer = probe(load({"MOOG_WEBHOOK_URL": url, "MOOG_HEALTH_TIMEOUT": PATIENT}), NOW)

    assert answer == Answer(False, "connection_failed")


def test_a_host_that_cannot_have_that_name_is_unhealthy_at_once() -> None:
    url = f"http://{'x' * 64}.example/"

    answer = probe(load({"MOOG_WEBHOOK_URL": url, "MOOG_HEALTH_TIMEOUT": PATIENT}), NOW)

    assert answer == Answer(False, "request_failed")


def test_a_proxy_that_cannot_be_reached_is_named_as_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{taken.getsockname()[1]}")

        assert answered(status(200)) == Answer(False, "proxy_failed")


# --- TLS ---


def tls_answer(context: ssl.SSLContext, **env: str) -> tuple[Answer, list[Request]]:
    with MoogsoftServer(status(200), context) as server:
        return probe(settings(server, **env), NOW), server.requests


def test_a_private_authority_is_trusted_when_it_is_named(
    authority: trustme.CA, ca_cert: str
) -> None:
    answer, requests = tls_answer(tls_of(authority), MOOG_CA_CERT=ca_cert, MOOG_API_KEY="k")

    assert answer == Answer(True, "http_200")
    assert [request.headers["authorization"] for request in requests] == ["Bearer k"]


def test_an_unknown_authority_is_unhealthy_and_hears_nothing(authority: trustme.CA) -> None:
    assert tls_answer(tls_of(authority), MOOG_API_KEY="k") == (Answer(False, "tls_failed"), [])


def test_another_private_authority_is_unhealthy_and_hears_nothing(ca_cert: str) -> None:
    context = tls_of(trustme.CA())

    assert tls_answer(context, MOOG_CA_CERT=ca_cert) == (Answer(False, "tls_failed"), [])


def test_a_certificate_for_another_host_is_unhealthy_and_hears_nothing(
    authority: trustme.CA, ca_cert: str
) -> None:
    context = tls_of(authority, "moogsoft.example")

    assert tls_answer(context, MOOG_CA_CERT=ca_cert) == (Answer(False, "tls_failed"), [])


def test_a_server_without_tls_behind_https_is_unhealthy() -> None:
    with MoogsoftServer(silence) as server:
        url = server.url.replace("http:", "https:")
        answer = probe(load({"MOOG_WEBHOOK_URL": url, "MOOG_HEALTH_TIMEOUT": IMPATIENT}), NOW)

    assert not answer.healthy


def test_a_file_that_holds_no_authority_is_unhealthy_at_once(
    authority: trustme.CA, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    answer, requests = tls_answer(tls_of(authority), MOOG_CA_CERT=str(tmp_path / "ca.pem"))

    assert (answer.healthy, requests) == (False, [])
    assert answer.reason in ("tls_failed", "request_failed")


# --- secrets ---


@pytest.mark.parametrize(
    "answer",
    [status(200), status(302, f"Location: /{SECRET}"), status(429, f"Retry-After: {SECRET}")],
    ids=["healthy", "redirect", "wait"],
)
def test_no_answer_and_no_output_holds_a_secret(
    answer: ServerAnswer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "mutt_tasks")
    with MoogsoftServer(answer) as server:
        url = f"http://user:{SECRET}@{server.host}/hook?token={SECRET}"
        found = probe(load({"MOOG_WEBHOOK_URL": url, "MOOG_API_KEY": SECRET}), NOW)
        assert SECRET in server.request.path

    assert re.fullmatch(r"http_\d{3}", found.reason)
    assert SECRET not in "".join(capfd.readouterr())
    assert SECRET not in "".join(r.getMessage() for r in caplog.records if "mutt" in r.name)


def test_no_failure_holds_a_secret(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for scheme in ("http", "https"):
            url = f"{scheme}://user:{SECRET}@127.0.0.1:{port}/{SECRET}?token={SECRET}"
            answer = probe(load({"MOOG_WEBHOOK_URL": url, "MOOG_API_KEY": SECRET}), NOW)
            assert answer == Answer(False, "connection_failed")

    assert SECRET not in "".join(capfd.readouterr())
