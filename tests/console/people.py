"""Words for tests of the console: who comes, with what, and what is answered."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

from mutt_tasks.operations.access import new_key

T = TypeVar("T")

API = "/api/v1"
ROLES = ("viewer", "operator", "admin")
HERE, ELSEWHERE = ("127.0.0.1", 50_000), ("192.0.2.7", 50_000)


def keys_in(path: Path) -> dict[str, str]:
    """A new file with a key for each role, whose owner has the role's name."""
    return {role: new_key(str(path), role, role) for role in ROLES}


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of every console of a run, as a server has one."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="consoles", daemon=True).start()
    return loop


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine answers in the consoles' event loop."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(30)


@dataclass
class Client:
    """Somebody at an address, with the headers and cookies of a browser or a program."""

    app: FastAPI
    peer: tuple[str, int] = ELSEWHERE
    headers: dict[str, str] = field(default_factory=dict)
    base: str = "http://console.test"

    def __post_init__(self) -> None:
        transport = httpx.ASGITransport(self.app, client=self.peer)
        self._client = httpx.AsyncClient(
            transport=transport, base_url=self.base, headers=self.headers
        )
        self.cookies = self._client.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask once."""
        return awaited(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Read."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Make."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        """Set."""
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        """End."""
        return self.request("DELETE", path, **options)


@dataclass
class House:
    """A console, its keys by role, and the file that they are in."""

    app: FastAPI
    keys: dict[str, str]
    path: Path

    def stranger(self, peer: tuple[str, int] = ELSEWHERE, **headers: str) -> Client:
        """Somebody without a key, at an address."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self.app, peer, names)

    def person(self, role: str, peer: tuple[str, int] = ELSEWHERE, **headers: str) -> Client:
        """Somebody with the key of a role."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self.app, peer, {"X-API-KEY": self.keys[role], **names})


def problem_of(answer: httpx.Response) -> str:
    """What kind of problem an answer is."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["title"]
    assert found["detail"]
    return str(found["type"]).removeprefix("urn:mutt:problem:")
