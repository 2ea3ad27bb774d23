"""What people see when something is wrong."""

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from mutt_tasks.console.pages.rendering import rendered, wants_part
from mutt_tasks.console.problems import Problem

_TITLES = {
    "redis-away": "Redis is away",
    "redis-refuses": "Redis refuses",
    "forbidden": "Your role may not do this",
    "not-found": "It is not there (any more)",
    "set-changed": "The plan is not good any more",
    "place-lost": "The list has moved on",
    "refused": "This was refused",
    "key-used": "This was sent already",
    "foreign-origin": "This comes from another site",
    "too-many": "Too much at once",
    "invalid-argument": "Something is missing or wrong",
}

# What the framework says in its own words.
_DETAILS = {("not-found", "Not Found"): "There is no such page."}


def page_of(request: Request, problem: Problem) -> Response:
    """A problem as a page, or as a dialog where a script asks."""
    known = _TITLES.get(problem.kind, "This did not work")
    detail = _DETAILS.get((problem.kind, problem.detail), problem.detail)
    shown = {"title": known, "detail": detail, "status": problem.status_code}
    template = "parts/problem.html" if wants_part(request) else "problem.html"
    html = rendered(template, request, problem=shown)
    return HTMLResponse(html, problem.status_code, problem.headers)
