"""What the API shows is what the command line shows; what messages say is for those who may."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from mutt_tasks.levels import report as service_levels
from mutt_tasks.operations import job_view, jobs, shown
from mutt_tasks.operations.looking import Wanted, page
from mutt_tasks.store.store import Store
from tests.console.conftest import app_on
from tests.console.people import API, House, keys_in, problem_of
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, event, fill, settings_of

SAYS = "zebra crossing"


def audited(client: redis.Redis) -> list[tuple[str, str, str, str]]:
    """Who saw what, in which role, the oldest first."""
    found: Any = client.xrange("mutt:remediation:audit")
    names = ("verb", "actor", "role", "scope")
    return [tuple(fields[name.encode()].decode() for name in names) for _, fields in found]


def test_a_page_of_messages_is_that_of_the_command_line(
    house: House, store: Store, client: redis.Redis
) -> None:
    fill(client, DLQ, [event(n, message=SAYS) for n in range(3)])
    looks = looker_on(store)

    found = house.person("operator").get(f"{API}/routes/alerter/messages").json()

    now = store.now()
    for ours, entry in zip(found["messages"], page(looks, Wanted()).entries, strict=True):
        theirs = shown.message(entry, now)
        assert {name: ours[name] for name in theirs if name != "age_seconds"} == {
            name: value for name, value in theirs.items() if name != "age_seconds"
        }
    assert (found["cursor"], found["length"]) == (None, 3)


def test_pages_follow_each_other_while_messages_come_and_go(
    house: House, client: redis.Redis
) -> None:
    fill(client, DLQ, [event(n) for n in range(6)])
    ann = house.person("operator")
    url = f"{API}/routes/alerter/messages"

    first = ann.get(url, params={"limit": 2}).json()
    client.rpop(DLQ)
    client.lpush(DLQ, event(6))
    second = ann.get(url, params={"limit": 2, "cursor": first["cursor"]}).json()

    numbers = [each["fields"]["number"] for each in second["messages"]]
    assert numbers == [2, 3]


def test_a_cursor_that_is_lost_is_gone(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(n) for n in range(4)])
    ann = house.person("operator")
    url = f"{API}/routes/alerter/messages"
    cursor = ann.get(url, params={"limit": 2}).json()["cursor"]
    client.delete(DLQ)
    fill(client, DLQ, [event(n) for n in range(100, 120)])

    answer = ann.get(url, params={"cursor": cursor})

    assert (answer.status_code, problem_of(answer)) == (410, "place-lost")


@pytest.mark.parametrize(
    "path",
    [
        "routes/alerter/messages",
        "routes/alerter/messages?bodies=true",
        "messages/{id}",
        "messages/{id}?bodies=true",
        "groups",
        "groups?exact=true",
        "dlq/alerter/messages",
        "dlq/alerter/messages/{id}",
        "dlq/mutt:dlq:alerter/groups",
    ],
)
def test_a_viewer_reads_nothing_that_messages_say(
    house: House, client: redis.Redis, path: str
) -> None:
    fill(client, DLQ, [event(1, message=SAYS, other=SAYS)])
    (listed,) = house.person("operator").get(f"{API}/routes/alerter/messages").json()["messages"]

    answer = house.person("viewer").get(f"{API}/{path.replace('{id}', listed['id'])}")

    assert answer.status_code == 200, answer.text
    assert SAYS not in answer.text
    assert "host-1" not in answer.text


@pytest.mark.parametrize("where", [f'"{SAYS}"', "msg:zebra*", "hostname:host-1", "zebra"])
@pytest.mark.parametrize("path", ["routes/alerter/messages", "groups", "dlq/alerter/messages"])
def test_a_viewer_learns_nothing_of_what_messages_say_by_a_filter(
    house: House, client: redis.Redis, path: str, where: str
) -> None:
    fill(client, DLQ, [event(1, message=SAYS)])

    answer = house.person("viewer").get(f"{API}/{path}", params={"where": where})

    assert (answer.status_code, problem_of(answer)) == (403, "forbidden")
    assert audited(client) == [("view", "viewer", "viewer", f"where {where}")]


def test_a_viewer_may_filter_by_what_is_said_of_messages(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(1), event(2, _remediation={"replays": 2})])
    params = {"where": "replays>=1 age>1h lane:failed"}

    found = house.person("viewer").get(f"{API}/routes/alerter/messages", params=params).json()

    assert [each["replays"] for each in found["messages"]] == [2]


def test_who_sees_what_messages_say_is_in_the_audit(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    ann, eve = house.person("operator"), house.person("viewer")

    ids = [m["id"] for m in ann.get(f"{API}/routes/alerter/messages").json()["messages"]]
    ann.get(f"{API}/messages/{ids[1]}")
    raw = ann.get(f"{API}/messages/{ids[2]}", params={"raw": True}).json()["raw"]
    ann.get(f"{API}/routes/alerter/messages", params={"bodies": False})
    eve.get(f"{API}/routes/alerter/messages")

    assert json.loads(raw)["number"] == 2
    assert audited(client) == [
        ("view", "operator", "operator", f"{ids[0]} in alerter to {ids[2]} in alerter"),
        ("view", "operator", "operator", f"{ids[1]} in alerter"),
        ("view", "operator", "operator", f"{ids[2]} in alerter"),
    ]


def test_a_viewer_to_whom_it_is_granted_sees_what_messages_say(
    house: House, client: redis.Redis
) -> None:
    fill(client, DLQ, [event(1, message=SAYS)])
    text = house.path.read_text().replace("viewer viewer ", "viewer viewer+bodies ")
    house.path.write_text(text)

    found = house.person("viewer").get(f"{API}/routes/alerter/messages", params={"where": "zebra"})

    assert [each["text"] for each in found.json()["messages"]] == [SAYS]


def test_secrets_stay_in(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(1, api_key="s3cr3t-v4lue", message="token=s3cr3t-v4lue")])
    ann = house.person("admin")
    (listed,) = ann.get(f"{API}/routes/alerter/messages").json()["messages"]

    whole = ann.get(f"{API}/messages/{listed['id']}", params={"raw": True})
    groups = ann.get(f"{API}/groups")

    assert "s3cr3t-v4lue" not in whole.text + groups.text + json.dumps(listed)
    assert whole.json()["fields"]["api_key"] == "***"


HOSTILE = [
    b'{"hostname":"\\ud800","message":"<script>alert(1)</script>\\u2028","timestamp":1e999}',
    b'{"message":NaN,"n":' + b"9" * 4000 + b"}",
    b"\xff\xfe\x00",
    b"[" * 2000,
    b"",
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"_correlation_id":"\\u0000\\u001b[2J"}',
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_message_is_it_is_shown(house: House, client: redis.Redis, raw: bytes) -> None:
    client.lpush(DLQ, raw)
    client.lpush(DEAD, raw)
    ann = house.person("operator")

    (listed,) = ann.get(f"{API}/routes/alerter/messages").json()["messages"]
    whole = ann.get(f"{API}/messages/{listed['id']}", params={"raw": True, "route": "dead"})
    groups = ann.get(f"{API}/groups")

    assert (whole.status_code, groups.status_code) == (200, 200)
    assert whole.json()["bytes"] == len(raw)
    assert "<" not in whole.text + groups.text


def test_a_message_that_has_gone_says_what_the_journal_knows(house: House) -> None:
    answer = house.person("viewer").get(f"{API}/messages/m-0123456789ab")

    assert (answer.status_code, problem_of(answer)) == (404, "not-found")
    assert "not on the lists" in answer.json()["detail"]


def test_the_queues_go_by_their_names_and_by_their_keys(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(1), event(2)])
    fill(client, DEAD, [event(3)])
    eve = house.person("viewer")

    found = eve.get(f"{API}/dlq").json()["queues"]

    assert [(each["name"], each["list"], each["depth"]) for each in found] == [
        ("alerter", "mutt:dlq:alerter", 2),
        ("moog", "mutt:dlq:moog", 0),
        ("dead", "mutt:dlq:dead", 1),
    ]
    for name in ("dead", "mutt:dlq:dead"):
        assert len(eve.get(f"{API}/dlq/{name}/messages").json()["messages"]) == 1
    assert problem_of(eve.get(f"{API}/dlq/mutt:ingest_queue/messages")) == "not-found"


def test_the_status_is_that_of_the_command_line(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(1)])

    found = house.person("viewer").get(f"{API}/status").json()

    assert found["sentence"] == "1 wait for the next cycle"
    assert found["routes"]["alerter"]["depth"] == 1


def test_jobs_journal_and_audit_are_read(house: House, store: Store) -> None:
    looks, eve = looker_on(store), house.person("viewer")
    house.person("operator").put(f"{API}/pause", json={"seconds": 60, "reason": "change"})

    journal = eve.get(f"{API}/journal").json()["entries"]
    audit = eve.get(f"{API}/audit").json()["entries"]

    assert [each["event"] for each in journal] == ["paused"]
    assert [(each["verb"], each["known_by"], each["role"]) for each in audit] == [
        ("pause", "console key", "operator")
    ]
    assert eve.get(f"{API}/audit/verify").json()["whole"] is True
    assert eve.get(f"{API}/jobs").json()["jobs"] == [
        job_view.job(looks, job) for job in jobs.listed(store)
    ]
    assert problem_of(eve.get(f"{API}/journal?event=nothing")) == "invalid-argument"


def test_objectives_that_cannot_be_read_are_not_the_callers_fault(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    house = House(
        app_on(store, CONSOLE_KEYS_FILE=path, SLO_FILE=tmp_path / "none"), keys_in(path), path
    )

    answer = house.person("viewer").get(f"{API}/slo")

    assert (answer.status_code, problem_of(answer)) == (503, "no-objectives")


def test_service_levels_are_those_of_the_command_line(house: House, store: Store) -> None:
    found = house.person("viewer").get(f"{API}/slo").json()

    assert found == service_levels.report(settings_of(), store).as_json()
    assert found["source"] == "redis"
    assert {each["name"] for each in found["objectives"]} >= {"recovered", "conserved"}
