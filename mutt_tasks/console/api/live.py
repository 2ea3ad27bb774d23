"""How things stand: once, as a stream, and against what is promised."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response, StreamingResponse

from mutt_tasks.console.answers import Json
from mutt_tasks.console.identity import identity_in, peer_in
from mutt_tasks.console.models.standing import Levels, Status
from mutt_tasks.console.permission import Here
from mutt_tasks.console.problems import AWAY_SECONDS, Problem
from mutt_tasks.console.stream import events
from mutt_tasks.errors import ExtraMissing, InvalidArgument
from mutt_tasks.operations.arguments import stream_id

_EXAMPLE = """\
retry: 2000

event: status
data: {"sentence": "replaying alerter 41/s, empty in about 9 min", "routes": {}}

event: journal
id: 1764213255926-0
data: {"id": "1764213255926-0", "event": "moved", "sentence": "41 replayed"}

"""

router = APIRouter(tags=["live"])


@router.get("/status", response_model=Status)
async def status(console: Here) -> Response:
    """What is going on, in one sentence and in numbers; at most two seconds old."""
    picture = await console.hub.fresh()
    if picture.away:
        raise Problem(503, "redis-away", picture.away, {"Retry-After": str(AWAY_SECONDS)})
    return Json(picture.parts["status"])


@router.get("/slo", response_model=Levels)
def slo(console: Here) -> Response:
    """Which objectives are kept, and how fast their error budgets are used up.

    From Prometheus where `PROMETHEUS_URL` is set, else from what Redis holds.
    """
    try:
        return Json(console.levels().as_json())
    except (InvalidArgument, ExtraMissing) as error:
        # Whoever asks cannot mend the file of objectives.
        raise Problem(503, "no-objectives", str(error)) from None


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"example": _EXAMPLE}}}},
)
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
