"""`mutt-notify` as it runs: real processes, killed, and real receivers that misbehave."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme

from mutt_tasks.store.store import Store
from tests.acceptance.conftest import Run, of
from tests.pipeline import DLQ, consume, event, fill, run_cycle, settings_of
from tests.receivers import HANG, TAKE, Inbox, Mails, far_services, mail_server, webhook
from tests.redis_server import RedisServer, free_port
from tests.services import ROOT, Services, until

SECRETS = {
    "webhook password": "Hook-7hQ2vXpass",
    "webhook token": "Token9-c8WsYd",
    "mail password": "Mail-m9RtLe",
    "slack token": "TIiajkdnlazkcOXrIdevi7",
    "api key": "Apikey-7hQ2vX",
}


class Notifiers:
    """Processes of `mutt-notify` that log to one file."""

    def __init__(self, folder: Path, redis_url: str, **env: object) -> None:
        self.metrics_port, self.health_port = free_port(), free_port()
        given = Services(folder, redis_url, **env).env
        self._env = given | {
            "METRICS_PORT_NOTIFY": str(self.metrics_port),
            "HEALTH_PORT_NOTIFY": str(self.health_port),
        }
        self.log = folder / "notify.log"
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start one."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mutt_tasks.notify"],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def get(self, path: str, port: int = 0) -> tuple[int, str]:
        """What it answers."""
        line = http.client.HTTPConnection("127.0.0.1", port or self.health_port, timeout=5)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            line.close()

    def metric(self, name: str) -> float:
        """One metric's value."""
        _, text = self.get("/metrics", self.metrics_port)
        found = re.search(rf"^mutt_notify_{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else -1.0

    def stop(self) -> None:
        """End all."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def mails() -> Iterator[tuple[int, Mails]]:
    with mail_server(SECRETS["mail password"]) as found:
        yield found


@pytest.fixture
def hook() -> Iterator[tuple[int, Inbox]]:
    with webhook() as found:
        yield found


@pytest.fixture
def slow() -> Iterator[tuple[int, Inbox]]:
    with webhook(mode=HANG) as found:
        yield found


def urls(hook_port: int, mail_port: int, *more: str) -> str:
    return " ".join(
        (
            f"ops=json://u:{SECRETS['webhook password']}@127.0.0.1:{hook_port}"
            f"/{SECRETS['webhook token']}",
            f"mailto://mutt:{SECRETS['mail password']}@127.0.0.1:{mail_port}"
            "?from=mutt@example.com&to=ann@example.com&mode=insecure",
            *more,
        )
    )


def dies(client: redis.Redis, store: Store, *messages: bytes) -> None:
    fill(client, DLQ, list(messages))
    run_cycle(store, settings_of())
    client.delete("mutt:remediation:lease")
    consume(client, store)


def groups_in(inbox: Inbox) -> list[str]:
    """The groups that somebody was told of, as often as they were told of each."""
    lines = [line for request in inbox.took for line in request.body["message"].splitlines()]
    return sorted(line.split()[1] for line in lines if line.startswith("- s1-"))


def shown_in(text: str) -> list[str]:
    return [name for name, value in SECRETS.items() if value in text]


def command_lines() -> str:
    """Every process' command line, as `ps` shows it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


@pytest.fixture
def notifiers(
    redis_server: RedisServer,
    client: redis.Redis,
    tmp_path: Path,
    hook: tuple[int, Inbox],
    mails: tuple[int, Mails],
    slow: tuple[int, Inbox],
) -> Iterator[Notifiers]:
    away = free_port()
    found = Notifiers(
        tmp_path,
        redis_server.url,
        NOTIFY_URLS=urls(
            hook[0], mails[0], f"slow=json://127.0.0.1:{slow[0]}/", f"away=json://127.0.0.1:{away}/"
        ),
        NOTIFY_WAIT=0,
        NOTIFY_AGAIN=0,
        NOTIFY_TIMEOUT=2,
        MOOG_API_KEY=SECRETS["api key"],
        LOG_LEVEL="DEBUG",
        REMEDIATION_ROUTES="alerter",
    )
    yield found
    found.stop()


def test_each_is_told_once_whoever_is_killed_refuses_or_hangs(
    client: redis.Redis,
    store: Store,
    notifiers: Notifiers,
    hook: tuple[int, Inbox],
    mails: tuple[int, Mails],
    slow: tuple[int, Inbox],
) -> None:
    first = notifiers.start()
    until(lambda: notifiers.get("/ready")[0] == 200)
    until(lambda: notifiers.metric("last_look_timestamp_seconds") > 0)
    dies(client, store, b"garbage", b'{"api_key": "Apikey-7hQ2vX"}')
    # Who hangs and who is not there delays nobody.
    until(lambda: len(hook[1].took) == 1 and len(mails[1].took) == 1)
    assert slow[1].took == []
    until(lambda: slow[1].tries >= 1)
    lines = command_lines()
    assert "mutt_tasks.notify.post slow" in lines
    assert shown_in(lines) == []
    until(lambda: notifiers.metric('sent_total{target="ops"}') == 1)

    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    dies(client, store, event(1, _moog_retry_count=9, message="another kind"))
    slow[1].mode = TAKE
    second = notifiers.start()
    until(lambda: len(hook[1].took) == 2 and len(mails[1].took) == 2)
    until(lambda: groups_in(slow[1]) == groups_in(hook[1]))
    assert len(groups_in(hook[1])) == 3
    until(lambda: notifiers.metric('failed_total{target="away"}') >= 1)
    assert notifiers.metric('lag_seconds{target="away"}') > 0
    assert notifiers.metric('waiting{target="away"}') >= 2

    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    third = notifiers.start()
    until(lambda: notifiers.get("/ready")[0] == 200)
    third.send_signal(signal.SIGTERM)
    assert third.wait(30) == 0
    for inbox in (hook[1].took, mails[1].took):
        assert len(inbox) == 2
    kept = str([client.hgetall(key) for key in client.keys("*notify*") if b"lease" not in key])
    _, metrics = notifiers.get("/metrics", notifiers.metrics_port)
    log = notifiers.log.read_text()
    assert "ops was told: MUTT remediation: new in the dead letter list" in log
    assert "away was not told, and is tried again: connection refused" in log
    assert "Traceback" not in log
    for text in (log, kept, metrics, str(hook[1].took[0].body)):
        assert shown_in(text) == []


def test_a_trial_says_of_each_target_what_happened(
    run: Run,
    hook: tuple[int, Inbox],
    mails: tuple[int, Mails],
    authority: trustme.CA,
    ca_cert: str,
) -> None:
    slack = f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRETS['slack token']}"
    more = f"json://127.0.0.1:{free_port()}/{SECRETS['webhook token']}"
    with far_services(authority) as (port, far):
        env = {
            "NOTIFY_URLS": urls(hook[0], mails[0], slack, more),
            "HTTPS_PROXY": f"http://127.0.0.1:{port}",
            "REQUESTS_CA_BUNDLE": ca_cert,
            # It needs no Redis.
            "REDIS_URL": "redis://127.0.0.1:1",
        }
        ended = run("notify", "test", "-o", "json", **env)
        found = of(ended, status=5)
        table = run("notify", "test", **env | {"NOTIFY_URLS": more})

    assert [(each["target"], each["outcome"], each["why"]) for each in found] == [
        ("ops", "sent", ""),
        ("mailto-1", "sent", ""),
        ("slack-1", "sent", ""),
        ("json-1", "failed", "connection refused"),
    ]
    assert hook[1].took[0].body["title"] == "MUTT remediation: test"
    assert "nothing has happened" in str(mails[1].took[0])
    assert len(far["hooks.slack.com"].took) == 1
    assert table.returncode == 1
    assert "failed: connection refused" in table.stdout
    shown = "".join((ended.stdout, ended.stderr, table.stdout, table.stderr))
    assert shown_in(shown) == []


