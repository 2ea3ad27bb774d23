"""An operator's night, with the command line alone and a real worker."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from mutt_tasks.store.store import Store
from tests.acceptance.conftest import SCRIPT, Run, of
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    event,
    fill,
    lying_in,
    numbers_in,
    operator_pauses,
    settings_of,
)
from tests.redis_server import RedisServer
from tests.services import Services, services, until

HEADER = {"replays": 5, "forgiven": 0, "route": "alerter", "reason": "poison"}
BY_ANN = ("--actor", "ann", "--yes")


@pytest.fixture
def worker(redis_server: RedisServer, client: redis.Redis, tmp_path: Path) -> Iterator[Services]:
    """A worker that nothing but its own looks wakes."""
    with services(tmp_path, redis_server.url, REMEDIATION_INTERVAL=3600) as found:
        found.worker()
        yield found


@pytest.mark.usefixtures("worker")
def test_a_night_from_the_bad_group_to_the_undo(client: redis.Redis, run: Run) -> None:
    dead = [event(n, message=f"link {n} down", _remediation=HEADER) for n in range(40)]
    hopeless = [event(n, message="disk full", _remediation=HEADER) for n in range(100, 103)]
    fill(client, DEAD, [*dead, b"{garbage", *hopeless])

    (group, *_) = of(run("groups", "--route", "dead", "-o", "json"))
    assert group["count"] == 40
    plan = of(run("plan", "requeue", "--where", f"group:{group['id']}", "-o", "json"))
    assert (plan["count"], plan["verb"]) == (40, "requeue")

    asked = ("--wait", "60s", "-o", "json", *BY_ANN)
    ten = of(run("requeue", plan["id"], "--stop-after", "10", "--reason", "try ten", *asked))
    assert (ten["state"], ten["counts"]["done"], ten["counts"]["left"]) == ("done", 10, 30)
    rest = of(run("requeue", plan["id"], "--reason", "the rest", *asked), status=5)
    assert (rest["counts"]["done"], rest["counts"]["gone"]) == (30, 10)
    assert sorted(numbers_in(client, INGEST)) == list(range(40))

    where = ("--route", "dead", "--where", "disk")
    thrown = of(run("discard", *where, "--reason", "hopeless", *asked))
    assert lying_in(client, DEAD) == [b"{garbage"]
    back = of(run("undo", thrown["id"], "--reason", "no", *asked))
    assert back["counts"]["done"] == 3
    assert lying_in(client, DEAD) == [*hopeless, b"{garbage"]

    jobs = of(run("jobs", "-o", "json"))
    assert [(job["verb"], job["actor"], job["reason"]) for job in jobs] == [
        ("undo", "ann", "no"),
        ("discard", "ann", "hopeless"),
        ("requeue", "ann", "the rest"),
        ("requeue", "ann", "try ten"),
    ]
    ids = [job["id"] for job in jobs]
    assert (
        run("jobs", "--limit", "2", "-o", "ids").stderr
        == f"more: the same with --before {ids[1]}\n"
    )
    assert run("jobs", "--before", ids[1], "-o", "ids").stdout.split() == ids[2:]
    # One line for all steps of a job, whatever they were.
    told = [line.split() for line in run("audit").stdout.splitlines()[1:]]
    verbs = [" ".join(words[3:]).partition(" j-")[0] for words in told]
    names = ("undo", "discard", "requeue", "requeue")
    assert verbs == [f"{step}{name}" for name in names for step in ("end ", "", "submit ")]
    assert len(run("audit", "--all").stdout.splitlines()) == len(of(run("audit", "-o", "json"))) + 1


@pytest.mark.usefixtures("worker")
def test_who_waits_until_it_is_settled_has_a_cycle_look_what_came_back(
    client: redis.Redis, run: Run
) -> None:
    fill(client, DEAD, [event(n, _remediation=HEADER) for n in range(2)])
    asked = ("requeue", "--all", "--reason", "mended", "--wait", "-o", "json", *BY_ANN)
    job = of(run(*asked))
    assert job["counts"]["under_way"] == 2
    until(lambda: not client.exists("mutt:remediation:lease"))
    client.delete(INGEST)  # the consumer takes them, and so time passes
    key, name = "mutt:remediation:route:alerter", f"mutt:remediation:job:{job['id']}"
    flow: Any = json.loads(client.hget(key, "flow") or b"")
    flow["in_flight"]["cohorts"] = [[at - 200, n] for at, n in flow["in_flight"]["cohorts"]]
    client.hset(key, "flow", json.dumps(flow))
    client.hincrbyfloat(name, "started_at", -200)
    assert of(run("job", job["id"], "-o", "json"))["counts"]["stuck"] == 0  # nobody has looked
    settled = of(run("job", job["id"], "--settled", "-o", "json"))
    assert (settled["counts"]["stuck"], settled["counts"]["under_way"]) == (2, 0)


def test_an_action_with_nothing_to_do_says_so_as_a_job_would(client: redis.Redis, run: Run) -> None:
    fill(client, DEAD, [b"{garbage"])
    asked = ("requeue", "--where", "garbage", "--reason", "mended", *BY_ANN)
    found = of(run(*asked, "-o", "json"))
    assert (found["id"], found["state"], found["nothing_to_do"]) == (None, "done", True)
    assert set(found["counts"].values()) == {0}
    assert found["left_out"] == {"malformed": 1}
    assert (run(*asked, "-o", "ids").stdout, run(*asked).stderr.splitlines()[-1]) == (
        "",
        "nothing to do",
    )
    job = of(run("discard", "--all", "--reason", "x", "-o", "json", *BY_ANN))
    assert job["nothing_to_do"] is False
    assert found.keys() - {"left_out"} == job.keys()


def test_a_message_that_was_named_and_cannot_be_done_is_refused(
    client: redis.Redis, run: Run
) -> None:
    fill(client, DEAD, [b"{garbage", event(1, _remediation=HEADER)])
    bad, good = run("list", "--route", "dead", "-o", "ids").stdout.split()
    refused = run("requeue", bad, "--reason", "x", *BY_ANN)
    assert refused.returncode == 4
    assert "cannot be done (1 malformed)" in refused.stderr
    assert "edit, redirect or discard it" in refused.stderr
    assert run("requeue", bad, "--dry-run").returncode == 0
    assert of(run("audit", "--refused", "-o", "json"))[0]["scope"] == bad
    both = of(run("requeue", bad, good, "--reason", "x", "-o", "json", *BY_ANN))
    assert both["counts"]["planned"] == 1


def test_a_worker_that_is_killed_goes_on_where_it_was(
    client: redis.Redis, run: Run, worker: Services
) -> None:
    operator_pauses(Store(client), 3600)
    events = [event(n) for n in range(30_000)]
    for start in range(0, len(events), 1000):
        client.lpush(DLQ, *events[start : start + 1000])
    wanted = ("discard", "--all", "--route", "alerter", "--reason", "kill", *BY_ANN)
    job = of(run(*wanted, "-o", "json"))
    key = f"mutt:remediation:job:{job['id']}"
    until(lambda: int(client.hget(key, "done") or 0) > 1000)
    (process,) = worker._running
    worker.kill(process)
    trash = f"mutt:remediation:trash:{job['id']}:alerter"
    assert int(client.hget(key, "done") or 0) == client.llen(trash)
    assert client.llen(trash) + client.llen(DLQ) == 30_000
    worker.worker()
    ended = of(run("job", job["id"], "--wait", "90s", "-o", "json"))
    assert (ended["state"], ended["counts"]["done"]) == ("done", 30_000)
    assert client.lrange(trash, 0, -1) == events
    assert not client.llen(DLQ)
    both = settings_of(REMEDIATION_ROUTES="alerter,moog")
    assert set(Store(client).balance.check(both.routes, DEAD).values()) == {0}
    assert client.hget("mutt:remediation:checks", "missing:alerter") == b"0"


def test_an_interrupt_ends_the_command_and_not_the_job(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path, run: Run
) -> None:
    fill(client, DLQ, [event(1)])
    env = Services(tmp_path, redis_server.url).env
    arguments = ("discard", "--all", "--reason", "wait", "--wait", *BY_ANN)
    command = subprocess.Popen(
        [*SCRIPT, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stderr is not None
    said = ""
    while ": 1 planned, 0 done" not in said:  # it waits
        line = command.stderr.readline()
        assert line, said
        said += line
    command.send_signal(signal.SIGINT)
    _, told = command.communicate(timeout=30)
    assert command.returncode == 130
    assert "goes on" in told
    (job,) = of(run("jobs", "-o", "json"))
    assert job["state"] == "queued"
    assert run("job", job["id"], "--wait", "1s").returncode == 124
    until(lambda: "no worker" in run("job", job["id"]).stdout, 15)


def test_an_edit_shows_no_credential_and_loses_none(
    client: redis.Redis, run: Run, tmp_path: Path, worker: Services
) -> None:
    operator_pauses(Store(client), 3600)
    raw = event(1, hostname="", api_key="hunter2Zk4")
    fill(client, DLQ, [event(0), raw, event(2)])
    editor, seen = tmp_path / "editor.py", tmp_path / "seen"
    editor.write_text(
        "import sys, pathlib\n"
        "path = pathlib.Path(sys.argv[1])\n"
        f"pathlib.Path({str(seen)!r}).write_bytes(path.read_bytes())\n"
        'path.write_bytes(path.read_bytes().replace(b\'"hostname": ""\', b\'"hostname": "r1"\'))\n'
    )
    (found,) = of(run("list", "--where", "number:1 api_key:*", "-o", "json"))
    wanted = ("edit", found["id"], "--reason", "no name", "--wait", "-o", "json", *BY_ANN)
    ended = of(run(*wanted, EDITOR=f"{sys.executable} {editor}"))
    assert ended["counts"]["done"] == 1
    assert b"hunter2" not in seen.read_bytes()
    edited = event(1, hostname="r1", api_key="hunter2Zk4")
    assert lying_in(client, DLQ) == [event(0), edited, event(2)]
    of(run("undo", ended["id"], "--reason", "no", "--actor", "ann", "--wait", "-o", "json"))
    assert lying_in(client, DLQ) == [event(0), raw, event(2)]
    assert "hunter2" not in worker.logs()


@pytest.mark.parametrize(("answer", "status"), [(b"y\n", 0), (b"\n", 130), (b"\x04", 130)])
def test_the_question_names_what_will_be_done_at_most_and_takes_only_a_yes(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path, answer: bytes, status: int
) -> None:
    fill(client, DLQ, [event(n) for n in range(1204)])
    env = Services(tmp_path, redis_server.url).env
    ours, theirs = pty.openpty()
    arguments = ("discard", "--all", "--route", "alerter", "--stop-after", "10", "--reason", "ten")
    command = subprocess.Popen(
        [*SCRIPT, *arguments], env=env, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL
    )
    told = b""
    while b"?" not in told:
        told += os.read(ours, 1000)
    os.write(ours, answer)
    assert command.wait(30) == status
    assert b"discard 10 of 1,204 planned, of 1,204 messages in alerter?" in told
    assert client.zcard("mutt:remediation:jobs") == (status == 0)
    if status:
        while b"nothing was done" not in told:
            told += os.read(ours, 1000)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("discard", "--reason", "x", "--yes"), 2, "nothing is selected"),
        (("discard", "--all", "--yes"), 2, "--reason"),
        (("discard", "--all", "--reason", "x"), 2, "--yes"),
        (("replay", "p-0123456789ab", "--reason", "x", "--yes"), 3, "no plan"),
        (("discard", "m-0123456789ab", "--reason", "x", "--yes"), 1, "is not on"),
        (("cancel", "j-0123456789ab", "--reason", "x"), 1, "no job"),
        (("redirect", "--all", "--to", "x", "--reason", "x", "--yes"), 2, "names none"),
        (("replay", "--all", "--route", "dead", "--reason", "x", "--yes"), 2, "accepts alerter"),
    ],
)
def test_what_cannot_be_done_is_named_and_changes_nothing(
    client: redis.Redis, run: Run, arguments: tuple[str, ...], status: int, told: str
) -> None:
    fill(client, DLQ, [event(1)])
    ended = run(*arguments)
    assert (ended.returncode, told in ended.stderr) == (status, True), ended.stderr
    assert lying_in(client, DLQ) == [event(1)]
    assert not client.exists("mutt:remediation:jobs")
