"""The stand-in for Moogsoft, asked over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mutt_tasks import moogsoft as probe
from mutt_tasks.settings import load
from stand_ins.moogsoft import Moogsoft


@pytest.fixture
def moogsoft() -> Iterator[Moogsoft]:
    with Moogsoft() as running:
        yield running


def post(moogsoft: Moogsoft, **how: Any) -> int:
    path = how.pop("path", "/webhook")
    url = f"http://127.0.0.1:{moogsoft.port}{path}"
    with requests.Session() as session:
        return session.post(url, timeout=5, **how).status_code


def get(moogsoft: Moogsoft, path: str) -> int:
    with requests.Session() as session:
        return session.get(f"http://127.0.0.1:{moogsoft.port}{path}", timeout=5).status_code


def test_events_are_accepted_and_counted(moogsoft: Moogsoft) -> None:
    assert post(moogsoft, json={"description": "one"}) == 200
    assert post(moogsoft, json=[{"description": "two"}, {"description": "three"}]) == 200
    assert (moogsoft.accepted, moogsoft.refused) == (3, 0)


def test_the_probe_of_the_program_is_answered_and_not_counted_as_an_event(
    moogsoft: Moogsoft,
) -> None:
    settings = load({"MOOG_WEBHOOK_URL": moogsoft.url})
    assert probe.probe(settings, 0.0).healthy
    moogsoft.down()
    assert probe.probe(settings, 0.0).reason == "http_503"
    assert (moogsoft.accepted, moogsoft.probes) == (0, 1)


def test_while_it_is_down_it_refuses_everything_and_counts_nothing(moogsoft: Moogsoft) -> None:
    moogsoft.down()
    assert post(moogsoft, json={"description": "lost?"}) == 503
    assert get(moogsoft, "/health") == 503
    moogsoft.up()
    assert post(moogsoft, json={"description": "again"}) == 200
    assert get(moogsoft, "/health") == 200
    assert (moogsoft.accepted, moogsoft.refused) == (1, 1)


def test_it_can_be_taken_down_and_brought_back_over_http(moogsoft: Moogsoft) -> None:
    assert post(moogsoft, path="/down") == 200
    assert get(moogsoft, "/health") == 503
    assert post(moogsoft, path="/up") == 200
    assert get(moogsoft, "/health") == 200


@pytest.mark.parametrize("body", [b"", b"garbage", b"[1,2]", b'"text"', b"\xff\xfe"])
def test_what_is_no_event_is_a_bad_request(moogsoft: Moogsoft, body: bytes) -> None:
    assert post(moogsoft, data=body) in (400, 411)
    assert moogsoft.accepted == 0


def test_each_accepted_event_is_told_before_its_sender_hears_of_it() -> None:
    told: list[dict[str, Any]] = []
    with Moogsoft(on_accept=told.append) as moogsoft:
        assert post(moogsoft, json={"description": "one"}) == 200
        assert told == [{"description": "one"}]
        post(moogsoft, json={"source": "MUTT_HEALTH_CHECK"})
        assert len(told) == 1


def test_other_paths_are_not_found(moogsoft: Moogsoft) -> None:
    assert get(moogsoft, "/nothing") == 404