def test_without_targets_there_is_nobody_to_tell(run: Run) -> None:
    ended = run("notify", "test")

    assert ended.returncode == 1
    assert ended.stderr.startswith("mutt-dlq: NOTIFY_URLS: not set, accepts")


def test_an_address_that_nobody_can_send_to_ends_it_with_one_line(run: Run) -> None:
    program = (sys.executable, "-m", "mutt_tasks.notify")
    ended = run(program=program, NOTIFY_URLS=f"slack://{SECRETS['slack token']} what://ever")

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "mutt_tasks: NOTIFY_URLS: slack-1: slack://… is no address that apprise takes",
        "mutt_tasks: NOTIFY_URLS: what-1: what://… is no address that apprise takes",
    ]


def test_with_json_what_keeps_it_from_starting_is_json_as_well(run: Run, tmp_path: Path) -> None:
    program = (sys.executable, "-m", "mutt_tasks.notify")
    bad = run(program=program, NOTIFY_URLS="what://ever", LOG_JSON_ENABLED="true")
    (tmp_path / "apprise.py").write_text("raise ImportError\n")
    bare = run(program=program, PYTHONPATH=str(tmp_path), LOG_JSON_ENABLED="true")

    said = [json.loads(line) for ended in (bad, bare) for line in ended.stderr.splitlines()]
    assert [(each["level"], each["message"]) for each in said] == [
        ("CRITICAL", "NOTIFY_URLS: what-1: what://… is no address that apprise takes"),
        ("CRITICAL", "needs the extra `notify`: pip install 'mutt-tasks[notify]'"),
    ]


def test_without_the_extra_one_line_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "apprise.py").write_text("raise ImportError\n")
    program = (sys.executable, "-m", "mutt_tasks.notify")
    ended = run(program=program, PYTHONPATH=str(tmp_path), NOTIFY_URLS="json://127.0.0.1/")

    assert ended.returncode == 1
    assert ended.stderr == (
        "mutt-notify: needs the extra `notify`: pip install 'mutt-tasks[notify]'\n"
    )
