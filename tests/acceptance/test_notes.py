"""`mutt-dlq note` and `ack`, and where they are shown."""

import json

import redis

from mutt_tasks.store.store import Store
from tests.acceptance.conftest import Run, at_night, of


def test_what_people_write_down_is_shown_beside_messages_and_groups(
    client: redis.Redis, store: Store, run: Run
) -> None:
    at_night(client, store)
    group, *_ = of(run("groups", "--where", "link", "-o", "json"))
    message, *_ = run("list", "--where", f"group:{group['id']}", "-o", "ids").stdout.split()
    assert (group["notes"], group["acknowledged"]) == ([], None)
    assert "NOTED" not in run("list").stdout

    noted = run("note", group["id"], "router in Graz \x1b[2J password=hunter2", "--actor", "ann")
    assert (noted.returncode, noted.stdout) == (2, "")
    assert run("note", group["id"], "router in Graz", "--actor", "ann").returncode == 0
    run("note", message, "asked the network team", "--actor", "bob")
    acked = run("ack", group["id"], "--for", "4h", "--reason", "NET-812", "--actor", "ann")
    assert acked.stdout.startswith(f"{group['id']}: acknowledged by ann until 2")

    (again,) = of(run("groups", "--where", "link", "-o", "json"))
    assert [each["text"] for each in again["notes"]] == ["router in Graz"]
    assert (again["acknowledged"]["actor"], again["acknowledged"]["reason"]) == ("ann", "NET-812")
    shown = run("show", message).stdout
    assert f"bob on {message}: asked the network team" in shown
    assert f"ann on {group['id']}: router in Graz" in shown
    assert f"ann on {group['id']}: NET-812" in shown
    listed = run("list").stdout.splitlines()
    assert "NOTED" in listed[0]
    assert [line.count("ack, ") for line in listed[1:]].count(1) == 3
    assert "ack, 2 notes" in next(line for line in listed if line.startswith(message))
    assert "ack, 1 note" in run("groups").stdout
    assert "asked the network team" in run("note", message).stdout
    assert [each["id"] for each in of(run("ack", "-o", "json"))] == [group["id"]]

    assert run("ack", group["id"], "--end").stdout == f"{group['id']}: it is over\n"
    assert run("ack").stderr == "nothing is acknowledged\n"
    verbs = [each["verb"] for each in of(run("audit", "-o", "json"))]
    assert verbs == ["acknowledge", "acknowledge", "note", "note", "note"]
    assert "hunter2" not in json.dumps(of(run("audit", "-o", "json")))


def test_an_acknowledgement_needs_an_end_and_a_reason(run: Run) -> None:
    group = "s1-9f3a12cd4e5f"
    for arguments, said in (
        (("--reason", "x"), "accepts either --for or --until"),
        (("--for", "1h", "--until", "2027-01-01", "--reason", "x"), "accepts either"),
        (("--for", "1h"), "--reason"),
        (("--for", "soon", "--reason", "x"), "--for: got 'soon'"),
        (("--until", "2001-01-01", "--reason", "x"), "until"),
    ):
        ended = run("ack", group, *arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert said in ended.stderr
