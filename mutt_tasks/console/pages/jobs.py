"""Jobs, how far each is, and the trash that they fill."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from mutt_tasks.console.pages.rendering import page, wants_part
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.core.access import CANCEL, UNDO, Identity
from mutt_tasks.core.jobs import ACTIVE, SENDING
from mutt_tasks.core.moments import iso
from mutt_tasks.operations import job_view, jobs, sources
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.sources import TRASH

router = APIRouter()

MOST = 100
_SENDING = frozenset(verb.value for verb in SENDING)
_ACTIVE = frozenset(state.value for state in ACTIVE)


@router.get("/jobs")
def listed(request: Request, console: Here, _who: Who) -> HTMLResponse:
    """The jobs of the last 30 days."""
    looker = console.look()
    found = job_view.each(looker, jobs.listed(looker.store, MOST))
    return page(request, "jobs.html", view={"jobs": found})


@router.get("/jobs/{job_id}")
def one(request: Request, console: Here, who: Who, job_id: str) -> HTMLResponse:
    """One job."""
    return _one(request, console.look(), who, job_id, "job.html")


@router.get("/parts/jobs/{job_id}")
def part(request: Request, console: Here, who: Who, job_id: str) -> HTMLResponse:
    """How far a job is; once it has ended the whole page is to be loaded anew."""
    return _one(request, console.look(), who, job_id, "parts/progress.html")


@router.get("/trash")
def trash(request: Request, console: Here, who: Who) -> HTMLResponse:
    """What jobs threw away, and how long it can be had again."""
    looker = console.look()
    now = looker.store.now()
    kept = [
        {**each, "until": iso(each["until"]), "seconds_left": max(0.0, each["until"] - now)}
        for each in _kept(looker)
    ]
    view = {
        "kept": kept,
        "depth": sum(each["depth"] for each in kept),
        "may_undo": who.may(UNDO),
    }
    return page(request, "trash.html", view=view)


def _one(
    request: Request, looker: Looker, who: Identity, job_id: str, template: str
) -> HTMLResponse:
    job = jobs.get(looker.store, job_id)
    found = job_view.job(looker, job)
    is_active = found["state"] in _ACTIVE
    in_trash = sum(each["depth"] for each in _kept(looker) if each["job"] == job_id)
    view = {
        "is_active": is_active,
        "is_ending": job.is_cancelled,
        "may_cancel": who.may(CANCEL),
        "may_undo": who.may(UNDO),
        "in_trash": 0 if is_active else in_trash,
        "held": found["held_because"] if is_active else "",
        **progress(found),
    }
    shown = page(request, template, job=found, view=view)
    if wants_part(request) and not is_active:
        shown.headers["HX-Refresh"] = "true"
    return shown


def progress(job: dict[str, Any]) -> dict[str, Any]:
    """A job's counts as parts of a bar that is 100 wide, each with its name and amount."""
    counts = job["counts"]
    is_sending = job["verb"] in _SENDING
    named = [
        ("done", "stuck" if is_sending else "done", counts["stuck" if is_sending else "done"]),
        ("under-way", "under way", counts["under_way"]),
        ("back", "came back", counts["came_back"]),
        ("off", "gone or skipped", counts["gone"] + counts["skipped"]),
        ("left", "left", counts["left"]),
    ]
    parts, at = [], 0.0
    for kind, _, amount in named[:-1]:
        width = round(100 * amount / max(1, counts["planned"]), 2)
        parts.append({"kind": kind, "from": at, "width": width})
        at += width
    legend = [
        {"kind": kind, "name": name, "amount": amount}
        for kind, name, amount in named
        if amount or kind in ("done", "left")
    ]
    says = ", ".join(f"{each['amount']:,} {each['name']}" for each in legend)
    return {"parts": parts, "legend": legend, "progress_says": says}


def _kept(looker: Looker) -> list[dict[str, Any]]:
    """What lies in the trash, by job and list; what is removed first comes first."""
    lists = sources.looked_into(looker.store, looker.settings, (TRASH,))
    lengths = looker.store.listings.lengths([each.parts for each in lists])
    told = {each.id: each for each in jobs.listed(looker.store, MOST)} if lists else {}
    return [
        {
            "job": each.job,
            "lay_in": each.lay_in,
            "depth": length,
            "until": each.until,
            "actor": told[each.job].actor if each.job in told else "",
            "reason": told[each.job].reason if each.job in told else "",
        }
        for each, length in zip(lists, lengths, strict=True)
    ]
