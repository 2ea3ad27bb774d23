"""One reader for all who look; streams go on where they were, and end when the console does."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from mutt_tasks.console.hub import Hub
from mutt_tasks.console.picture import SECONDS, Picture
from mutt_tasks.console.stream import Teller, events
from mutt_tasks.core.moments import moment_of
from mutt_tasks.errors import StoreUnavailable
from mutt_tasks.operations import switches
from mutt_tasks.operations.access import new_key, remove_key
from mutt_tasks.store.store import Store
from tests.console.people import API, House
from tests.console.running import served
from tests.redis_server import RedisServer, free_port
from tests.services import ROOT, until


@dataclass
class Stream:
    """A stream that is read event by event."""

    lines: Iterator[str]

    def next(self, *names: str) -> tuple[str, Any, str]:
        """The next event with one of these names: its name, data and id."""
        found = {"event": "", "data": "", "id": ""}
        for line in self.lines:
            name, _, value = line.partition(": ")
            if line and name in found:
                found[name] = value
            elif not line:
                if found["event"] in names:
                    return found["event"], json.loads(found["data"]), found["id"]
                found = {"event": "", "data": "", "id": ""}
        raise AssertionError(f"the stream ended without {names}")


@cache
def client_of_all() -> httpx.Client:
    """One for all streams of a run: each would read the certificates of this machine."""
    return httpx.Client(timeout=10)


@contextmanager
def streaming(url: str, key: str, last: str = "") -> Iterator[Stream]:
    """A stream of somebody with a key, who knows the journal up to `last`."""
    headers = {"X-API-KEY": key} | ({"Last-Event-ID": last} if last else {})
    with client_of_all().stream("GET", f"{url}{API}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.iter_lines())


def pause(store: Store, name: str) -> None:
    switches.pause(store, name, name, "why", 60)


def told(events_: list[bytes]) -> list[str]:
    return [each.partition(b"\n")[0].decode().removeprefix("event: ") for each in events_]


# --- a tab ---

ENTRIES = {f"{n}-0": {"id": f"{n}-0"} for n in range(1, 5)}


def test_a_tab_is_told_all_once_and_then_what_changes() -> None:
    teller, first = Teller(), Picture(1.0, {"status": {"n": 1}, "jobs": []}, ENTRIES)
    second = Picture(2.0, {"status": {"n": 2}, "jobs": []}, ENTRIES | {"5-0": {"id": "5-0"}})

    assert told(teller.news(first, 1.0)) == ["status", "jobs", "since"]
    assert told(teller.news(second, 2.0)) == ["status", "journal"]
    assert teller.news(second, 3.0) == []


@pytest.mark.parametrize(
    ("knows", "expected"),
    [
        ("2-0", ["journal", "journal"]),
        ("4-0", []),
        ("0-5", ["missed", "journal", "journal", "journal", "journal"]),
        ("9-0", []),
    ],
)
def test_a_tab_that_comes_again_is_told_what_it_missed(knows: str, expected: list[str]) -> None:
    found = Teller(knows).news(Picture(1.0, {}, ENTRIES), 1.0)

    assert told(found) == expected


def test_a_tab_is_told_that_redis_is_away_and_how_old_its_picture_is() -> None:
    teller = Teller()
    found = teller.news(Picture(10.0, {"status": {}}, away="Redis cannot be reached"), 14.0)

    assert found == [
        b'event: away\ndata: {"why": "Redis cannot be reached", "age_seconds": 4.0}\n\n'
    ]
    assert told(teller.news(Picture(15.0, {"status": {}}), 15.0)) == ["status"]


# --- one reader ---


class Reader:
    """Counts its readings, and fails while it is `away`."""

    def __init__(self) -> None:
        self.readings, self.away = 0, False

    def __call__(self, _before: Picture, now: float) -> Picture:
        self.readings += 1
        if self.away:
            raise StoreUnavailable("Redis cannot be reached")
        return Picture(now, {"status": {"n": self.readings}})


def test_any_number_of_requests_share_one_reading() -> None:
    read = Reader()

    async def ask() -> list[Picture]:
        hub = Hub(read, time.monotonic)
        return await asyncio.gather(*(hub.fresh() for _ in range(50)))

    assert {each.parts["status"]["n"] for each in asyncio.run(ask())} == {1}


def test_nobody_looks_and_nothing_is_read() -> None:
    read = Reader()

    async def look() -> tuple[int, int]:
        hub = Hub(read, time.monotonic)
        with ExitStack() as tabs:
            news = [tabs.enter_context(hub.watch()) for _ in range(50)]
            await asyncio.gather(*(each.wait() for each in news))
            watched = read.readings
        await asyncio.sleep(1.2)
        return watched, read.readings

    assert asyncio.run(look()) == (1, 1)


def test_a_reading_that_fails_keeps_the_last_picture_and_says_so() -> None:
    read = Reader()

    async def look() -> tuple[Picture, Picture]:
        hub = Hub(read, time.monotonic)
        await hub.fresh()
        read.away = True
        away = await hub.fresh(0.0)
        read.away = False
        return away, await hub.fresh(0.0)

    away, back = asyncio.run(look())
    assert (away.parts["status"], away.away) == ({"n": 1}, "Redis cannot be reached")
    assert (back.parts["status"], back.away) == ({"n": 3}, "")


def test_redis_that_goes_away_between_two_readings_is_told_at_once() -> None:
    is_away = False

    def ask() -> None:
        if is_away:
            raise StoreUnavailable("Redis cannot be reached")

    async def look() -> Picture:
        nonlocal is_away
        hub = Hub(Reader(), time.monotonic, ask)
        with hub.watch() as news:
            await news.wait()
            news.clear()
            is_away = True
            await asyncio.wait_for(news.wait(), SECONDS * 0.75)
            return hub.picture

    assert asyncio.run(look()).away == "Redis cannot be reached"


def test_a_stream_ends_when_the_login_does() -> None:
    async def look() -> list[bytes]:
        allowed = iter([True, False])
        hub = Hub(Reader(), time.monotonic)
        return [part async for part in events(hub, "", lambda: next(allowed), time.monotonic)]

    assert asyncio.run(look())[-1] == b"event: bye\ndata: {}\n\n"


# --- behind a real server ---


@pytest.fixture
def live(house: House) -> Iterator[tuple[str, str]]:
    """The address of a console, and a viewer's key."""
    with served(house.app) as url:
        yield url, house.keys["viewer"]


