"""How pages are made: templates, with what all of them show."""

from functools import cache
from typing import Any
from uuid import uuid4

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from mutt_tasks.console.addresses import path_in
from mutt_tasks.console.identity import identity_of
from mutt_tasks.console.pages.words import FILTERS, share
from mutt_tasks.release import VERSION

_PAGES = (
    ("Overview", "/"),
    ("Messages", "/messages"),
    ("Dead", "/dead"),
    ("Trash", "/trash"),
    ("Jobs", "/jobs"),
    ("Journal", "/journal"),
    ("Pause", "/pause"),
    ("Access", "/access"),
)
PAGES = tuple({"name": name, "href": href} for name, href in _PAGES)

# What a message says must not turn round what stands beside it. An edit hands back what it shows.
_TURNS = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_HANDS_BACK = "edit.html"


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page; of a part of one only that."""
    return HTMLResponse(rendered(template, request, **values), status)


def rendered(template: str, request: Request | None = None, **values: Any) -> str:
    """What a template makes of some values; of a request also who asks, and for which page."""
    shared = {} if request is None else _shared(request)
    html = _environment().get_template(template).render({**shared, **values})
    return html if template == _HANDS_BACK else html.translate(_TURNS)


def wants_part(request: Request) -> bool:
    """Whether a script asks, to put the answer into a page that is there."""
    return request.headers.get("HX-Request") == "true"


def _shared(request: Request) -> dict[str, Any]:
    who = request.scope.get("identity")
    return {
        "pages": PAGES,
        "here": request.url.path,
        "who": who and _who(request),
        "version": VERSION,
        "request_id": uuid4().hex,
        "back": path_in(request.headers.get("referer", ""), request.headers.get("host", "")),
    }


def _who(request: Request) -> dict[str, Any]:
    found = identity_of(request)
    return {
        "name": found.name,
        "role": found.role,
        "can_log_out": found.known_by == "console session",
    }


def _static(path: str) -> str:
    """Where a file is; a new release is a new address, so that no browser keeps the old one."""
    return f"/static/{path}?{VERSION}"


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("mutt_tasks.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(FILTERS)
    found.globals.update(static=_static, share=share)
    return found
