"""Edit one message: its text, then the change, then the job that makes it."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mutt_tasks.console.acting import Actor
from mutt_tasks.console.context import Console
from mutt_tasks.console.pages.rendering import page
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.core.access import BODIES, EDIT
from mutt_tasks.core.identity import digest as digest_of
from mutt_tasks.errors import NotFound, Refused, SetChanged
from mutt_tasks.operations import editing, looking
from mutt_tasks.operations.looking import Entry, Looker, Progress

router = APIRouter()

Line = Annotated[str, Form(max_length=1000)]


@router.get("/messages/{message_id}/edit")
async def draft(
    request: Request,
    console: Here,
    who: Who,
    message_id: str,
    route: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """The text of a message, with placeholders for its credentials."""
    actor = Actor(console, who)

    def work(progress: Progress) -> dict[str, Any]:
        _check(actor, message_id)
        looker, entry = _found(console, progress, message_id, route)
        return _view(entry, _text(editing.draft(looker, entry).shown))

    return page(request, "edit.html", view=await console.scans.run(request, work))


@router.post("/messages/{message_id}/edit")
async def change(
    http: Request,
    console: Here,
    who: Who,
    message_id: str,
    text: Annotated[str, Form()] = "",
    route: Line = "",
    digest: Line = "",
    reason: Line = "",
    sure: Line = "",
    request: Line = "",
) -> Response:
    """Show what would change, or have it changed."""
    actor = Actor(console, who, request)

    def work(progress: Progress) -> dict[str, Any]:
        _check(actor, message_id)
        looker, entry = _found(console, progress, message_id, route)
        if digest_of(entry.raw) != digest:
            raise SetChanged(f"{message_id} is another message by now: begin anew")
        # Forms end lines with CR LF.
        edited = text.replace("\r\n", "\n").encode()
        view = _view(entry, text)
        try:
            payload = editing.finished(looker, entry, editing.draft(looker, entry), edited)
        except Refused as why:
            return {**view, "error": str(why)}
        if sure:
            job = editing.submit(looker, entry, payload, actor.order(reason))
            return {**view, "job": job.id}
        lines = editing.differences(looker, entry.raw, payload)
        return {**view, "diff": [_line(each) for each in lines[2:] or lines]}

    view = await console.scans.run(http, work)
    if view["job"]:
        return RedirectResponse(f"/jobs/{view['job']}", 303)
    return page(http, "edit.html", 422 if view["error"] else 200, view=view)


def _check(actor: Actor, message_id: str) -> None:
    for permission in (BODIES, EDIT):
        actor.check(permission, message_id)


def _found(
    console: Console, progress: Progress, message_id: str, route: str
) -> tuple[Looker, Entry]:
    looker = console.look(progress)
    entry = looking.find(looker, message_id, (route,) if route else ())
    if entry is None:
        raise NotFound(f"{message_id} is not on the lists (any more)")
    return looker, entry


def _text(shown: bytes) -> str:
    try:
        return shown.decode()
    except ValueError:
        raise Refused(
            "its bytes are no text, which a page cannot hand back unchanged: `mutt-dlq edit` can"
        ) from None


def _view(entry: Entry, text: str) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "route": entry.source.name,
        "digest": digest_of(entry.raw),
        "text": text,
        "diff": [],
        "error": "",
        "job": "",
    }


def _line(text: str) -> dict[str, str]:
    is_change = text[:1] in ("+", "-")
    return {"kind": text[0] if is_change else "", "text": text[1:] if is_change else text}
