"""No secret is shown anywhere, through good times and failures, with everything configured.

Every secret has a value that occurs nowhere else; after a full run each form of it is searched for
in all that the system prints, serves, publishes or keeps beside the messages themselves.
"""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis

from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import ALERTS, DEAD, DLQ, INGEST, MOOG_DLQ, event, fill
from tests.redis_server import RedisServer, free_port
from tests.services import Services, services, until

REDIS_SECRET = "Redis-Zk4/p:w"
NEXT_SECRET = "Next-Tq7:e/n"
SECRETS = {
    "redis password": REDIS_SECRET,
    "next redis password": NEXT_SECRET,
    "api key": "Apikey-7hQ2vX",
    "basic password": "Basic-m9RtL/e@",
    "webhook log-in": "Login-Vb31nP",
    "webhook token": "Token-c8WsYd",
    "message api_key": "Message-uJ5fKo",
}
# The lists of messages, and Celery's own queue, hold what was put there.
MESSAGE_LISTS = {name.encode() for name in (DLQ, INGEST, DEAD, MOOG_DLQ, ALERTS)}


def forms(secret: str) -> set[str]:
    """A secret as it stands, in a URL, in JSON, and as Basic authentication sends it."""
    found = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
    for user in ("moog-user", "hook", ""):
        found.add(base64.b64encode(f"{user}:{secret}".encode()).decode())
    return found


def shown_in(text: str) -> list[str]:
    """Which secrets a text shows."""
    return [name for name, value in SECRETS.items() if any(f in text for f in forms(value))]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that wants a password."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder, "--requirepass", REDIS_SECRET)
    server.client = redis.Redis(port=server.port, password=REDIS_SECRET)
    server.start()
    yield server
    server.stop()


def served(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except OSError as error:
        return repr(error)


def kept_in(client: redis.Redis) -> str:
    """Everything in Redis but the messages themselves."""
    parts: list[Any] = []
    for key in client.keys("*"):
        kind: Any = client.type(key)
        if key in MESSAGE_LISTS or kind == b"none":  # it has expired meanwhile
            continue
        read: dict[bytes, Callable[[], Any]] = {
            b"string": partial(client.get, key),
            b"hash": partial(client.hgetall, key),
            b"list": partial(client.lrange, key, 0, -1),
            b"set": partial(client.smembers, key),
            b"zset": partial(client.zrange, key, 0, -1),
            b"stream": partial(client.xrange, key),
        }
        parts += [key, read[kind]()]
    return repr(parts)


def arrived(client: redis.Redis, wanted: int) -> bool:
    return client.llen(INGEST) == wanted


def message(number: int, **fields: Any) -> bytes:
    return event(number, api_key=SECRETS["message api_key"], **fields)


def run_through(running: Services, locked: RedisServer) -> str:
    """Good, poison and malformed messages, refusals and failures; returns what was seen."""
    client = locked.client
    flower = free_port()
    running.start(
        "flower", f"--port={flower}", "--address=127.0.0.1", FLOWER_UNAUTHENTICATED_API="true"
    )
    running.worker()
    running.beat()
    api_key = SECRETS["message api_key"].encode()
    fill(client, DLQ, [message(1), message(2, _moog_retry_count=9), b'{"api_key":"%s"' % api_key])
    fill(client, MOOG_DLQ, [message(3), message(4, _remediation={"replays": api_key.decode()})])
    until(lambda: client.llen(INGEST) == 1 and client.llen(ALERTS) == 2, hint=running.logs)
    client.set("mutt:config:remediation_batch_size", f"{SECRETS['api key']}\nforged line")
    running.call("mutt_tasks.pause", "--kwargs", json.dumps({"actor": "x\nforged", "reason": "-"}))
    running.call("mutt_tasks.remediate", "--kwargs", json.dumps({"trigger": "x\nforged line"}))
    until(lambda: "trigger: got" in running.logs(), hint=running.logs)
    until(lambda: "mutt:config:remediation_batch_size: got" in running.logs(), hint=running.logs)
    seen = [served(flower, path) for path in ("/api/tasks", "/api/workers", "/workers", "/tasks")]
    locked.kill()
    until(lambda: "annot connect" in running.logs(), hint=running.logs)
    seen += [served(running.health_port, "/ready"), served(running.metrics_port, "/metrics")]
    locked.start()
    fill(client, DLQ, [message(5)])
    until(lambda: client.llen(INGEST) == 2, 60, hint=running.logs)
    # The server takes the next password, then one that nobody knows, then the first again.
    for password, number in ((NEXT_SECRET, 6), ("nobody knows", 0), (REDIS_SECRET, 7)):
        locked.change_password(password)
        if number:
            fill(locked.client, DLQ, [message(number)])
            until(partial(arrived, locked.client, number - 3), 60, hint=running.logs)
        else:
            until(lambda: "invalid username-password" in running.logs(), hint=running.logs)
        seen += [served(running.health_port, "/ready"), served(running.metrics_port, "/metrics")]
    seen += [served(running.health_port, "/ready"), served(running.metrics_port, "/metrics")]
    return "\n".join([*seen, kept_in(locked.client)])


@pytest.mark.parametrize("log_json", ["true", "false"])
def test_no_secret_is_shown_anywhere(locked: RedisServer, tmp_path: Path, log_json: str) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with MoogsoftServer(status(200)) as moogsoft:
        address = moogsoft.url.replace(
            "http://", f"http://hook:{quote(SECRETS['webhook log-in'], safe='')}@"
        )
        env = {
            "REDIS_PASS_CURRENT": REDIS_SECRET,
            "REDIS_PASS_NEXT": NEXT_SECRET,
            "MOOG_WEBHOOK_URL": f"{address}?token={SECRETS['webhook token']}",
            "MOOG_API_KEY": SECRETS["api key"],
            "MOOG_AUTH_HEADER": "apiKey",
            "MOOG_USERNAME": "moog-user",
            "MOOG_PASSWORD": SECRETS["basic password"],
            "MOOG_HEALTH_CACHE_TTL": "0",
            "REMEDIATION_ROUTES": "alerter,moog",
            "DYNAMIC_CONFIG_ENABLED": "true",
            "LOG_LEVEL": "DEBUG",
            "LOG_JSON_ENABLED": log_json,
        }
        url = f"redis://:{quote(REDIS_SECRET, safe='')}@127.0.0.1:{locked.port}/0"
        with services(logs, url, **env) as running:
            seen = run_through(running, locked)
        assert any(request.headers.get("apikey") for request in moogsoft.requests)
    printed = running.logs()
    assert '"GET' not in printed
    assert shown_in(printed) == []
    # The value that an operator put into the runtime configuration is kept where they put it.
    kept = seen.replace("mutt:config:remediation_batch_size", "").replace(
        repr(f"{SECRETS['api key']}\nforged line".encode()), ""
    )
    assert shown_in(kept) == []
    assert not any(line.startswith("forged") for line in printed.splitlines())


@pytest.mark.parametrize("name", SECRETS)
def test_the_search_finds_a_secret_in_every_form(name: str) -> None:
    for form in forms(SECRETS[name]):
        assert shown_in(f"an error with {form} in it") == [name]
