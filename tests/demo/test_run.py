"""`make run` without a terminal: it drains, adds up, stops cleanly and goes on where it was."""

import json
import os
import re
import signal
import urllib.request
from functools import partial
from pathlib import Path

import pytest
import redis

from tests.demo.demo_run import DemoRun, all_gone, descendants
from tests.pipeline import event
from tests.redis_server import RedisServer
from tests.services import until


def numbers(line: str) -> list[int]:
    """The summands of a line of the summary, its right side negative."""
    left, right = line.replace(",", "").split(" = ")
    without_remark = re.sub(r"\(.*?\)", "", left)
    return [
        sign * int(number)
        for sign, side in ((1, without_remark), (-1, right))
        for number in re.findall(r"\b\d+\b", side)
    ]


def summary(run: DemoRun) -> list[str]:
    """The lines of the summary, its sums checked."""
    _, _, text = run.text().partition("Summary after ")
    lines = [line.strip() for line in text.replace("\n    = ", " = ").splitlines()[1:]]
    for line in lines[:2]:
        assert sum(numbers(line)) == 0, line
    return lines


def answered(url: str, key: str) -> str:
    """What a console answers to a key; nothing while it starts."""
    request = urllib.request.Request(url, headers={"X-API-KEY": key})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_a_backlog_drains_through_an_outage_and_every_message_is_accounted_for(
    tmp_path: Path,
) -> None:
    run = DemoRun(
        tmp_path,
        *("--until-drained", "--timeout", "60", "--events", "300", "--outage", "3"),
        # Of a larger limit the few live alerts of a short outage are no danger.
        MOOG_RATE_LIMIT="100",
    )
    assert run.end() == 0, run.text() + run.errors()
    assert "300 sample messages" in run.text()
    assert "goes down for 3 s" in run.text()
    # The probe or the forwarder's breaker tells first.
    assert "NOT healthy (" in run.text()
    assert "held: Moogsoft is not healthy" in run.text()
    assert "is back" in run.text()
    first, second, third, *shelter = summary(run)
    live = numbers(first)[1]
    assert live >= 15 * 3
    assert first == (
        f"300 messages at the start + {live:,} live = {294 + live:,} accepted by Moogsoft"
        " + 3 malformed + 3 poison + 0 still in queues"
    )
    # Poison comes back three times, and once more if Moogsoft was down when it was on its way; so
    # do alerts that spent their retries in the outage.
    came_back, sheltered = numbers(second)[1:3]
    assert second.startswith(
        f"300 in the dead letter queues + {came_back} that came back + {sheltered} sheltered ="
    )
    assert came_back >= 9
    assert sheltered > 0
    assert shelter[0].startswith(f"Sheltered: {sheltered} times an alert")
    assert f"of the {live:,} live alerts would have been destroyed" in shelter[1]
    assert "none is lost, none doubled" in third
    assert "destroyed by the" not in run.text().lower()


def test_stopped_or_killed_it_leaves_nothing_behind_and_the_next_run_goes_on(
    tmp_path: Path,
) -> None:
    run = DemoRun(tmp_path, "--events", "2000", "--data", "here/data")
    run.wait_for("| replaying")
    for port, path in (("METRICS", "metrics"), ("HEALTH", "health")):
        url = f"http://127.0.0.1:{run.env[f'{port}_PORT_REMEDIATION']}/{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
    console = f"http://127.0.0.1:{run.env['CONSOLE_PORT']}/api/v1/session"
    for role in ("viewer", "operator"):
        (key,) = re.findall(rf"^ +{role} +(mutt-\S+)$", run.text(), re.MULTILINE)
        until(partial(answered, console, key), hint=run.errors)
        assert json.loads(answered(console, key))["role"] == role
    children = descendants(run.process.pid)
    assert len(children) >= 5  # Redis, beat, worker and its pool, console
    run.process.send_signal(signal.SIGTERM)
    assert run.end() == 0, run.text() + run.errors()
    assert all_gone(children)
    left = -numbers(summary(run)[0])[-1]
    assert 0 < left < 2000

    killed = DemoRun(tmp_path, "--events", "2000", "--data", "here/data")
    killed.wait_for(f"{left:,} messages from an earlier run")
    killed.wait_for("| replaying")
    children = descendants(killed.process.pid)
    killed.process.kill()
    killed.end()
    assert all_gone(children)

    last = DemoRun(tmp_path, "--events", "2000", "--data", "here/data")
    last.wait_for("| starting")
    last.process.send_signal(signal.SIGHUP)
    assert last.end() == 0, last.text() + last.errors()
    at_its_start = numbers(summary(last)[0])[0]
    assert 0 < at_its_start <= left + 20  # the dead ones are counted too
    assert "none is lost, none doubled" in summary(last)[2]


def test_killed_in_an_outage_it_loses_neither_live_nor_sheltered_alerts(tmp_path: Path) -> None:
    run = DemoRun(tmp_path, "--events", "60", "--outage", "600", MOOG_RATE_LIMIT="100")
    run.wait_for(", sheltered ")
    children = descendants(run.process.pid)
    run.process.kill()
    run.end()
    assert all_gone(children)
    again = DemoRun(tmp_path, "--until-drained", "--timeout", "60", "--outage", "0")
    assert again.end() == 0, again.text() + again.errors()
    first, second, third, *_ = summary(again)
    assert "destroyed" not in first
    assert numbers(first)[-1] == numbers(second)[-1] == 0
    assert "none is lost, none doubled" in third


@pytest.mark.parametrize("victim", ["worker", "valkey-server"])
def test_a_part_that_dies_ends_the_run_with_a_word_about_it(tmp_path: Path, victim: str) -> None:
    run = DemoRun(tmp_path, "--events", "50")
    run.wait_for("| replaying")
    children = descendants(run.process.pid)
    os.kill(next(pid for pid in sorted(children) if victim in command_line(pid)), signal.SIGKILL)
    assert run.end() == 1
    name = "the embedded Redis" if victim == "valkey-server" else victim
    assert f"{name} was ended by SIGKILL: stopping the rest" in run.text()
    assert ("No summary: Redis" in run.text()) == (victim == "valkey-server")
    assert all_gone(children)


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_a_configured_redis_is_served_and_never_seeded(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    client.lpush("mutt:dlq:alerter", b"garbage", event(1))
    run = DemoRun(tmp_path, "--until-drained", "--timeout", "30", REDIS_URL=redis_server.url)
    assert run.end() == 0, run.text() + run.errors()
    assert client.llen("mutt:ingest_queue") == 1
    assert client.llen("mutt:dlq:dead") == 1
    assert summary(run)[0] == (
        "2 in the dead letter queues + 0 that arrived = 1 replayed + 1 set aside + 0 still there"
    )
    assert not (tmp_path / ".data").exists()


def test_what_cannot_work_is_one_clear_line(tmp_path: Path) -> None:
    for env, words in (
        ({"REMEDIATION_INTERVAL": "soon"}, "REMEDIATION_INTERVAL: got 'soon'"),
        ({"REDIS_URL": "redis://:s3cret@127.0.0.1:1"}, "redis://127.0.0.1:1/0: Redis cannot be"),
    ):
        run = DemoRun(tmp_path, **env)
        assert run.end() == 1
        assert words in run.errors()
        assert len(run.errors().splitlines()) == 1
        assert "s3cret" not in run.errors() + run.text()
