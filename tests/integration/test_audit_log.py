"""The worker's log has each entry of the audit once, whoever wrote it, and the end of the chain."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.settings import load
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry import logs
from mutt_tasks.worker.audit_log import HEAD_SECONDS, Keeper
from tests.looking import Clock

Configure = Callable[..., None]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Sets our logging up as a worker does; it is taken down again."""
    root, audit = logging.getLogger(), logging.getLogger("mutt_tasks.audit")
    before = root.handlers, root.level, audit.handlers, audit.propagate, audit.level
    yield lambda **env: logs.configure(load({"MOOG_API_KEY": "hunter2Zk4"} | env))
    root.handlers, root.level, audit.handlers, audit.propagate, audit.level = before


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was written to standard output."""
    return [json.loads(line) for line in captured.readouterr().out.splitlines()]


def attempt(number: int) -> AuditEntry:
    """An entry of somebody's."""
    return AuditEntry("pause", "ann", "--actor", reason=f"try {number}")


def test_every_entry_is_one_line_of_json_however_many_there_are(
    store: Store, capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure(LOG_LEVEL="ERROR", LOG_JSON="false")
    for number in range(450):
        store.audit.add(attempt(number))

    Keeper(store.audit, Clock().monotonic).look()

    *entries, head = lines(capsys)
    assert [line["reason"] for line in entries] == [f"try {number}" for number in range(450)]
    assert {line["message"] for line in entries} == {"audit"}
    ids = [entry_id for entry_id, _ in store.audit.after(most=1000)]
    assert [line["id"] for line in entries] == ids
    assert (head["message"], head["entries"], head["id"]) == ("audit head", 450, ids[-1])
    assert head["hash"] == entries[-1]["hash"] == store.audit.head().hash


def test_a_worker_that_starts_goes_on_where_the_last_one_was(
    store: Store, capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure()
    first, second = (Keeper(store.audit, Clock().monotonic) for _ in range(2))
    store.audit.add(attempt(1))
    first.look()
    first.look()
    store.audit.add(attempt(2))
    second.look()
    first.look()

    told = [line.get("reason", "head") for line in lines(capsys)]
    assert told == ["try 1", "head", "try 2", "head"]


def test_the_end_of_the_chain_is_logged_each_hour(
    store: Store, capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure()
    clock = Clock()
    keeper = Keeper(store.audit, clock.monotonic)
    for _ in range(4):
        keeper.look()
        clock.wait(0.4 * HEAD_SECONDS)

    assert [line["message"] for line in lines(capsys)] == ["audit head"] * 2


def test_the_end_of_the_chain_is_logged_again_after_an_hour_and_not_before(
    store: Store, capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure()
    clock = Clock()
    keeper = Keeper(store.audit, clock.monotonic)
    told = []
    for wait in (0, 3500, 200):
        clock.wait(wait)
        keeper.look()
        told.append(len(lines(capsys)))

    assert told == [1, 0, 1]


def test_a_secret_of_ours_that_somebody_typed_is_in_no_line(
    store: Store, capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure()
    store.audit.add(AuditEntry("pause", "ann", "--actor", reason="it is hunter2Zk4\x1b[2J"))

    Keeper(store.audit, Clock().monotonic).look()

    line, _ = capsys.readouterr().out.splitlines()
    assert json.loads(line)["reason"] == "it is ***\x1b[2J"
    assert line.isprintable()


def test_a_key_that_holds_something_else_is_said_once(
    client: redis.Redis, store: Store, capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure()
    client.set("mutt:remediation:audit", "no such thing")
    keeper = Keeper(store.audit, Clock().monotonic)
    for _ in range(3):
        keeper.look()
    client.delete("mutt:remediation:audit")
    keeper.look()

    captured = capsys.readouterr()
    assert captured.err.count("the audit cannot be logged") == 1
    assert [json.loads(line)["message"] for line in captured.out.splitlines()] == ["audit head"]


def test_a_key_that_is_wrong_again_is_said_again(
    client: redis.Redis, store: Store, capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure()
    keeper = Keeper(store.audit, Clock().monotonic)
    for _ in range(2):
        client.set("mutt:remediation:audit", "no such thing")
        keeper.look()
        client.delete("mutt:remediation:audit")
        keeper.look()

    assert capsys.readouterr().err.count("the audit cannot be logged") == 2
