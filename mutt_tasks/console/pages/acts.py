"""Acting: a plan is shown, then had done; jobs are looked at, ended, taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mutt_tasks.console import acting
from mutt_tasks.console.acting import Actor, JobWanted
from mutt_tasks.console.pages.rendering import page, wants_part
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.console.problems import Problem
from mutt_tasks.core.plan import PLANNED, Verb
from mutt_tasks.operations.planning import Selection

router = APIRouter()

_PAST = {
    "replay": "replayed",
    "requeue": "requeued",
    "discard": "discarded",
    "redirect": "redirected",
}
_SAYS = {
    "replay": "They go to their queue again, before all others, if Moogsoft is healthy.",
    "requeue": "They get a fresh start in their own route; their counters are set to 0.",
    "discard": "They go to the trash. Undo brings them back for 7 days.",
    "redirect": "They are moved as they lie; nothing of ours looks after them there.",
}
_SCOPES = ("ids", "where", "all")
_PACED = frozenset({Verb.REPLAY.value, Verb.REQUEUE.value})

Line = Annotated[str, Form(max_length=1000)]


@router.post("/plans")
async def plan(
    request: Request,
    console: Here,
    who: Who,
    verb: Line = "",
    scope: Line = "ids",
    route: Line = "",
    where: Line = "",
    destination: Line = "",
    id: Annotated[list[str], Form(max_length=1000)] = [],  # noqa: B006
) -> HTMLResponse:
    """Freeze what was chosen, and show what would be done; nothing is moved."""
    meant = _selection(verb, scope, id, route=route, where=where, destination=destination)
    actor = Actor(console, who)
    found = await console.scans.run(
        request, lambda progress: acting.make_plan(actor, progress, meant)
    )
    template = "parts/dialog.html" if wants_part(request) else "plan.html"
    return page(
        request,
        template,
        plan=found,
        says=_SAYS[found["verb"]],
        past=_PAST[found["verb"]],
        is_paced=found["verb"] in _PACED,
    )


@router.post("/jobs")
def submit(
    console: Here,
    who: Who,
    plan: Line = "",
    etag: Line = "",
    reason: Line = "",
    request: Line = "",
    stop_after: Line = "",
    rate: Line = "",
    typed: Line = "",
) -> Response:
    """Have exactly this plan done."""
    _check_typed(acting.plan(console, plan), typed)
    wanted = JobWanted(
        plan,
        etag,
        reason,
        stop_after=_whole("stop after", stop_after) if stop_after else None,
        rate=_number("at most a second", rate) if rate else None,
        queue_while_paused=True,
    )
    job, _ = acting.submit(Actor(console, who, request), wanted)
    return RedirectResponse(f"/jobs/{job['id']}", 303)


@router.post("/jobs/{job_id}/cancel")
def cancel(console: Here, who: Who, job_id: str, reason: Line = "") -> Response:
    """End a job where it is."""
    acting.cancel(Actor(console, who), job_id, reason)
    return RedirectResponse(f"/jobs/{job_id}", 303)


@router.post("/jobs/{job_id}/undo")
def undo(console: Here, who: Who, job_id: str, reason: Line = "", request: Line = "") -> Response:
    """Put back what a job took."""
    job = acting.undo(Actor(console, who, request), job_id, reason)
    return RedirectResponse(f"/jobs/{job['id']}", 303)


def _selection(
    verb: str, scope: str, ids: list[str], *, route: str, where: str, destination: str
) -> Selection:
    if verb not in [each.value for each in PLANNED]:
        raise Problem(422, "invalid-argument", f"verb: accepts {', '.join(PLANNED)}")
    if scope not in _SCOPES:
        raise Problem(422, "invalid-argument", f"scope: accepts {', '.join(_SCOPES)}")
    if scope == "where" and not where.strip():
        raise Problem(422, "invalid-argument", "no filter is given: give one, or choose all")
    if scope == "ids" and not ids:
        raise Problem(422, "invalid-argument", "no message is ticked: tick some, or choose all")
    routes = (route,) if route else ()
    to = destination if verb == Verb.REDIRECT.value else ""
    if scope == "ids":
        return Selection(Verb(verb), tuple(ids), routes=routes, destination=to, skips_gone=True)
    filter_text = where if scope == "where" else ""
    return Selection(Verb(verb), (), filter_text, scope == "all", routes, destination=to)


def _check_typed(plan: dict[str, Any], typed: str) -> None:
    """Raise Problem when a large number was not typed."""
    if plan["count"] > acting.MANY and typed.replace(",", "").strip() != str(plan["count"]):
        raise Problem(422, "invalid-argument", f"type {plan['count']} to go on")


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Problem(422, "invalid-argument", f"{name}: accepts a whole number")
    return int(text)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Problem(422, "invalid-argument", f"{name}: accepts a number") from None
