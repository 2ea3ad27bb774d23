"""Questions to a Prometheus that answers, refuses, hangs, or is none; and what is told of it."""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from mutt_tasks.core.slo_objectives import OBJECTIVES
from mutt_tasks.errors import PrometheusRefused, PrometheusUnavailable
from mutt_tasks.levels.prometheus import Prometheus
from mutt_tasks.operations.slo import from_prometheus
from tests.moogsoft_server import (
    Answer,
    MoogsoftServer,
    announced_body,
    dribble,
    endless_body,
    endless_headers,
    raw,
    reset,
    silence,
    status,
)
from tests.redis_server import free_port

SECRET = "hunter2Zk4"
# Longer than a busy machine needs for an answer, and than a test should take to wait for none.
PATIENT, SHORT = 10.0, 0.3


def answer_of(**parts: object) -> Answer:
    """An answer as Prometheus gives it."""
    result = [
        {"metric": {"part": name.replace("_", " ")}, "value": [1.7e9, str(value)]}
        for name, value in parts.items()
    ]
    data = {"resultType": "vector", "result": result}
    return status(200, body=json.dumps({"status": "success", "data": data}).encode())


def refusal(code: int, error: str) -> Answer:
    body = {"status": "error", "errorType": "bad_data", "error": error}
    return status(code, body=json.dumps(body).encode())


def test_an_answer_is_read_and_the_question_is_posted() -> None:
    with MoogsoftServer(answer_of(events_window=12.5, failures_window="NaN")) as server:
        found = Prometheus(f"http://{server.host}/behind/a/path/", PATIENT)("up")
        request = server.request

    assert found["events window"] == 12.5
    assert found["failures window"] != found["failures window"]
    assert (request.method, request.path) == ("POST", "/behind/a/path/api/v1/query")
    assert parse_qs(request.body.decode()) == {"query": ["up"], "timeout": ["10"]}
    assert "authorization" not in request.headers


def test_a_log_in_in_the_address_is_sent_and_never_told() -> None:
    with MoogsoftServer(status(401)) as server:
        asked = Prometheus(f"http://user:{SECRET}@{server.host}/?key={SECRET}", PATIENT)
        report = from_prometheus(OBJECTIVES, asked).as_json()
        request = server.request

    login = base64.b64encode(f"user:{SECRET}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {login}"
    assert request.path == f"/api/v1/query?key={SECRET}"
    assert {each["state"] for each in report["objectives"]} == {"no_data"}
    assert {each["why"] for each in report["objectives"]} == {
        "Prometheus does not answer (http_401)"
    }
    assert report["state"] == "no_data"
    assert SECRET not in json.dumps(report)
    assert server.host not in json.dumps(report)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (status(302, "Location: http://example.invalid/"), "http_302"),
        (status(500), "http_500"),
        (status(200, body=b"<html>log in</html>"), "no answer of Prometheus"),
        (status(200, body=b"[" * 100_000), "no answer of Prometheus"),
        (status(200, body=b'{"data": {"result": [{"metric": {}}]}}'), "no answer of Prometheus"),
        (status(200, body=b'{"data": null}'), "no answer of Prometheus"),
        (reset, "connection_failed"),
        (raw(b"\x00\x01 what?"), "connection_failed"),
        (endless_body(200), "answer too large"),
    ],
)
def test_what_is_no_answer_is_no_data_and_told_in_a_word(answer: Answer, told: str) -> None:
    with (
        MoogsoftServer(answer) as server,
        pytest.raises(PrometheusUnavailable, match=told),
    ):
        Prometheus(f"http://{server.host}", PATIENT)("up")


@pytest.mark.parametrize("answer", [silence, dribble, announced_body, endless_headers])
def test_one_that_hangs_is_given_up_in_time_cut_off_and_asked_no_more(answer: Answer) -> None:
    with MoogsoftServer(answer) as server:
        began = time.monotonic()
        report = from_prometheus(OBJECTIVES, Prometheus(f"http://{server.host}", SHORT))
        took = time.monotonic() - began
        assert server.gone.wait(10)
        assert len(server.requests) == 1

    assert {level.state for level in report.levels} == {"no_data"}
    assert took < 10


def test_a_port_that_nobody_listens_on_is_no_data() -> None:
    with pytest.raises(PrometheusUnavailable, match="connection_failed"):
        Prometheus(f"http://127.0.0.1:{free_port()}", PATIENT)("up")


@pytest.mark.parametrize("code", [400, 422, 503])
def test_a_question_that_is_refused_says_why_and_the_others_are_asked(code: int) -> None:
    answers = iter([refusal(code, "too many samples"), *[answer_of(events_window=5)] * 20])
    with MoogsoftServer(one_after_the_other(answers.__next__)) as server:
        asked = Prometheus(f"http://{server.host}", PATIENT)
        with pytest.raises(PrometheusRefused, match="too many samples"):
            asked("one")
        assert asked("another") == {"events window": 5}


def one_after_the_other(following: Callable[[], Answer]) -> Answer:
    return lambda connection: following()(connection)


def test_a_round_of_slow_answers_ends_in_time() -> None:
    """Each answer comes in time, all together would not."""
    clock = iter([0.0, 1.0, 7.0, 15.0])
    with MoogsoftServer(answer_of(events_window=5)) as server:
        asked = Prometheus(f"http://{server.host}", 5.0, lambda: next(clock, 99.0))
        asked("one")
        asked("two")
        with pytest.raises(PrometheusUnavailable, match="too slow"):
            asked("three")
        assert len(server.requests) == 2
