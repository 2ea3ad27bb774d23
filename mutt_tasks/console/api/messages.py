"""Messages, one and many, and groups of them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from mutt_tasks.console.answers import fails
from mutt_tasks.console.api.asked import Grouping, Listing, Looking
from mutt_tasks.console.models.base import MESSAGE_ID
from mutt_tasks.console.models.messages import GroupPage, MessagePage, WholeMessage
from mutt_tasks.console.permission import Here, Who

router = APIRouter(tags=["messages"])

ListName = Literal["alerter", "moog", "dead", "trash"]
MessageIdPath = Annotated[str, Path(pattern=rf"^{MESSAGE_ID}$", examples=["m-3f2a9c01d4e7"])]
Lists = Annotated[list[ListName], Query(description="no name: all but the trash")]


@router.get("/routes/{route}/messages", response_model=MessagePage, responses=fails(403, 410))
def page(console: Here, who: Who, route: ListName, asked: Listing) -> Response:
    """Messages of a list, those that go next first, or the newest.

    Cursors stay true while messages come and go at both ends of the list.
    """
    return asked.answer(console, who, route)


@router.get("/messages/{message_id}", response_model=WholeMessage, responses=fails(403, 404, 410))
async def one(
    request: Request,
    console: Here,
    who: Who,
    message_id: MessageIdPath,
    asked: Looking,
    route: Lists = [],  # noqa: B006
) -> Response:
    """One message: why it is here, what comes next, and what the journal knows of it."""
    return await asked.answer(request, console, who, where=tuple(route), id_=message_id)


@router.get("/groups", response_model=GroupPage, responses=fails(403, 410))
async def groups(
    request: Request,
    console: Here,
    who: Who,
    asked: Grouping,
    route: Lists = [],  # noqa: B006
) -> Response:
    """Which kinds of messages there are; of long lists estimated from a sample."""
    return await asked.answer(request, console, who, tuple(route))
