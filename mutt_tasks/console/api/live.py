"""How things stand: once, and as a stream."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from mutt_tasks.console.identity import identity_in, peer_in
from mutt_tasks.console.permission import Here
from mutt_tasks.console.problems import AWAY_SECONDS, Problem
from mutt_tasks.console.stream import events
from mutt_tasks.operations.arguments import stream_id

router = APIRouter(tags=["live"])


@router.get("/status")
async def status(console: Here) -> dict[str, Any]:
    """What is going on, in one sentence and in numbers; at most a second old."""
    picture = await console.hub.fresh()
    if picture.away:
        raise Problem(503, "redis-away", picture.away, {"Retry-After": str(AWAY_SECONDS)})
    found: dict[str, Any] = picture.parts["status"]
    return found


@router.get("/events")
async def stream(
    request: Request, console: Here, last_event_id: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """What changes, as server-sent events: `status`, `jobs`, `journal`, `away`, `missed`, `bye`.

    The id of an event is that of an entry of the journal; a stream that is asked for with it in
    `Last-Event-ID` goes on behind it, also after a restart of the console.
    """
    knows = stream_id("Last-Event-ID", last_event_id) if last_event_id else ""
    peer = peer_in(request)

    def is_allowed() -> bool:
        try:
            return identity_in(console, request.scope, peer) is not None
        except Problem:
            return False

    found = events(console.hub, knows, is_allowed, console.clock)
    return StreamingResponse(
        found, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
