"""What every call that looks at messages may be asked with."""

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from mutt_tasks.console import messages
from mutt_tasks.console.answers import Json
from mutt_tasks.console.context import Console
from mutt_tasks.console.messages import MOST_SEEN, Grouped, Reader
from mutt_tasks.console.models.base import CURSOR
from mutt_tasks.core.access import Identity
from mutt_tasks.operations.looking import Wanted

_Where = Annotated[
    str, Field(max_length=1000, examples=["host:rtr-7* age>2h"], description="a filter")
]
_Limit = Annotated[int, Field(ge=1, le=500)]
_Bodies = Annotated[bool, Field(description="whether to show what messages say; that is audited")]


class _Listing(BaseModel):
    where: _Where = ""
    limit: _Limit = 50
    newest: bool = False
    cursor: Annotated[
        str, Field(pattern=CURSOR, description="go on where an earlier page ended")
    ] = ""
    bodies: _Bodies = True

    def answer(self, console: Console, who: Identity, name: str) -> Response:
        """A page of the list with this name."""
        most_seen = MOST_SEEN if self.where else None
        wanted = Wanted(
            (name,),
            self.where,
            self.limit,
            most_seen,
            is_newest_first=self.newest,
            cursor=self.cursor,
        )
        return Json(messages.page(Reader(console, who, self.bodies), wanted))


class _Looking(BaseModel):
    raw: Annotated[bool, Field(description="its bytes, too, without credentials")] = False
    bodies: _Bodies = True

    async def answer(
        self, request: Request, console: Console, who: Identity, *, where: tuple[str, ...], id_: str
    ) -> Response:
        """The message with this id, on the lists with these names."""
        reader = Reader(console, who, self.bodies)
        found: dict[str, Any] = await console.scans.run(
            request, lambda progress: messages.message(reader, progress, id_, where, raw=self.raw)
        )
        return Json(found)


class _Grouping(BaseModel):
    where: _Where = ""
    exact: Annotated[bool, Field(description="look at every message, which takes long")] = False
    limit: _Limit = 50

    async def answer(
        self, request: Request, console: Console, who: Identity, names: tuple[str, ...]
    ) -> Response:
        """The groups of the lists with these names."""
        wanted, reader = Grouped(names, self.where, self.exact, self.limit), Reader(console, who)
        found: dict[str, Any] = await console.scans.run(
            request, lambda progress: messages.groups(reader, progress, wanted)
        )
        return Json(found)


Listing = Annotated[_Listing, Query()]
Looking = Annotated[_Looking, Query()]
Grouping = Annotated[_Grouping, Query()]
