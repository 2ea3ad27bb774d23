"""Messages: page by page, and one whole."""

import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from mutt_tasks.console import messages
from mutt_tasks.console.messages import MOST_SEEN, Reader
from mutt_tasks.console.pages.rendering import page
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.core.access import ACK, BODIES, EDIT, NOTE, Identity
from mutt_tasks.core.plan import Verb
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import sources
from mutt_tasks.operations.looking import Looker, Progress, Wanted
from mutt_tasks.operations.sources import DEAD, TRASH

router = APIRouter()

MOST = 50
# What can be done with the messages of a list, besides redirecting them.
_VERBS = {DEAD: (Verb.REQUEUE, Verb.DISCARD), TRASH: ()}
_OF_ROUTES = (Verb.REPLAY, Verb.DISCARD)
_EMPTY = {
    DEAD: ("No dead letters", "What fails too often, or cannot be delivered at all, comes here."),
    TRASH: ("The trash is empty", "What is discarded, or changed by an edit, comes here first."),
}
_NOTHING = ("Nothing waits here", "What the pipeline cannot deliver comes here, and is replayed.")

Text = Annotated[str, Query(max_length=1000)]


@router.get("/messages")
def listed(
    request: Request,
    console: Here,
    who: Who,
    route: Text = "",
    where: Text = "",
    order: Text = "",
    cursor: Text = "",
) -> HTMLResponse:
    """A page of messages of one list, or of all but the trash."""
    wanted = _wanted(route, where, order, cursor)
    return _list(request, Reader(console, who), "/messages", wanted)


@router.get("/dead")
def dead(
    request: Request,
    console: Here,
    who: Who,
    where: Text = "",
    order: Text = "newest",
    cursor: Text = "",
) -> HTMLResponse:
    """A page of dead letters, the newest first."""
    return _list(request, Reader(console, who), "/dead", _wanted(DEAD, where, order, cursor))


@router.get("/messages/{message_id}")
async def one(
    request: Request, console: Here, who: Who, message_id: str, route: Text = ""
) -> HTMLResponse:
    """One message."""
    return await _one(request, Reader(console, who), message_id, route)


@router.post("/messages/{message_id}/raw")
async def raw(
    request: Request, console: Here, who: Who, message_id: str, route: Text = ""
) -> HTMLResponse:
    """One message with its bytes; the audit says who looked."""
    return await _one(request, Reader(console, who), message_id, route, is_raw=True)


def _wanted(route: str, where: str, order: str, cursor: str) -> Wanted:
    return Wanted(
        (route,) if route else (),
        where.strip(),
        MOST,
        MOST_SEEN if where.strip() else None,
        is_newest_first=order == "newest",
        cursor=cursor,
    )


def _list(request: Request, reader: Reader, action: str, wanted: Wanted) -> HTMLResponse:
    looker = reader.console.look()
    route = wanted.routes[0] if wanted.routes else ""
    error, found = "", None
    try:
        found = messages.page(reader, wanted)
    except InvalidArgument as wrong:
        error, found = str(wrong), {"messages": [], "cursor": None, "seen": 0, "length": None}
    query = {"where": wanted.where, "order": "newest" if wanted.is_newest_first else "oldest"}
    if action == "/messages":
        query["route"] = route
    view = {
        "action": action,
        "title": _title(route),
        "route": route,
        "where": wanted.where,
        "is_newest_first": wanted.is_newest_first,
        "is_trash": route == TRASH,
        "lists": [*_names(looker), TRASH] if action == "/messages" else [],
        "group_query": urlencode({"route": route, "where": wanted.where}),
        "verbs": verbs_for(looker, route, reader.who),
        "destinations": looker.settings.lists.redirect_queues,
        "messages": [_row(each) for each in found["messages"]],
        "seen": found["seen"],
        "length": found["length"],
        "error": error,
        "has_reasons": route == DEAD,
        "empty": _empty(route, wanted.where, found["seen"]),
        "first": f"{action}?{urlencode(query)}" if wanted.cursor else "",
        "next": f"{action}?{urlencode({**query, 'cursor': found['cursor']})}"
        if found["cursor"]
        else "",
    }
    return page(request, "messages.html", 422 if error else 200, view=view)


async def _one(
    request: Request, reader: Reader, message_id: str, route: str, *, is_raw: bool = False
) -> HTMLResponse:
    routes = (route,) if route else ()

    def work(progress: Progress) -> tuple[dict[str, Any], Looker]:
        found = messages.message(reader, progress, message_id, routes, raw=is_raw)
        return found, reader.console.look()

    found, looker = await reader.console.scans.run(request, work)
    found["headline"] = _row(found)["headline"]
    who = reader.who
    fields = {name: part for name, part in found["fields"].items() if name != "_remediation"}
    view = {
        "verbs": verbs_for(looker, found["route"], who, is_one=True),
        "destinations": looker.settings.lists.redirect_queues,
        "can_edit": found["route"] != TRASH,
        "may_edit": who.may(EDIT) and who.may(BODIES),
        "may_see_bodies": found["bodies"],
        "may_see_raw": who.may(BODIES),
        "may_note": who.may(NOTE) and who.may(ACK),
        "fields": [(name, _written(part)) for name, part in fields.items()],
        "header": json.dumps(found["header"], indent=1, ensure_ascii=False),
        "raw": found.get("raw"),
        "subject": found["id"],
        "group": found["group"],
        "here": f"/messages/{found['id']}?route={found['route']}",
    }
    return page(request, "message.html", message=found, view=view)


def verbs_for(
    looker: Looker, route: str, who: Identity, *, is_one: bool = False
) -> list[dict[str, Any]]:
    """What can be done with messages of a list, and whether somebody may do it."""
    verbs = _VERBS.get(route, _OF_ROUTES if route or is_one else (*_OF_ROUTES, Verb.REQUEUE))
    if verbs and looker.settings.lists.redirect_queues:
        verbs = (*verbs, Verb.REDIRECT)
    return [{"name": verb.value, "may": who.may(verb.value)} for verb in verbs]


def _names(looker: Looker) -> list[str]:
    return [source.name for source in sources.all_of(looker.settings)]


def _title(route: str) -> str:
    return {"": "Messages", DEAD: "Dead letters", TRASH: "Trash"}.get(route, f"Waiting in {route}")


def _row(message: dict[str, Any]) -> dict[str, Any]:
    """A message with what stands for it in a list."""
    host = message["fields"].get("hostname")
    text = message["text"]
    hidden = "" if message["bodies"] else message["id"]
    return {**message, "headline": hidden or (f"{host}: {text}" if _is_name(host) else text)}


def _is_name(host: object) -> bool:
    return isinstance(host, str) and bool(host)


def _empty(route: str, where: str, seen: int) -> dict[str, str]:
    if where:
        return {"title": "None matches", "text": f"{seen:,} messages were looked at."}
    title, text = _EMPTY.get(route, _NOTHING)
    return {"title": title, "text": text}


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
