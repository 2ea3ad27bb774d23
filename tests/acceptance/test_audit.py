"""Who did what: as `mutt-dlq audit` shows it, and as the worker's log has it."""

import json
from pathlib import Path
from typing import Any

import redis

from tests.acceptance.conftest import Run, of
from tests.pipeline import DLQ, event, fill
from tests.redis_server import RedisServer
from tests.services import Services, services, until

INTERVAL = "mutt:config:remediation_interval"


def audit_lines(running: Services) -> list[dict[str, Any]]:
    """The lines of JSON that the worker wrote for the audit."""
    lines = [json.loads(line) for line in running.logs().splitlines() if line.startswith("{")]
    return [line for line in lines if line["logger"] == "mutt_tasks.audit"]


def test_what_operators_did_and_tried_is_shown_and_logged(
    client: redis.Redis, run: Run, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(1, api_key="hunter2Zk4")])
    assert run("pause", "--for", "9w", "--reason", "long", "--actor", "ann").returncode == 2
    run("pause", "--for", "1h", "--reason", "change 4711", MUTT_ACTOR="ann")
    (message,) = run("list", "-o", "ids").stdout.split()
    run("show", message, "--raw", "--actor", "bob")
    client.set(INTERVAL, "90")
    with services(tmp_path, redis_server.url, DYNAMIC_CONFIG_ENABLED="true") as running:
        running.worker()
        run("resume", "--actor", "ann")
        until(lambda: len(audit_lines(running)) >= 6, hint=running.logs)

        told = of(run("audit", "-o", "json"))
        logged = audit_lines(running)

    assert [(each["verb"], each["actor"], each["known_by"]) for each in reversed(told)][:3] == [
        ("pause", "ann", "--actor"),
        ("pause", "ann", "MUTT_ACTOR"),
        ("view", "bob", "--actor"),
    ]
    assert sorted(each["verb"] for each in told[:2]) == ["configure", "resume"]
    by_ann = of(run("audit", "--actor", "ann", "--refused", "-o", "json"))
    assert [each["outcome"][:17] for each in by_ann] == ["refused: seconds:"]
    assert {each["id"] for each in told} == {e["id"] for e in logged if e["message"] == "audit"}
    heads = [each for each in logged if each["message"] == "audit head"]
    assert len(heads) == 1
    assert "hunter2Zk4" not in json.dumps([told, logged])

    assert run("audit", "verify", "--anchor", heads[0]["hash"]).stdout.startswith(
        "whole: 5 entries\nhead: 5 written in all"
    )
    assert "change 4711" in run("audit", "--verb", "pause").stdout


def test_a_changed_audit_ends_with_status_1_and_says_from_where(
    client: redis.Redis, run: Run
) -> None:
    for reason in ("one", "two", "three"):
        run("pause", "--for", "1h", "--reason", reason)
    assert of(run("audit", "verify", "-o", "json"))["entries"] == 3
    entries: Any = client.xrange("mutt:remediation:audit")
    client.xdel("mutt:remediation:audit", entries[1][0])

    shown = run("audit", "verify")
    as_json = run("audit", "verify", "-o", "json")

    gone_behind = entries[2][0].decode()
    assert shown.returncode == as_json.returncode == 1
    assert f"broken from {gone_behind} on, after 1 entry" in shown.stdout
    found = json.loads(as_json.stdout)
    assert (found["whole"], found["from"]) == (False, gone_behind)
    assert run("audit", "verify", "--anchor", "0" * 64).returncode == 1
    wrong = run("audit", "--since", "yesterday")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_a_job_is_told_with_its_filter_and_what_is_refused_before_it_too(
    client: redis.Redis, run: Run
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    asked = ("discard", "--where", "host:host-1", "--actor", "ann")
    assert run(*asked, "--dry-run").returncode == 0
    assert run(*asked, "--reason", "old").returncode == 2  # nobody can be asked
    assert run("discard", "p-000000000000", "--reason", "old", "--yes").returncode == 3
    assert run(*asked, "--reason", "old", "--yes").returncode == 0

    told = of(run("audit", "-o", "json"))

    assert [(each["verb"], each["before"], each["count"]) for each in told] == [
        ("submit discard", "where host:host-1", 1),
        ("submit discard", "", 0),
        ("submit discard", "", 0),
    ]
    refused = [each["outcome"].partition(": ")[2][:24] for each in told[1:]]
    assert refused == ["there is no plan 'p-0000", "nobody can be asked here"]
    assert told[1]["scope"] == "p-000000000000"
