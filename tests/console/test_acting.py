"""Whoever may act acts on exactly what was shown, once, and with a reason; others are refused."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis

from mutt_tasks.store.store import Store
from tests.console.people import API, Client, House, problem_of
from tests.jobs import OFF
from tests.pipeline import DEAD, DLQ, event, fill, numbers_in, run_cycle

REASON = {"reason": "change 4711"}


def planned(who: Client, verb: str = "discard", **selection: Any) -> dict[str, Any]:
    """A plan of all dead letters, or of what is selected."""
    wanted = {"verb": verb, "all": True, "routes": ["dead"]} | selection
    answer = who.post(f"{API}/plans", json=wanted)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["etag"]}"'
    found: dict[str, Any] = answer.json()
    return found


def submitted(
    who: Client, plan: dict[str, Any], key: str = "", etag: str = "", **more: Any
) -> httpx.Response:
    """The answer to a job on a plan."""
    headers = {"If-Match": f'"{etag or plan["etag"]}"', "Idempotency-Key": key or uuid4().hex}
    return who.post(f"{API}/jobs", headers=headers, json={"plan": plan["id"], **REASON, **more})


def audited(client: redis.Redis) -> list[tuple[str, str]]:
    """What was done or tried, and by whom, the oldest first."""
    found: Any = client.xrange("mutt:remediation:audit")
    return [(f[b"verb"].decode(), f[b"actor"].decode()) for _, f in found]


def test_a_plan_becomes_a_job_on_exactly_what_was_shown(
    house: House, store: Store, client: redis.Redis
) -> None:
    fill(client, DEAD, [event(n) for n in range(3)])
    ann = house.person("operator")
    plan = planned(ann)
    fill(client, DEAD, [event(3)])

    answer = submitted(ann, plan)
    run_cycle(store, OFF)

    assert answer.status_code == 201
    assert answer.headers["location"] == f"{API}/jobs/{answer.json()['id']}"
    job = ann.get(answer.headers["location"]).json()
    assert (job["state"], job["counts"]["done"], job["actor"]) == ("done", 3, "operator")
    assert numbers_in(client, DEAD) == [3]


def test_the_same_request_is_done_once(house: House, client: redis.Redis) -> None:
    fill(client, DEAD, [event(1)])
    ann = house.person("operator")
    plan = planned(ann)

    first, again = submitted(ann, plan, "one"), submitted(ann, plan, "one")
    other = submitted(house.person("admin"), plan, "one")

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 201)
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    assert client.zcard("mutt:remediation:jobs") == 2


def test_a_request_is_remembered_longer_than_its_plan(house: House, client: redis.Redis) -> None:
    fill(client, DEAD, [event(1)])
    ann = house.person("operator")
    plan = planned(ann)
    first = submitted(ann, plan, "one")
    client.delete(f"mutt:remediation:plan:{plan['id']}")

    assert submitted(ann, plan, "one").json()["id"] == first.json()["id"]


def test_a_used_key_is_not_taken_for_another_job(house: House, client: redis.Redis) -> None:
    fill(client, DEAD, [event(1)])
    ann = house.person("operator")
    plan = planned(ann)
    submitted(ann, plan, "one")

    answer = submitted(ann, planned(ann, "requeue"), "one")

    assert (answer.status_code, problem_of(answer)) == (409, "key-used")


def test_a_plan_is_made_once_for_a_request(house: House, client: redis.Redis) -> None:
    fill(client, DEAD, [event(1)])
    ann, headers = house.person("operator"), {"Idempotency-Key": "one"}
    wanted = {"verb": "discard", "all": True}

    ids = [
        ann.post(f"{API}/plans", json=wanted | more, headers=headers).json()["id"]
        for more in ({}, {}, {"routes": ["dead"]})
    ]

    assert ids[0] == ids[1] != ids[2]
    assert ann.get(f"{API}/plans/{ids[0]}").json()["count"] == 1
    assert problem_of(ann.get(f"{API}/plans/p-0123456789ab")) == "not-found"


@pytest.mark.parametrize(
    ("if_match", "status", "kind"),
    [
        (None, 428, "no-if-match"),
        ("*", 412, "set-changed"),
        ('W/"0123"', 412, "set-changed"),
        ('"0123"', 412, "set-changed"),
    ],
)
def test_a_job_wants_the_plan_that_was_shown(
    house: House, client: redis.Redis, if_match: str | None, status: int, kind: str
) -> None:
    fill(client, DEAD, [event(1)])
    ann = house.person("operator")
    plan = planned(ann)
    headers = {"Idempotency-Key": "one"} | ({"If-Match": if_match} if if_match else {})

    answer = ann.post(f"{API}/jobs", headers=headers, json={"plan": plan["id"], **REASON})

    assert (answer.status_code, problem_of(answer)) == (status, kind)
    assert client.zcard("mutt:remediation:jobs") == 0


def test_a_plan_that_is_gone_is_refused_and_audited(house: House, client: redis.Redis) -> None:
    ann = house.person("operator")

    answer = submitted(ann, {"id": "p-0123456789ab", "etag": "0123"})

    assert (answer.status_code, problem_of(answer)) == (412, "set-changed")
    assert audited(client) == [("submit", "operator")]


def test_a_plan_of_nothing_is_nothing_to_do(house: House, client: redis.Redis) -> None:
    ann = house.person("operator")

    answer = submitted(ann, planned(ann))

    assert (answer.status_code, problem_of(answer)) == (409, "nothing-to-do")
    assert client.zcard("mutt:remediation:jobs") == 0


def test_a_job_wants_a_key_and_a_reason(house: House) -> None:
    ann, plan = house.person("operator"), "p-0123456789ab"
    url, headers = f"{API}/jobs", {"If-Match": '"0123"'}

    without_key = ann.post(url, headers=headers, json={"plan": plan, **REASON})
    without_reason = ann.post(
        url, headers=headers | {"Idempotency-Key": "one"}, json={"plan": plan}
    )

    assert "Idempotency-Key" in without_key.json()["detail"]
    assert "reason" in without_reason.json()["detail"]
    assert (without_key.status_code, without_reason.status_code) == (422, 422)


@pytest.mark.parametrize("verb", ["replay", "requeue", "discard", "redirect"])
def test_a_viewer_can_have_nothing_done(house: House, client: redis.Redis, verb: str) -> None:
    fill(client, DEAD, [event(1)])
    fill(client, DLQ, [event(2)])
    selection: dict[str, Any] = {"routes": ["alerter"] if verb == "replay" else ["dead"]}
    if verb == "redirect":
        selection["destination"] = "lab:queue"
    plan, eve = planned(house.person("admin"), verb, **selection), house.person("viewer")
    before = len(audited(client))

    refused = [
        eve.post(f"{API}/plans", json={"verb": verb, "all": True}),
        submitted(eve, plan),
        eve.delete(f"{API}/jobs/j-0123456789ab", params=REASON),
        eve.post(
            f"{API}/jobs/j-0123456789ab/undo", json=REASON, headers={"Idempotency-Key": "one"}
        ),
        eve.put(f"{API}/pause", json={"seconds": 60, **REASON}),
        eve.delete(f"{API}/pause"),
        eve.post(f"{API}/notes", json={"subject": "s1-9f3a12cd4e5f", "text": "x"}),
        eve.put(f"{API}/acks/s1-9f3a12cd4e5f", json={"until": 60, **REASON}),
        eve.delete(f"{API}/acks/s1-9f3a12cd4e5f"),
    ]

    assert {(each.status_code, problem_of(each)) for each in refused} == {(403, "forbidden")}
    assert "operator" in refused[4].json()["detail"]
    assert [each for each in audited(client)[before:] if each[1] == "viewer"] == [
        ("plan", "viewer"),
        (verb, "viewer"),
        ("cancel", "viewer"),
        ("undo", "viewer"),
        ("pause", "viewer"),
        ("pause", "viewer"),
        ("note", "viewer"),
        ("acknowledge", "viewer"),
        ("acknowledge", "viewer"),
    ]
    assert client.zcard("mutt:remediation:jobs") == 0
    assert not client.exists("mutt:remediation:paused")


def test_only_an_admin_redirects(house: House, client: redis.Redis) -> None:
    fill(client, DEAD, [event(1)])
    wanted = {"verb": "redirect", "all": True, "destination": "lab:queue"}

    refused = house.person("operator").post(f"{API}/plans", json=wanted)
    plan = house.person("admin").post(f"{API}/plans", json=wanted).json()
    job = submitted(house.person("admin"), plan)

    assert problem_of(refused) == "forbidden"
    assert (job.status_code, job.json()["destination"]) == (201, "lab:queue")


def test_a_pause_holds_replays_unless_they_are_to_wait(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(1)])
    fill(client, DEAD, [event(2)])
    ann = house.person("operator")
    paused = ann.put(f"{API}/pause", json={"seconds": 600, **REASON})
    replay = planned(ann, "replay", routes=["alerter"])

    refused = submitted(ann, replay)
    waiting = submitted(ann, replay, queue_while_paused=True)
    discard = submitted(ann, planned(ann))

    assert paused.json()["paused"]["actor"] == "operator"
    assert (refused.status_code, problem_of(refused)) == (423, "paused")
    assert 0 < int(refused.headers["retry-after"]) <= 601
    assert (waiting.status_code, discard.status_code) == (201, 201)
    assert waiting.json()["held_by"] == "paused"
    assert audited(client)[:2] == [("pause", "operator"), ("submit replay", "operator")]


def test_a_pause_is_begun_seen_and_ended(house: House) -> None:
    ann, eve = house.person("operator"), house.person("viewer")
    ann.put(f"{API}/pause", json={"seconds": 600, **REASON})

    seen = eve.get(f"{API}/pause").json()["paused"]
    ended = [ann.delete(f"{API}/pause").json()["outcome"] for _ in range(2)]

    assert (seen["actor"], seen["reason"]) == ("operator", "change 4711")
    assert ended == ["resumed", "not_paused"]
    assert eve.get(f"{API}/pause").json() == {"paused": None}


def test_a_job_is_cancelled_once(house: House, client: redis.Redis) -> None:
    fill(client, DEAD, [event(1)])
    ann = house.person("operator")
    url = f"{API}/jobs/{submitted(ann, planned(ann)).json()['id']}"

    cancelled, again = (ann.delete(url, params=REASON) for _ in range(2))

    assert cancelled.status_code == 200
    assert (again.status_code, problem_of(again)) == (409, "refused")
    assert problem_of(ann.delete(f"{API}/jobs/j-0123456789ab", params=REASON)) == "not-found"


def test_a_discard_is_taken_back_once(house: House, store: Store, client: redis.Redis) -> None:
    fill(client, DEAD, [event(1)])
    ann = house.person("operator")
    job = submitted(ann, planned(ann)).json()["id"]
    run_cycle(store, OFF)
    emptied, url = numbers_in(client, DEAD), f"{API}/jobs/{job}/undo"

    undone = ann.post(url, json=REASON, headers={"Idempotency-Key": "back"})
    run_cycle(store, OFF)
    again = ann.post(url, json=REASON, headers={"Idempotency-Key": "back"})
    other = ann.post(url, json=REASON, headers={"Idempotency-Key": "more"})

    assert (emptied, numbers_in(client, DEAD)) == ([], [1])
    assert undone.json()["undoes"] == job
    assert again.json()["id"] == undone.json()["id"]
    assert problem_of(other) == "refused"


def test_notes_and_acknowledgements_stand_beside_what_they_are_about(
    house: House, client: redis.Redis
) -> None:
    fill(client, DLQ, [event(1)])
    ann, headers = house.person("operator"), {"Idempotency-Key": "one"}
    (group,) = ann.get(f"{API}/groups").json()["groups"]

    for _ in range(2):
        note = {"subject": group["id"], "text": "ticket 812, token=abcdefgh"}
        noted = ann.post(f"{API}/notes", json=note, headers=headers)
    acked = ann.put(f"{API}/acks/{group['id']}", json={"until": 3600, **REASON})
    (seen,) = ann.get(f"{API}/groups").json()["groups"]
    acks = ann.get(f"{API}/acks").json()["acknowledged"]
    ended = ann.delete(f"{API}/acks/{group['id']}")

    assert (noted.status_code, acked.status_code) == (201, 200)
    assert [each["text"] for each in seen["notes"]] == ["ticket 812, token=***"]
    assert seen["acknowledged"]["actor"] == "operator"
    assert [each["id"] for each in acks] == [group["id"]]
    assert ended.json()["outcome"] == "ended"


@pytest.mark.parametrize(
    "wanted",
    [
        {"verb": "discard"},
        {"verb": "edit", "all": True},
        {"verb": "discard", "all": True, "routes": ["nothing"]},
        {"verb": "discard", "where": 'host:"'},
        {"verb": "discard", "all": True, "more": 1},
        {"verb": "redirect", "all": True, "destination": "mutt:ingest_queue"},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(house: House, wanted: dict[str, Any]) -> None:
    answer = house.person("admin").post(f"{API}/plans", json=wanted)

    assert (answer.status_code, problem_of(answer)) == (422, "invalid-argument")
