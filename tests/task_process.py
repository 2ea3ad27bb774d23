"""The bodies of tasks, run one after the other in a process of its own, without a worker."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.redis_server import RedisServer
from tests.services import ROOT

# Celery tries to send only once: while it tried again, a lease might run out by itself.
_PROGRAM = """
import json, os, sys
import redis
from mutt_tasks import tasks
tasks.app.conf.task_publish_retry = False
client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
for name, arguments in json.loads(sys.argv[1]):
    result, error = None, ""
    try:
        result = getattr(tasks, name)(**arguments)
    except Exception as found:
        error = f"{type(found).__name__}: {found}"
    print(json.dumps([result, error, client.get("mutt:remediation:lease")]))
"""


@dataclass(frozen=True)
class Ended:
    """What a task returned or raised, and what the lease held right after it (None: nothing)."""

    result: Any
    error: str
    lease: str | None


def run_tasks(server: RedisServer, *calls: tuple[str, dict[str, Any]], **env: str) -> list[Ended]:
    """Call tasks by name with these arguments."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REMEDIATION_", "MOOG_", "REDIS_", "CELERY_"))
        and not name.lower().endswith("_proxy")
    }
    usual = {
        "REDIS_URL": server.url,
        "REMEDIATION_ROUTES": "alerter",
        "REMEDIATION_MAX_RATE": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(calls)],
        cwd=ROOT,
        env=inherited | usual | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Ended(*json.loads(line)) for line in done.stdout.splitlines()]
