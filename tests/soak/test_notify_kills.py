"""The notifier killed again and again, with and without its senders, beside a real webhook."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import redis

from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs
from mutt_tasks.store.store import Store
from tests.jobs import OFF, order, plan_of
from tests.pipeline import DLQ, event, fill, run_cycle
from tests.receivers import Inbox, webhook
from tests.redis_server import RedisServer, free_port
from tests.services import ROOT, Services, until

pytestmark = pytest.mark.soak

ROUNDS = int(os.environ.get("SOAK_ROUNDS") or 40)
SEED = int(os.environ.get("SOAK_SEED") or 13)
LEASE = "mutt:remediation:notify:lease"


def told(inbox: Inbox) -> Counter[str]:
    """How often each job was told of."""
    lines = [line for request in inbox.took for line in request.body["message"].splitlines()]
    return Counter(line[2:16] for line in lines if line.startswith("- j-"))


def job_ends(client: redis.Redis, store: Store) -> str:
    events = [event(1)]
    fill(client, DLQ, events)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events}), order())
    run_cycle(store, OFF)
    client.delete("mutt:remediation:lease")
    return job.id


def senders_of(notifier: int) -> list[int]:
    """The processes that send, whoever started them."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"mutt_tasks.notify.post" in line and parent == notifier:
            found.append(int(path.name))
    return found


@pytest.mark.parametrize("with_senders", [False, True], ids=["alone", "with its senders"])
def test_no_job_is_forgotten_and_none_told_twice(
    redis_server: RedisServer,
    client: redis.Redis,
    store: Store,
    tmp_path: Path,
    with_senders: bool,
) -> None:
    chance = random.Random(SEED)
    with webhook() as (port, inbox), (tmp_path / "log").open("wb") as log:
        env = Services(
            tmp_path,
            redis_server.url,
            NOTIFY_URLS=f"ops=json://127.0.0.1:{port}/",
            NOTIFY_WAIT=0,
            NOTIFY_AGAIN=0,
            NOTIFY_MOST_PER_HOUR=3600,
            METRICS_PORT_NOTIFY=free_port(),
            HEALTH_PORT_NOTIFY=free_port(),
        ).env
        ended = []
        for _ in range(ROUNDS):
            notifier = subprocess.Popen(
                [sys.executable, "-m", "mutt_tasks.notify"],
                cwd=ROOT,
                env=env,
                stdout=log,
                stderr=log,
            )
            ended.append(job_ends(client, store))
            time.sleep(chance.uniform(2.0, 8.0))
            senders = senders_of(notifier.pid) if with_senders else []
            notifier.kill()
            for sender in senders:
                os.kill(sender, signal.SIGKILL)
            notifier.wait()
            client.delete(LEASE)
        notifier = subprocess.Popen(
            [sys.executable, "-m", "mutt_tasks.notify"], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        try:
            kept = "mutt:remediation:notify:state"
            idle = b'"sending":null'
            until(lambda: client.hget(kept, "causes") == b"{}" or _is_in_doubt(client), 150)
            until(lambda: idle in (client.hget(kept, "target:ops") or b""), 150)
        finally:
            notifier.terminate()
            notifier.wait(60)
    found = told(inbox)
    assert {job: n for job, n in found.items() if n > 1} == {}
    missing = [job for job in ended if job not in found]
    # Only a sender that was killed leaves anybody in doubt.
    print(f"{len(ended)} jobs, {len(inbox.took)} messages, {len(missing)} in doubt")
    assert not missing or with_senders


def _is_in_doubt(client: redis.Redis) -> bool:
    return b'"is_sure":false' in (client.hget("mutt:remediation:notify:state", "target:ops") or b"")
