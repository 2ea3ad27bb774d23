"""The runbook has one section for each alert, and its commands do what it says."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from mutt_tasks.core.identity import digest
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs
from mutt_tasks.store import keys
from mutt_tasks.store.store import Store
from tests.acceptance.conftest import SECRET
from tests.jobs import discarded, order, plan_of
from tests.monitoring.files import RUNBOOK, every_alert, runbook_commands
from tests.pipeline import DEAD, DLQ, MOOG_DLQ, event, fill
from tests.redis_server import RedisServer, free_port
from tests.services import ROOT, Services

PARTS = (*("Symptom", "Alerts on their way", "First look", "Causes", "What to do", "Escalate"),)
# What the page has for ids.
MESSAGE, GROUP, JOB = "m-3f2a9c01d4e7", "s1-9f3a12cd4e5f", "j-5d41402abc4b"
ACTING = ("replay", "requeue", "discard", "redirect")  # these ask
HEADER = {"replays": 3, "route": "alerter", "reason": "poison"}


def sections() -> dict[str, str]:
    """The page's sections on alerts, by name."""
    found = re.split(r"^### (.*)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


# --- the page ---


def test_every_alert_has_a_section_and_every_section_is_about_an_alert() -> None:
    assert sections().keys() == every_alert()


@pytest.mark.parametrize("name", sections())
def test_a_section_says_all_that_somebody_needs_to_know(name: str) -> None:
    text = sections()[name]
    assert tuple(re.findall(r"^- \*(.*?)\*", text, re.MULTILINE)) == PARTS


def test_every_link_leads_somewhere() -> None:
    text = RUNBOOK.read_text()
    for page, anchor in re.findall(r"\]\(([\w.]*)#?([\w-]*)\)", text):
        target = (RUNBOOK.parent / page) if page else RUNBOOK
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not anchor or anchor in anchors


def test_the_page_has_commands_for_what_it_says() -> None:
    assert len(runbook_commands("mutt-dlq")) > 35
    assert len(runbook_commands("redis-cli")) > 5


# --- its commands ---


class Shell:
    """Runs commands of `mutt-dlq` on a server, without anybody who could be asked."""

    def __init__(self, folder: Path, url: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.docs.commands"],
            cwd=ROOT,
            env=Services(folder, url, MUTT_ACTOR="ann", DYNAMIC_CONFIG_ENABLED="true").env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str) -> tuple[int, str]:
        """How it ended and what it printed."""
        assert self._child.stdin
        assert self._child.stdout
        arguments = shlex.split(command)[1:]
        if arguments[0] in ACTING and "--dry-run" not in arguments:
            arguments.append("--yes")
        self._child.stdin.write(json.dumps(arguments) + "\n")
        self._child.stdin.flush()
        ended = json.loads(self._child.stdout.readline())
        return ended["status"], ended["told"]

    def end(self) -> None:
        """No more commands."""
        self._child.communicate()


@pytest.fixture
def shell(redis_server: RedisServer, tmp_path: Path) -> Iterator[Shell]:
    found = Shell(tmp_path, redis_server.url)
    yield found
    found.end()


@pytest.fixture
def ids(client: redis.Redis, store: Store) -> dict[str, str]:
    """Every list is filled, jobs have ended or wait; returns what stands for the page's ids."""
    undone = discarded(client, store)
    client.delete(keys.LEASE)
    links = [event(n, message=f"link {n} down", _remediation=HEADER) for n in range(20)]
    fill(client, DEAD, [*links, b"{garbage password=" + SECRET.encode()])
    waiting = [event(n, message=f"link {n} down") for n in range(30, 40)]
    fill(client, MOOG_DLQ, waiting)
    fill(client, DLQ, [event(n, message=f"link {n} down") for n in range(50, 60)])
    cancelled = sum(command.split()[1] == "cancel" for command in runbook_commands("mutt-dlq"))
    active = [
        jobs.submit(store, plan_of(store, Verb.REPLAY, {"moog": waiting[:2]}), order())
        for _ in range(cancelled)
    ]
    return {
        "requeue": f"m-{digest(links[0])[:12]}",
        MESSAGE: f"m-{digest(waiting[4])[:12]}",
        "undo": undone.id,
        "cancel": " ".join(job.id for job in active),
        "malformed": f"m-{digest(b'{garbage password=' + SECRET.encode())[:12]}",
    }


def meant(command: str, ids: dict[str, str], groups: dict[str, str]) -> str:
    """A command of the page with ids that there are."""
    verb = shlex.split(command)[1]
    message = ids["requeue"] if verb == "requeue" else ids[MESSAGE]
    group = groups["moog" if "--route moog" in command else "dead"]
    command = command.replace(MESSAGE, message).replace(GROUP, group)
    if JOB not in command:
        return command
    # Each job can be cancelled once.
    job, _, ids[verb] = ids[verb].partition(" ")
    return command.replace(JOB, job)


def test_every_command_of_the_page_ends_well_and_shows_no_secret(
    shell: Shell, ids: dict[str, str]
) -> None:
    groups = {
        name: shell.run(f"mutt-dlq groups --route {name} --where link -o ids")[1].strip()
        for name in ("moog", "dead")
    }
    for command in runbook_commands("mutt-dlq"):
        status, told = shell.run(meant(command, ids, groups))
        assert (command, status) == (command, 0), told
        assert SECRET not in told


def test_every_command_to_redis_is_one_that_it_takes(
    client: redis.Redis, ids: dict[str, str]
) -> None:
    raw: Any = client
    for command in runbook_commands("redis-cli"):
        raw.execute_command(*shlex.split(command)[1:])


def test_an_audit_that_was_changed_ends_the_command_with_1(
    client: redis.Redis, store: Store, shell: Shell, ids: dict[str, str]
) -> None:
    assert shell.run("mutt-dlq audit verify")[0] == 0
    ((entry, _),) = store.audit.after(most=1)
    client.xdel(keys.AUDIT, entry)
    assert shell.run("mutt-dlq audit verify")[0] == 1


def test_what_is_malformed_is_refused_a_requeue(shell: Shell, ids: dict[str, str]) -> None:
    status, told = shell.run(f"mutt-dlq requeue {ids['malformed']} --reason mended")
    assert (status, "malformed" in told) == (4, True), told


def test_without_redis_every_command_ends_with_6(tmp_path: Path) -> None:
    away: Any = Shell(tmp_path, f"redis://localhost:{free_port()}/0")
    try:
        assert away.run("mutt-dlq status")[0] == 6
    finally:
        away.end()
