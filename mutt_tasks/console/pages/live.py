"""The first screen as it changes: a stream of its parts, each made once for all who look."""

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from mutt_tasks.console.context import Console
from mutt_tasks.console.identity import identity_in, peer_in
from mutt_tasks.console.pages.overview import view
from mutt_tasks.console.pages.rendering import rendered
from mutt_tasks.console.permission import Here
from mutt_tasks.console.picture import Picture
from mutt_tasks.console.problems import Problem
from mutt_tasks.console.stream import ALIVE_SECONDS, RETRY_MS

router = APIRouter()

# The parts of the first screen, by the names of their templates.
PARTS = ("now", "flow", "limits", "books", "jobs", "journal")


class Parts:
    """The parts of a picture as HTML, kept until there is a newer picture."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._picture: Picture | None = None
        self._made: dict[str, str] = {}

    def of(self, picture: Picture) -> dict[str, str]:
        """Each part by its name; while Redis is away only what says so, as `away`."""
        if picture.away or not picture.parts:
            found = view(picture, self._clock())
            return {"away": rendered("live/away.html", view=found)}
        if picture is not self._picture:
            found = view(picture, self._clock())
            self._made = {name: rendered(f"live/{name}.html", view=found) for name in PARTS}
            self._picture = picture
        return self._made


@router.get("/live")
async def live(request: Request, console: Here) -> StreamingResponse:
    """What changes of the first screen, as server-sent events named after its parts."""
    peer = peer_in(request)

    def is_allowed() -> bool:
        try:
            return identity_in(console, request.scope, peer) is not None
        except Problem:
            return False

    return StreamingResponse(
        _events(console, parts_of(request), is_allowed),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def parts_of(request: Request) -> Parts:
    """The parts that all streams of this process share."""
    state = request.app.state
    if not hasattr(state, "parts"):
        state.parts = Parts(state.console.clock)
    found: Parts = state.parts
    return found


async def _events(
    console: Console, parts: Parts, is_allowed: Callable[[], bool]
) -> AsyncIterator[bytes]:
    hub, told = console.hub, dict[str, str]()
    yield f"retry: {RETRY_MS}\n\n".encode()
    with hub.watch() as news:
        await hub.fresh()
        while not hub.is_stopping and is_allowed():
            news.clear()
            made = parts.of(hub.picture)
            for name, html in made.items():
                if told.get(name) != html:
                    yield _event(name, html)
            told = {} if "away" in made else made
            if not await _comes(news):
                yield b": alive\n\n"


async def _comes(news: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(news.wait(), ALIVE_SECONDS)
    except TimeoutError:
        return False
    return True


def _event(name: str, html: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: {name}\n{lines}\n".encode()
