"""The inspection API of the dead letter queues, by the names that MUTT's users know them by.

`{queue}` is a route's name or the list's key: `alerter` or `mutt:dlq:alerter`.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from mutt_tasks.console.answers import Json, fails
from mutt_tasks.console.api.asked import Grouping, Listing, Looking
from mutt_tasks.console.api.messages import MessageIdPath
from mutt_tasks.console.context import Console
from mutt_tasks.console.models.messages import GroupPage, MessagePage, WholeMessage
from mutt_tasks.console.models.standing import DeadLetterQueues
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.errors import NotFound

router = APIRouter(prefix="/dlq", tags=["dead letter queues"])

Queue = Annotated[str, Path(max_length=512, examples=["mutt:dlq:alerter"])]


@router.get("", response_model=DeadLetterQueues)
def queues(console: Here, _who: Who) -> Response:
    """The dead letter queues, how long they are, and where they are replayed to."""
    depths = console.look().store.listings.lengths([source.parts for source in console.lists])
    found = [
        {
            "name": source.name,
            "list": source.key,
            "depth": depth,
            "target": source.route.target if source.route else None,
        }
        for source, depth in zip(console.lists, depths, strict=True)
    ]
    return Json({"queues": found})


@router.get("/{queue}/messages", response_model=MessagePage, responses=fails(403, 404, 410))
def page(console: Here, who: Who, queue: Queue, asked: Listing) -> Response:
    """Messages of a dead letter queue, the oldest first, or the newest."""
    return asked.answer(console, who, _name(console, queue))


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
    asked: Looking,
) -> Response:
    """One message of a dead letter queue."""
    names = (_name(console, queue),)
    return await asked.answer(request, console, who, where=names, id_=message_id)


@router.get("/{queue}/groups", response_model=GroupPage, responses=fails(403, 404, 410))
async def groups(
    request: Request, console: Here, who: Who, queue: Queue, asked: Grouping
) -> Response:
    """Which kinds of messages there are in a dead letter queue."""
    return await asked.answer(request, console, who, (_name(console, queue),))


def _name(console: Console, queue: str) -> str:
    """The name of a queue; raises NotFound."""
    for source in console.lists:
        if queue in (source.name, source.key):
            return source.name
    raise NotFound(f"there is no dead letter queue {queue!r:.80}")
