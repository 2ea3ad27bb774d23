"""What a task is called with by hand: one clear line when it does not fit; `resume` sets going."""

import re
from functools import partial
from pathlib import Path

import redis

from tests.pipeline import DLQ, INGEST, event, fill
from tests.redis_server import RedisServer
from tests.services import Services, services, until

WRONG = {
    ("mutt_tasks.pause",): (
        "mutt_tasks.pause failed: missing actor, reason;"
        " accepts actor, reason, seconds (default 3600)"
    ),
    ("mutt_tasks.pause", "--kwargs", '{"who": "ann", "reason": "x"}'): (
        "mutt_tasks.pause failed: missing actor; unknown 'who';"
        " accepts actor, reason, seconds (default 3600)"
    ),
    ("mutt_tasks.resume", "--args", '["ann", "bob"]'): (
        "mutt_tasks.resume failed: 2 arguments are too many; accepts actor"
    ),
    ("mutt_tasks.resume", "--args", '["ann"]', "--kwargs", '{"actor": "bob"}'): (
        "mutt_tasks.resume failed: given twice actor; accepts actor"
    ),
    ("mutt_tasks.replay_dlq_batch",): (
        "mutt_tasks.replay_dlq_batch failed: missing health, cycle; accepts health, cycle"
    ),
    ("mutt_tasks.requeue", "--args", '["abc"]'): (
        "mutt_tasks.requeue failed: missing actor, reason; accepts digest, actor, reason"
    ),
    ("mutt_tasks.remediate", "--kwargs", r'{"a\nb\u001b[31m": 1}'): (
        r"mutt_tasks.remediate failed: unknown 'a\nb\x1b[31m';"
    ),
}


def has_said(running: Services, line: str) -> bool:
    return line in running.logs()


def test_arguments_that_do_not_fit_end_in_one_line_that_names_what_does(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    with services(tmp_path, redis_server.url) as running:
        running.worker()
        for call, line in WRONG.items():
            running.call(*call)
            until(partial(has_said, running, line), hint=running.logs)
    assert "Traceback" not in running.logs()
    assert len(re.findall(r"WARNING .* outcome=failed", running.logs())) == len(WRONG)


def test_the_end_of_a_pause_starts_a_cycle(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    with services(tmp_path, redis_server.url, REMEDIATION_INTERVAL=300) as running:
        running.worker()
        running.call("mutt_tasks.pause", "--args", '["ann", "change window"]')
        until(lambda: client.exists("mutt:remediation:paused"), hint=running.logs)
        fill(client, DLQ, [event(n) for n in range(3)])
        running.call("mutt_tasks.resume", "--args", '["ann"]')
        until(lambda: client.llen(INGEST) == 3, 10, hint=running.logs)
