"""MUTT's rotation of the Redis password, while worker and beat run: the next one is tried too."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from tests.acceptance.test_running import get
from tests.faults.sentinel import Watched
from tests.pipeline import DLQ, INGEST, event, fill
from tests.redis_server import RedisServer
from tests.services import Services, services, until

OLD, NEW = "Old-4kJ/p:w", "New-8sT@q%z"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that wants the old password."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder, "--requirepass", OLD)
    server.client = redis.Redis(port=server.port, password=OLD)
    server.start()
    yield server
    server.stop()


def ticks(client: redis.Redis) -> int:
    return int(client.hget("mutt:remediation:stats", "loops") or 0)


def is_at_work(running: Services, server: RedisServer, wanted: int) -> None:
    """Beat ticks, the worker replays, and both take a call: by the password of this moment."""
    before = ticks(server.client)
    fill(server.client, DLQ, [event(wanted)])
    until(lambda: server.client.llen(INGEST) == wanted, 60, hint=running.logs)
    until(lambda: ticks(server.client) >= before + 3, 60, hint=running.logs)
    until(lambda: get(running.health_port, "/ready") == (200, "ready"), hint=running.logs)


@pytest.mark.parametrize("from_files", [False, True])
def test_a_password_may_be_changed_and_changed_back_under_running_processes(
    locked: RedisServer, tmp_path: Path, from_files: bool
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    passwords = {"REDIS_PASS_CURRENT": OLD, "REDIS_PASS_NEXT": NEW}
    if from_files:
        for name, value in list(passwords.items()):
            (tmp_path / name).write_text(value + "\n")
            passwords[f"{name}_FILE"] = str(tmp_path / name)
            del passwords[name]
    env = {"REDIS_PORT": locked.port, "DYNAMIC_CONFIG_ENABLED": "true", **passwords}
    with services(logs, "", **env) as running:
        worker, beat = running.worker(), running.beat()
        is_at_work(running, locked, 1)
        locked.change_password(NEW)
        is_at_work(running, locked, 2)
        pause = ("mutt_tasks.pause", "--kwargs", '{"actor": "a", "reason": "r"}')
        assert running.call(*pause).returncode == 0
        until(lambda: locked.client.exists("mutt:remediation:paused"), hint=running.logs)
        locked.client.delete("mutt:remediation:paused")
        locked.change_password(OLD)
        is_at_work(running, locked, 3)
        assert (worker.poll(), beat.poll()) == (None, None)
    printed = running.logs()
    assert OLD not in printed
    assert NEW not in printed


def test_started_after_the_change_they_log_in_with_the_next_one(
    locked: RedisServer, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    locked.change_password(NEW)
    env = {"REDIS_PORT": locked.port, "REDIS_PASS_CURRENT": OLD, "REDIS_PASS_NEXT": NEW}
    with services(logs, "", **env) as running:
        running.worker()
        running.beat()
        is_at_work(running, locked, 1)
    assert "refuses" not in running.logs()


def test_without_a_next_one_the_refusal_is_told_and_it_goes_on_trying(
    locked: RedisServer, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with services(logs, "", REDIS_PORT=locked.port, REDIS_PASS_CURRENT=NEW) as running:
        worker = running.worker()
        until(lambda: "Redis refuses the login" in running.logs(), hint=running.logs)
        locked.change_password(NEW)
        running.beat()
        is_at_work(running, locked, 1)
        assert worker.poll() is None


def test_a_master_that_a_sentinel_names_is_logged_in_to_with_the_next_one(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    watched = Watched(tmp_path)
    try:
        master = watched.master()
        # The servers' own links to each other stay as they are: only clients must log in anew.
        master.client.config_set("requirepass", NEW)
        url = watched.url.replace("sentinel://", "sentinel://:Old@")
        with services(logs, url, REDIS_PASS_NEXT=NEW) as running:
            running.worker()
            running.beat()
            fill(redis.Redis(port=master.port, password=NEW), DLQ, [event(1)])
            client = redis.Redis(port=master.port, password=NEW)
            until(lambda: client.llen(INGEST) == 1, 60, hint=running.logs)
            client.close()
    finally:
        with suppress(redis.RedisError):
            master.client = redis.Redis(port=master.port, password=NEW)
            master.client.config_set("requirepass", "")
        watched.stop()
