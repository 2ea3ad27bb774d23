"""Log in and out, and what one's role may do."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mutt_tasks.console.addresses import own_path
from mutt_tasks.console.login import log_in, log_out
from mutt_tasks.console.pages.rendering import page
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.console.problems import Problem
from mutt_tasks.core.access import PERMISSIONS, ROLES

router = APIRouter()

_MEANS = {
    "view": "See how things stand: depths, groups, ids, journal, audit",
    "bodies": "See what messages say, in lists, pages and exports",
    "note": "Write notes",
    "ack": "Acknowledge groups",
    "plan": "Freeze a selection, and see what would be done",
    "replay": "Replay what waits in dead letter queues",
    "requeue": "Requeue dead letters",
    "discard": "Discard into the trash",
    "redirect": "Redirect to another queue",
    "edit": "Edit one message",
    "undo": "Undo a discard or an edit",
    "cancel": "Cancel jobs",
    "pause": "Pause and resume",
}


@router.get("/login")
def login(request: Request, console: Here, next: str = "/") -> HTMLResponse:
    """The form."""
    return _form(request, console, next)


@router.post("/login")
def logged_in(
    request: Request,
    console: Here,
    key: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=4000)] = "/",
) -> Response:
    """Log in, and go where one wanted to."""
    response = RedirectResponse(own_path(next), 303)
    try:
        log_in(console, request, key.strip(), response)
    except Problem as problem:
        if problem.status_code not in (401, 429):
            raise
        return _form(request, console, next, problem)
    return response


@router.post("/logout")
def logged_out(request: Request, console: Here) -> Response:
    """Log out."""
    response = RedirectResponse("/login", 303)
    log_out(console, request, response)
    return response


@router.get("/access")
def access(request: Request, console: Here, who: Who) -> HTMLResponse:
    """What everybody's role may do."""
    listed = [
        {
            "name": _MEANS.get(name, name),
            "may": who.may(name),
            "roles": [name in allowed for allowed in ROLES.values()],
        }
        for name in sorted(PERMISSIONS, key=_order)
    ]
    view = {
        "roles": list(ROLES),
        "permissions": listed,
        "known_by": who.known_by,
        "is_open": console.keys.is_open(),
    }
    return page(request, "access.html", view=view)


def _form(
    request: Request, console: Here, target: str, problem: Problem | None = None
) -> HTMLResponse:
    view = {
        "next": own_path(target),
        "error": problem.detail if problem else "",
        "has_keys": not console.keys.is_open(),
    }
    status = problem.status_code if problem else 200
    answer = page(request, "login.html", status, view=view)
    answer.headers.update((problem.headers if problem else None) or {})
    return answer


def _order(name: str) -> int:
    names = list(_MEANS)
    return names.index(name) if name in names else len(names)
