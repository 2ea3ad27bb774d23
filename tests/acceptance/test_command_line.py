"""`mutt-dlq` and `celery -A mutt_tasks dlq` as people and scripts use them, on a real server."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs
from mutt_tasks.store.store import Store
from tests import forking
from tests.acceptance.conftest import SCRIPT, SECRET, Run, at_night, of
from tests.jobs import order, plan_of
from tests.pipeline import DEAD, DLQ, INGEST, event, fill, operator_pauses
from tests.redis_server import RedisServer
from tests.services import ROOT, Services, services, until

PLUGIN = (sys.executable, "-m", "celery", "-A", "mutt_tasks", "dlq")
VERBS = (
    *("status", "list", "show", "groups", "plan", "replay", "requeue", "discard", "redirect"),
    *("edit", "undo", "jobs", "job", "cancel", "export", "import", "journal", "audit"),
    *("note", "ack", "notify", "pause", "resume", "run", "key", "slo"),
)


@pytest.mark.parametrize("program", [SCRIPT, PLUGIN], ids=["mutt-dlq", "celery"])
def test_an_operator_looks_around(
    client: redis.Redis, store: Store, run: Run, program: tuple[str, ...]
) -> None:
    at_night(client, store)

    status = of(run("status", "-o", "json", program=program))
    assert status["routes"]["alerter"]["depth"] == 4
    assert status["dead_depth"] == 3
    names = {"sentence", "routes", "dead_depth", "moogsoft", "paused", "books"}
    assert names <= status.keys()
    (group,) = of(run("groups", "-o", "json", "--where", "link", program=program))
    assert (group["count"], group["template"]) == (3, "link <n> down")
    where = ("--where", f"group:{group['id']}")
    ids = run("list", "-o", "ids", *where, program=program).stdout.split()
    assert len(ids) == 3
    shown = of(run("show", ids[0], "-o", "json", program=program))
    assert shown["fields"]["number"] == 10
    assert shown["next"]["action"] == "replay"
    events = [e["event"] for e in of(run("journal", "-o", "json", program=program))]
    assert events == ["cycle", "moved"]


def test_data_goes_to_standard_output_and_all_else_to_standard_error(
    client: redis.Redis, store: Store, run: Run
) -> None:
    at_night(client, store)

    some = run("list", "--limit", "2", "-o", "jsonl")
    assert [json.loads(line)["fields"]["number"] for line in some.stdout.splitlines()] == [10, 11]
    cursor = some.stderr.split()[-1]
    rest = of(run("list", "--cursor", cursor, "-o", "json"))
    assert [message["route"] for message in rest] == ["alerter"] * 2 + ["dead"] * 3
    none = run("list", "--where", "nothing-like-it")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "none of 7 matches\n")
    client.flushall()
    assert run("list").stderr == "nothing here\n"
    assert of(run("list", "-o", "json")) == []


def test_hostile_bytes_reach_no_terminal_and_no_secret_is_shown(
    client: redis.Redis, store: Store, run: Run
) -> None:
    at_night(client, store)
    ids = run("list", "-o", "ids").stdout.split()
    assert len(ids) == 7

    commands = [("list",), ("list", "-o", "json"), ("groups",), ("groups", "-o", "jsonl")]
    commands += [("show", each) for each in ids] + [("show", each, "--raw") for each in ids]
    commands += [("show", each, "--raw", "-o", "json") for each in ids] + [("journal",)]
    for command in commands:
        ended = run(*command)
        assert ended.returncode == 0, ended.stderr
        for text in (ended.stdout, ended.stderr):
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
            assert SECRET not in text
    assert "viewed" in run("journal").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("list", "--where", "age:2h"), 2, "mutt-dlq: filter: 'age:2h': accepts age with <"),
        (("list", "--route", "x"), 2, "mutt-dlq: route: got 'x', accepts alerter, moog, dead"),
        (("list", "--nosuch"), 2, "No such option"),
        (("show", "x"), 2, "mutt-dlq: id: got 'x', accepts m- and 12 hexadecimal digits"),
        (("show", "m-000000000000"), 1, "m-000000000000 is not on the lists (any more)"),
        (("pause", "--for", "1h"), 2, "Missing option '--reason'"),
        (
            ("pause", "--for", "9w", "--reason", "x"),
            2,
            "seconds: accepts a number from 1 to 604800",
        ),
        (("pause", "--for", "1h", "--reason", "a\nb"), 2, "reason: accepts 1 to 200 characters"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_status(
    run: Run, arguments: tuple[str, ...], status: int, said: str
) -> None:
    ended = run(*arguments)

    assert (ended.returncode, ended.stdout) == (status, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_redis_away_and_a_bad_environment_have_statuses_of_their_own(run: Run) -> None:
    away = run("list", REDIS_URL="redis://127.0.0.1:1/0")
    bad = run("list", REMEDIATION_INTERVAL="often")

    assert (away.returncode, away.stdout) == (6, "")
    assert away.stderr.startswith("mutt-dlq: Redis cannot be reached")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.startswith("mutt_tasks: REMEDIATION_INTERVAL: got 'often'")


@pytest.mark.parametrize("what", ["something else", "wrong password"])
def test_a_redis_that_answers_and_will_not_is_not_away(
    client: redis.Redis, run: Run, redis_server: RedisServer, what: str
) -> None:
    env = {}
    if what == "something else":
        client.set("mutt:remediation:paused", "no such thing")
    else:
        env["REDIS_URL"] = redis_server.url.replace("://", "://nobody:wrong@")

    ended = run("pause", "--for", "1h", "--reason", "x", **env)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("mutt-dlq: ")
    assert "Traceback" not in ended.stderr


def test_output_that_cannot_be_written_is_a_failure(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(1)])
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*SCRIPT, "list", "-o", "ids"],
            cwd=ROOT,
            env=Services(tmp_path, redis_server.url).env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr == "mutt-dlq: the output cannot be written (No space left on device)\n"


def test_a_page_whose_place_is_lost_says_that_the_list_has_changed(
    client: redis.Redis, run: Run
) -> None:
    fill(client, DLQ, [event(n) for n in range(9)])
    cursor = run("list", "--limit", "3").stderr.split()[-1]
    client.rpop(DLQ, 6)

    ended = run("list", "--limit", "3", "--cursor", cursor)

    assert (ended.returncode, ended.stdout) == (3, "")
    assert "has moved on" in ended.stderr


def test_a_message_that_was_put_back_is_found_in_the_journal(
    client: redis.Redis, store: Store, run: Run, redis_server: RedisServer, tmp_path: Path
) -> None:
    at_night(client, store)
    (dead,) = of(run("list", "--route", "dead", "--limit", "1", "-o", "json"))
    digits = dead["id"].removeprefix("m-")
    asked = {"digest": digits, "actor": "ann", "reason": "mended"}
    with services(tmp_path, redis_server.url) as running:
        running.worker(REMEDIATION_ENABLED="false")
        running.call("mutt_tasks.requeue", "--kwargs", json.dumps(asked))
        until(lambda: client.llen(DEAD) == 2, hint=running.logs)

    ended = run("show", dead["id"])

    assert ended.returncode == 1
    assert f"requeued {dead['id']} by ann: mended" in ended.stderr


def test_pause_resume_and_run_reach_the_worker(
    client: redis.Redis, run: Run, redis_server: RedisServer, tmp_path: Path
) -> None:
    paused = run("pause", "--for", "1h", "--reason", "change 4711", MUTT_ACTOR="ann")
    assert paused.stdout == "paused by ann for 60 min: change 4711\n"
    fill(client, DLQ, [event(n) for n in range(3)])
    assert of(run("status", "-o", "json"))["paused"]["actor"] == "ann"
    with services(tmp_path, redis_server.url) as running:
        running.worker()
        asked = run("run")
        assert asked.stdout == "a cycle is asked for\n"
        assert "it will replay nothing: paused by ann" in asked.stderr
        until(lambda: "outcome=held" in running.logs(), hint=running.logs)
        assert client.llen(INGEST) == 0
        resumed = of(run("resume", "--actor", "bob", "--reason", "done early", "-o", "json"))
        assert (resumed["outcome"], resumed["actor"]) == ("resumed", "bob")
        until(lambda: client.llen(INGEST) == 3, hint=running.logs)
    told = of(run("journal", "--event", "paused", "--event", "resumed", "-o", "json"))
    assert [(each["event"], each["by"]) for each in told] == [("resumed", "bob"), ("paused", "ann")]


def test_a_watch_goes_on_until_it_is_interrupted(
    client: redis.Redis, store: Store, redis_server: RedisServer, tmp_path: Path
) -> None:
    operator_pauses(store, 60, "change")
    watching = subprocess.Popen(
        [*SCRIPT, "status", "--watch", "-o", "jsonl"],
        cwd=ROOT,
        env=Services(tmp_path, redis_server.url).env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    fill(client, DLQ, [event(1)])
    seen = [json.loads(watching.stdout.readline()) for _ in range(3)]
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=30)

    assert first["sentence"].startswith("paused by ann")
    assert seen[-1]["routes"]["alerter"]["depth"] == 1
    assert (watching.returncode, said) == (130, "mutt-dlq: interrupted\n")


def on_a_terminal(env: dict[str, str], columns: int, *arguments: str) -> str:
    """What a command shows on a terminal that is so many columns wide."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (40, columns))
    process = forking.Process((forking.SCRIPT, *arguments), env, its, its, its)
    os.close(its)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(30) == 0
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_tables_fit_the_terminal_and_colours_can_be_off(
    client: redis.Redis, store: Store, redis_server: RedisServer, tmp_path: Path, columns: int
) -> None:
    at_night(client, store)
    long = replace(order(), actor="somebody-with-a-long-name", reason="as long as the night " * 9)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"dead": [event(1)]}), long)
    # It waits for so long already that every look says that no worker is seen.
    old: dict[Any, Any] = {"planned": 1_200_000, "created_at": store.now() - 60}
    client.hset(f"mutt:remediation:job:{job.id}", mapping=old)
    client.hset("mutt:remediation:stats", "last_cycle_ms", round((store.now() - 60) * 1000))
    wide = {"message": "日本 " * 100, "hostname": "x" * 60}
    fill(client, DLQ, [event(20, **wide)])
    env = {"TERM": "xterm"} | Services(tmp_path, redis_server.url).env
    env = {name: value for name, value in env.items() if name not in ("NO_COLOR", "COLUMNS")}

    for command in ("list", "groups", "status", "journal", "jobs", "audit"):
        shown = on_a_terminal(env, columns, command)
        plain = on_a_terminal(env | {"NO_COLOR": "1"}, columns, command)
        assert "\x1b[1m" in shown
        assert "\x1b" not in plain
        assert re.sub(r"\x1b\[[0-9]*m", "", shown).count("\n") == plain.count("\n")
        for line in plain.splitlines():
            width = sum(1 + (char in "日本") for char in line)
            assert width <= columns or line.startswith("more: "), line


def test_every_verb_explains_itself_with_an_example(run: Run) -> None:
    whole = run("--help").stdout

    for verb in VERBS:
        help_text = run(verb, "--help")
        assert help_text.returncode == 0
        assert f"mutt-dlq {verb}" in help_text.stdout
        assert f"  {verb} " in whole


def test_importing_the_group_loads_neither_application_nor_settings(run: Run) -> None:
    bad = {"REMEDIATION_INTERVAL": "often"}
    program = (
        "import sys, mutt_tasks.cli.group as group; "
        "print([m for m in sys.modules if m in"
        " ('celery', 'redis', 'mutt_tasks.celery', 'mutt_tasks.settings')])"
    )

    loaded = run("-c", program, program=(sys.executable,), **bad)
    listed = run("--help", program=(sys.executable, "-m", "celery"), **bad)

    assert loaded.stdout == "[]\n", loaded.stderr
    assert listed.returncode == 0
    assert re.search(r"^ +dlq ", listed.stdout, re.MULTILINE)
