"""Nobody holds the console's doors open: neither by silence nor by sending a little at a time."""

import asyncio
import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import trustme
from starlette.types import Message, Receive, Scope, Send

from mutt_tasks.console.guard import Guard
from mutt_tasks.console.scans import MOST, Scans
from mutt_tasks.console.server import MOST_CONNECTIONS, Protocol
from tests.console.people import API, House
from tests.console.running import served
from tests.pipeline import DLQ, event, fill


class Hasty(Protocol):
    header_seconds = 0.3


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\nA"])
def test_a_connection_that_does_not_come_to_the_point_is_closed(house: House, sent: bytes) -> None:
    with served(house.app, http=Hasty) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(sent)
            began = time.monotonic()
            assert line.recv(100) == b""
            assert time.monotonic() - began < 3


def test_connections_that_are_only_opened_keep_nobody_out(house: House) -> None:
    with served(house.app) as url, ExitStack() as lines:
        place = ("127.0.0.1", int(url.rpartition(":")[2]))
        for _ in range(MOST_CONNECTIONS + 20):
            lines.enter_context(socket.create_connection(place, timeout=5))
        assert httpx.get(f"{url}/health").status_code == 200


def test_what_is_no_http_is_refused(house: House) -> None:
    with served(house.app) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 400")


def test_over_tls_of_its_own_cookies_are_secure(
    house: House, authority: trustme.CA, ca_cert: str, tmp_path: Path
) -> None:
    made = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.cert_chain_pems[0].write_to_path(str(cert))
    made.private_key_pem.write_to_path(str(key))
    with served(house.app, ssl_certfile=str(cert), ssl_keyfile=str(key)) as url:
        verified = ssl.create_default_context(cafile=ca_cert)
        answer = httpx.post(
            f"{url.replace('http:', 'https:')}{API}/session",
            json={"key": house.keys["viewer"]},
            verify=verified,
        )

    assert answer.headers["set-cookie"].startswith("__Host-mutt_console=")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]


def test_a_request_that_two_readers_may_read_as_two_is_refused(house: House) -> None:
    with served(house.app) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(
                b"PUT /health HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            answer = b"".join(iter(lambda: line.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_body_that_does_not_end_is_not_waited_for(house: House) -> None:
    sent: list[Message] = []

    async def reads(_scope: Scope, receive: Receive, _send: Send) -> None:
        while True:
            await receive()

    async def little_by_little() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "PUT",
        "scheme": "http",
        "path": f"{API}/pause",
        "query_string": b"",
        "client": ("192.0.2.7", 1),
        "headers": [(b"x-api-key", house.keys["operator"].encode())],
    }
    guard = Guard(reads, house.app.state.console, body_seconds=0.2)
    asyncio.run(guard(scope, little_by_little, send))

    assert sent[0]["status"] == 408


def test_few_long_looks_are_under_way_at_once(house: House) -> None:
    scans: Scans = house.app.state.console.scans
    ann = house.person("operator")

    scans.under_way = MOST
    refused = ann.get(f"{API}/groups")
    scans.under_way = 0

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert ann.get(f"{API}/groups").status_code == 200


def test_a_long_look_ends_with_the_console(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [event(1)])
    house.app.state.console.stopping.set()

    answer = house.person("operator").get(f"{API}/messages/m-0123456789ab")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
