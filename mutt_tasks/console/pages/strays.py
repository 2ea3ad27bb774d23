"""Addresses that take forms alone, where somebody reloads one or comes from a login: the page."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse

router = APIRouter()

_PAGES = {
    "/plans": "/messages",
    "/resume": "/pause",
    "/logout": "/",
    "/notes": "/messages",
    "/acks": "/groups",
}


@router.get("/plans")
@router.get("/resume")
@router.get("/logout")
@router.get("/notes")
@router.get("/acks")
def form(request: Request) -> RedirectResponse:
    """The page that such a form stands on."""
    return RedirectResponse(_PAGES[request.url.path], 303)


@router.get("/jobs/{job_id}/cancel")
@router.get("/jobs/{job_id}/undo")
@router.get("/messages/{message_id}/raw")
def part_of(request: Request) -> RedirectResponse:
    """The page of the job or message."""
    page = request.url.path.rpartition("/")[0]
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{page}{query}", 303)
