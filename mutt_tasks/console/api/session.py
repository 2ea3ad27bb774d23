"""Log in, log out, and who one is."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from mutt_tasks.console.identity import identity_of
from mutt_tasks.console.login import log_in, log_out
from mutt_tasks.console.permission import Here
from mutt_tasks.console.problems import Problem
from mutt_tasks.core.access import PERMISSIONS, Identity

router = APIRouter(prefix="/session", tags=["access"])


class Login(BaseModel):
    """A key, once."""

    key: str = Field(max_length=200)


@router.get("")
async def who(request: Request) -> dict[str, Any]:
    """Who asks, and what that one may do."""
    found = identity_of(request)
    if found is None:
        raise Problem(401, "no-key", "nobody is logged in")
    return shown(found)


@router.post("")
async def begin(request: Request, console: Here, login: Login) -> Response:
    """Log in with a key, for a cookie that only the browser can read."""
    response = JSONResponse({})
    identity = log_in(console, request, login.key, response)
    body = JSONResponse(shown(identity))
    body.raw_headers += [pair for pair in response.raw_headers if pair[0] == b"set-cookie"]
    return body


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