def test_a_stream_tells_what_happens_and_goes_on_where_it_was(
    live: tuple[str, str], store: Store
) -> None:
    pause(store, "before")
    with streaming(*live) as stream:
        while not (seen := stream.next("status")[1])["paused"]:
            pass
        assert seen["paused"]["actor"] == "before"
        pause(store, "ann")
        name, entry, event_id = stream.next("journal")
        while entry["by"] == "before":
            name, entry, event_id = stream.next("journal")
        assert (name, entry["by"], entry["id"]) == ("journal", "ann", event_id)

    pause(store, "bob")
    pause(store, "eve")
    with streaming(*live, event_id) as stream:
        assert [stream.next("journal")[1]["by"] for _ in range(2)] == ["bob", "eve"]


def test_an_event_id_that_is_none_is_refused(live: tuple[str, str]) -> None:
    url, key = live
    answer = httpx.get(
        f"{url}{API}/events", headers={"X-API-KEY": key, "Last-Event-ID": "1-0; DROP"}
    )

    assert answer.status_code == 422


def test_a_stream_of_a_removed_key_ends(live: tuple[str, str], house: House) -> None:
    with streaming(*live) as stream:
        stream.next("status")
        remove_key(str(house.path), "viewer")
        stream.next("bye")


@contextmanager
def console_process(
    folder: Path, redis_url: str, **env: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a console in a process of its own, and the process."""
    port = free_port()
    more = {"REDIS_URL": redis_url, "CONSOLE_PORT": str(port), "CONSOLE_ADDRESS": "127.0.0.1"}
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("REDIS_", "CONSOLE_"))}
    with (folder / "console.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mutt_tasks.console"],
            cwd=ROOT,
            env=kept | more | env,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        try:
            return httpx.get(f"{url}/health").text == "OK"
        except httpx.TransportError:
            return False

    try:
        until(is_up, hint=lambda: (folder / "console.log").read_text())
        yield url, process
    finally:
        process.kill()
        process.wait()


def commands(server: RedisServer) -> int:
    """How many commands a server has been given."""
    stats: Any = server.client.info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if name != "cmdstat_info")


def resident_mib(pid: int) -> float:
    """How much memory a process has, in MiB."""
    (line,) = re.findall(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(line) / 1024


def test_fifty_tabs_cost_little_see_that_redis_is_away_and_end_with_the_console(
    tmp_path: Path,
) -> None:
    server = RedisServer(tmp_path).start()
    path = tmp_path / "keys"
    key = new_key(str(path), "eve", "viewer")
    with ExitStack() as open_:
        open_.callback(server.stop)
        url, process = open_.enter_context(
            console_process(tmp_path, server.url, CONSOLE_KEYS_FILE=str(path))
        )
        tabs = [open_.enter_context(streaming(url, key)) for _ in range(50)]
        for tab in tabs:
            tab.next("status")

        # From the end of one reading, which is not an old one, to that of another one.
        while time.time() - (moment_of(tabs[0].next("status")[1]["at"]) or 0) > 0.5:
            pass
        before, began = commands(server), time.monotonic()
        for _ in range(2):
            tabs[0].next("status")
        assert (commands(server) - before) / (time.monotonic() - began) <= 30
        assert resident_mib(process.pid) < 120

        server.freeze()
        began = time.monotonic()
        assert tabs[0].next("away")[1]["why"].startswith("Redis cannot be reached")
        assert time.monotonic() - began < 3
        server.thaw()
        tabs[0].next("status")

        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        for tab in tabs:
            tab.next("bye")
        process.wait(5)
        assert time.monotonic() - began < 2
    assert "Traceback" not in (tmp_path / "console.log").read_text()
