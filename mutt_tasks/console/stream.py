"""Server-sent events: what has changed since a tab last heard of it.

Events are `status` and `jobs` (all of it, each time), `journal` (one new entry; its id is the
event's), `away` (Redis is; with the age of what was told before), `missed` (more happened in the
journal than is known here: load it anew) and `bye` (come again).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from mutt_tasks.console.hub import Hub
from mutt_tasks.console.picture import Picture, encoded, is_after

# A tab whose connection broke comes again after so many milliseconds.
RETRY_MS = 2000
# Then it comes again, so that a trusted proxy is asked again who that is.
LONGEST_SECONDS = 3600.0
# Something is sent at least as often, so that a proxy does not end the connection.
ALIVE_SECONDS = 15.0


class Teller:
    """What one tab has been told, the last entry of the journal that it `knows` included."""

    def __init__(self, knows: str = "") -> None:
        self._newest = knows
        self._told: dict[str, Any] = {}

    def news(self, picture: Picture, now: float) -> list[bytes]:
        """What is new in a picture, at a moment of this process' clock."""
        if picture.away:
            age = round(now - picture.taken_at, 1) if picture.parts else None
            return [event("away", {"why": picture.away, "age_seconds": age})]
        found = [
            event(name, part)
            for name, part in picture.parts.items()
            if name not in self._told or self._told[name] != part
        ]
        self._told = dict(picture.parts)
        return [*found, *self._journal(picture)]

    def _journal(self, picture: Picture) -> list[bytes]:
        entries = list(picture.journal)
        knows, self._newest = self._newest, picture.newest or self._newest
        if not knows:
            # Whoever comes anew has loaded the journal; this says from where on to tell.
            return [event("since", {"id": self._newest}, self._newest)] if self._newest else []
        new = [name for name in entries if is_after(name, knows)]
        missed = [event("missed", {"after": knows})] if new and knows not in entries else []
        return missed + [event("journal", picture.journal[name], name) for name in new]


async def events(
    hub: Hub, knows: str, is_allowed: Callable[[], bool], clock: Callable[[], float]
) -> AsyncIterator[bytes]:
    """The stream of one tab; ends when the console does, or the login is over."""
    teller, ends_at = Teller(knows), clock() + LONGEST_SECONDS
    yield f"retry: {RETRY_MS}\n\n".encode()
    with hub.watch() as news:
        for part in teller.news(await hub.fresh(), clock()):
            yield part
        while not hub.is_stopping and clock() < ends_at and is_allowed():
            news.clear()
            if await _happens(news, ALIVE_SECONDS):
                for part in teller.news(hub.picture, clock()):
                    yield part
            else:
                yield b": alive\n\n"
    yield event("bye", {})


def event(name: str, data: Any, event_id: str = "") -> bytes:
    """One event as it is sent."""
    id_line = f"id: {event_id}\n".encode() if event_id else b""
    return b"event: " + name.encode() + b"\n" + id_line + b"data: " + encoded(data) + b"\n\n"


async def _happens(news: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return False
    return True
