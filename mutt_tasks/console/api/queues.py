"""The inspection API of the dead letter queues, by the names that MUTT's users know them by.

`{queue}` is a route's name or the list's key: `alerter` or `mutt:dlq:alerter`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from mutt_tasks.console import messages
from mutt_tasks.console.answers import Json, fails
from mutt_tasks.console.api.messages import Bodies, MessageIdPath, Place, Where
from mutt_tasks.console.messages import MOST_SEEN, Grouped, Reader
from mutt_tasks.console.models.messages import GroupPage, MessagePage, WholeMessage
from mutt_tasks.console.models.standing import DeadLetterQueues
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.errors import NotFound
from mutt_tasks.operations import sources
from mutt_tasks.operations.looking import Looker, Wanted

router = APIRouter(prefix="/dlq", tags=["dead letter queues"])

Queue = Annotated[str, Path(max_length=512, examples=["mutt:dlq:alerter"])]


@router.get("", response_model=DeadLetterQueues)
def queues(console: Here, _who: Who) -> Response:
    """The dead letter queues, how long they are, and where they are replayed to."""
    looker = console.look()
    known = sources.all_of(looker.settings)
    depths = looker.store.listings.lengths([source.key for source in known])
    found = [
        {
            "name": source.name,
            "list": source.key,
            "depth": depth,
            "target": source.route.target if source.route else None,
        }
        for source, depth in zip(known, depths, strict=True)
    ]
    return Json({"queues": found})


@router.get("/{queue}/messages", response_model=MessagePage, responses=fails(403, 404, 410))
def page(
    console: Here,
    who: Who,
    queue: Queue,
    where: Where = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    newest: bool = False,
    cursor: Place = "",
    bodies: Bodies = True,
) -> Response:
    """Messages of a dead letter queue, the oldest first, or the newest."""
    name = _name(console.look(), queue)
    most_seen = MOST_SEEN if where else None
    wanted = Wanted((name,), where, limit, most_seen, is_newest_first=newest, cursor=cursor)
    return Json(messages.page(Reader(console, who, bodies), wanted))


@router.get(
    "/{queue}/messages/{message_id}",
    response_model=WholeMessage,
    responses=fails(403, 404, 410),
)
async def one(
    request: Request,
    console: Here,
    who: Who,
    queue: Queue,
    message_id: MessageIdPath,
    raw: Annotated[bool, Query(description="its bytes, too, without credentials")] = False,
    bodies: Bodies = True,
) -> Response:
    """One message of a dead letter queue."""
    reader = Reader(console, who, bodies)
    found: dict[str, Any] = await console.scans.run(
        request,
        lambda progress: messages.message(
            reader, progress, message_id, (_name(console.look(), queue),), raw=raw
        ),
    )
    return Json(found)


@router.get("/{queue}/groups", response_model=GroupPage, responses=fails(403, 404, 410))
async def groups(
    request: Request,
    console: Here,
    who: Who,
    queue: Queue,
    where: Where = "",
    exact: Annotated[bool, Query(description="look at every message, which takes long")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Which kinds of messages there are in a dead letter queue."""
    reader = Reader(console, who)
    found: dict[str, Any] = await console.scans.run(
        request,
        lambda progress: messages.groups(
            reader, progress, Grouped((_name(console.look(), queue),), where, exact, limit)
        ),
    )
    return Json(found)


def _name(looker: Looker, queue: str) -> str:
    """The name of a queue; raises NotFound."""
    for source in sources.all_of(looker.settings):
        if queue in (source.name, source.key):
            return source.name
    raise NotFound(f"there is no dead letter queue {queue!r:.80}")
