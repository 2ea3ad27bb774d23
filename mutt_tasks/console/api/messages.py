"""Messages, one and many, and groups of them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from mutt_tasks.console import messages
from mutt_tasks.console.answers import Json, fails
from mutt_tasks.console.messages import MOST_SEEN, Grouped, Reader
from mutt_tasks.console.models.base import CURSOR, MESSAGE_ID
from mutt_tasks.console.models.messages import GroupPage, MessagePage, WholeMessage
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.operations.looking import Wanted

router = APIRouter(tags=["messages"])

ListName = Literal["alerter", "moog", "dead", "trash"]
MessageIdPath = Annotated[str, Path(pattern=rf"^{MESSAGE_ID}$", examples=["m-3f2a9c01d4e7"])]
Lists = Annotated[list[ListName], Query(description="no name: all but the trash")]
Where = Annotated[
    str, Query(max_length=1000, examples=["host:rtr-7* age>2h"], description="a filter")
]
Place = Annotated[str, Query(pattern=CURSOR, description="go on where an earlier page ended")]
Bodies = Annotated[bool, Query(description="whether to show what messages say; that is audited")]


@router.get("/routes/{route}/messages", response_model=MessagePage, responses=fails(403, 410))
def page(
    console: Here,
    who: Who,
    route: ListName,
    where: Where = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    newest: bool = False,
    cursor: Place = "",
    bodies: Bodies = True,
) -> Response:
    """Messages of a list, those that go next first, or the newest.

    Cursors stay true while messages come and go at both ends of the list.
    """
    most_seen = MOST_SEEN if where else None
    wanted = Wanted((route,), where, limit, most_seen, is_newest_first=newest, cursor=cursor)
    return Json(messages.page(Reader(console, who, bodies), wanted))


@router.get("/messages/{message_id}", response_model=WholeMessage, responses=fails(403, 404, 410))
async def one(
    request: Request,
    console: Here,
    who: Who,
    message_id: MessageIdPath,
    route: Lists = [],  # noqa: B006
    raw: Annotated[bool, Query(description="its bytes, too, without credentials")] = False,
    bodies: Bodies = True,
) -> Response:
    """One message: why it is here, what comes next, and what the journal knows of it."""
    reader = Reader(console, who, bodies)
    found: dict[str, Any] = await console.scans.run(
        request,
        lambda progress: messages.message(reader, progress, message_id, tuple(route), raw=raw),
    )
    return Json(found)


@router.get("/groups", response_model=GroupPage, responses=fails(403, 410))
async def groups(
    request: Request,
    console: Here,
    who: Who,
    route: Lists = [],  # noqa: B006
    where: Where = "",
    exact: Annotated[bool, Query(description="look at every message, which takes long")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Which kinds of messages there are; of long lists estimated from a sample."""
    wanted = Grouped(tuple(route), where, exact, limit)
    reader = Reader(console, who)
    found: dict[str, Any] = await console.scans.run(
        request, lambda progress: messages.groups(reader, progress, wanted)
    )
    return Json(found)
