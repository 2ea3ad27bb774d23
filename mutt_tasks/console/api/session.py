"""Log in, log out, and who one is."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from mutt_tasks.console.answers import Json
from mutt_tasks.console.login import log_in, log_out
from mutt_tasks.console.models.standing import Login
from mutt_tasks.console.models.standing import Who as WhoShown
from mutt_tasks.console.permission import Here
from mutt_tasks.console.problems import Problem
from mutt_tasks.core.access import PERMISSIONS, Identity

router = APIRouter(prefix="/session", tags=["access"])


@router.get("", response_model=WhoShown)
async def who(request: Request) -> Response:
    """Who asks, and what that one may do."""
    found: Identity | None = request.scope["identity"]
    if found is None:
        raise Problem(401, "no-key", "nobody is logged in")
    return Json(shown(found))


@router.post("", response_model=WhoShown)
async def begin(request: Request, console: Here, login: Login) -> Response:
    """Log in with a key, for a cookie that only the browser can read."""
    cookies = Response()
    response = Json(shown(log_in(console, request, login.key, cookies)))
    for cookie in cookies.headers.getlist("set-cookie"):
        response.headers.append("set-cookie", cookie)
    return response


@router.delete("", status_code=204)
async def end(request: Request, console: Here) -> Response:
    """Log out."""
    response = Response(status_code=204)
    log_out(console, request, response)
    return response


def shown(identity: Identity) -> dict[str, Any]:
    """Somebody, with the reason for each thing that is not allowed."""
    return {
        "name": identity.name,
        "role": identity.role,
        "known_by": identity.known_by,
        "may": sorted(identity.permissions),
        "may_not": {
            name: identity.why_not(name) for name in sorted(PERMISSIONS - identity.permissions)
        },
    }
