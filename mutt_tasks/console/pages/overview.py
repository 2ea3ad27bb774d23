"""The first screen: one sentence that answers, and what proves it."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from mutt_tasks.console.pages.rendering import page
from mutt_tasks.console.permission import Here
from mutt_tasks.console.picture import Picture
from mutt_tasks.core import limits
from mutt_tasks.core.routes import Route
from mutt_tasks.operations.reasons import LASTING, in_words
from mutt_tasks.operations.status import span

router = APIRouter()

_JOBS, _JOURNAL = 5, 8
# The worker looks at the books every few seconds; after so many nobody knows.
CHECKED_SECONDS = 60.0
_CONSUMERS = {"alerter": "alerter", "moog": "forwarder"}
_MEANS = {
    "window": "what has proved to stick, less what is on its way",
    "credit": "what the queues may hold more",
    "room": "what the forwarder's limiter takes beside live alerts",
    "rate": "how many may go a second",
}


@router.get("/")
async def overview(request: Request, console: Here) -> HTMLResponse:
    """The first screen."""
    picture = await console.hub.fresh()
    found = view(picture, console.clock())
    return page(request, "overview.html", view=found)


def view(picture: Picture, now: float) -> dict[str, Any]:
    """What the first screen shows of a picture, at a moment of this process' clock."""
    status = picture.parts.get("status")
    if status is None:
        return {"away": picture.away or "Redis has not been asked yet", "age": None}
    return {
        "away": picture.away,
        "age": now - picture.taken_at,
        "status": status,
        "headline": status["sentence"][:1].upper() + status["sentence"][1:],
        "state": _state(status),
        "held": _held(status),
        "moogsoft": _moogsoft(status["moogsoft"]),
        "health": _health(status["moogsoft"]),
        "flow": [_route(each, status["routes"][each.name], picture) for each in picture.routes],
        "dead_list": picture.dead_list,
        "dead_change": picture.history.change(picture.dead_list),
        "limits": [
            _bars(name, bound, status["routes"][name])
            for name, bound in picture.parts["limits"].items()
        ],
        "means": list(_MEANS.items()),
        "books": _books(status["books"]),
        "jobs": picture.parts["jobs"][:_JOBS],
        "journal": _journal(picture)[:_JOURNAL],
    }


def _journal(picture: Picture) -> list[Mapping[str, Any]]:
    """The newest entries first, without cycles that say again what was said.

    What a cycle replayed is told for each route by an entry of its own.
    """
    kept: list[Mapping[str, Any]] = []
    for entry in reversed(picture.journal.values()):
        said = (entry["event"], entry["sentence"])
        is_same = bool(kept) and said == (kept[-1]["event"], kept[-1]["sentence"])
        if said[0] != "cycle" or not (is_same or said[1] == "replayed"):
            kept.append(entry)
    return kept


def _state(status: Mapping[str, Any]) -> str:
    routes = status["routes"].values()
    if status["paused"] or status["moogsoft"]["healthy"] is False:
        return "warn"
    if any(route["rate"] for route in routes):
        return "moving"
    if any(route["is_held"] and route["held_by"] in LASTING for route in routes):
        return "warn"
    return "quiet" if any(route["depth"] for route in routes) else "good"


def _held(status: Mapping[str, Any]) -> str:
    """What bounds each route on which something waits, unless the sentence says it."""
    if status["paused"]:
        return ""
    told = {
        name: route["held_by"]
        for name, route in status["routes"].items()
        if route["depth"] and route["rate"] and route["held_by"]
    }
    return "; ".join(f"{name}: {in_words([reason])}" for name, reason in told.items())


def _moogsoft(moogsoft: Mapping[str, Any]) -> str:
    if moogsoft["healthy"] is None:
        return "not asked yet"
    return "is healthy" if moogsoft["healthy"] else f"is NOT healthy ({moogsoft['reason']})"


def _health(moogsoft: Mapping[str, Any]) -> dict[str, str]:
    if moogsoft["healthy"] is None:
        return {"tone": "quiet", "word": "not asked", "reason": "no cycle has asked yet"}
    word, tone = ("healthy", "good") if moogsoft["healthy"] else ("not healthy", "bad")
    return {"tone": tone, "word": word, "reason": moogsoft["reason"]}


def _route(route: Route, found: Mapping[str, Any], picture: Picture) -> dict[str, Any]:
    return {
        **found,
        "name": route.name,
        "source": route.source,
        "target": route.target,
        "consumer": _CONSUMERS.get(route.name, route.name),
        "points": picture.history.points(route.source),
        "speed": picture.history.speed(route.source),
    }


def _bars(name: str, bound: Mapping[str, Any], route: Mapping[str, Any]) -> dict[str, Any]:
    known = [bound[each] for each in ("window", "credit", "room") if bound[each] is not None]
    held = route["held_by"]
    return {
        "name": name,
        "waits": bool(route["depth"]),
        "says": _says(held),
        "most": max([*known, 1]),
        "bars": [
            {
                "name": each,
                "value": bound[each],
                "shown": _amount(bound[each], each),
                "means": means,
                "binds": each == bound["binding"],
            }
            for each, means in _MEANS.items()
        ],
    }


def _says(held: str) -> str:
    return in_words([held]) if held and held != limits.EMPTY else ""


def _amount(value: float | None, name: str) -> str:
    if value is None:
        return "no limit"
    return f"{value:g}/s" if name == "rate" else f"{value:,}"


def _books(books: Mapping[str, Any]) -> dict[str, Any]:
    """What became of everything that arrived, and whether anything left uncounted."""
    dead = sum(books["quarantined"].values())
    terms = [
        {"name": "put back", "amount": books["replayed"]},
        {"name": "set aside as dead", "amount": dead},
        {"name": "discarded", "amount": books["discarded"]},
        {"name": "redirected", "amount": books["redirected"]},
        {"name": "wait here", "amount": books["waiting"]},
    ]
    missing = sum(books["missing"].values())
    return {
        "arrived": sum(term["amount"] for term in terms) + missing,
        "terms": [*terms, *([{"name": "missing", "amount": missing}] if missing else [])],
        **_verdict(books, missing),
        "beside": _beside(books),
    }


def _verdict(books: Mapping[str, Any], missing: int) -> dict[str, str]:
    if missing:
        lists = ", ".join(name for name, count in books["missing"].items() if count)
        says = f"■ {missing:,} left uncounted from {lists}: somebody else takes from there"
        return {"tone": "said-bad", "verdict": says}
    age = books["checked_age_seconds"]
    if age is None or age > CHECKED_SECONDS:
        since = "" if age is None else f" for {span(age)}"
        return {"tone": "quiet", "verdict": f"○ unknown: no worker has checked{since}"}
    return {"tone": "said-good", "verdict": "✓ 0 missing"}


def _beside(books: Mapping[str, Any]) -> str:
    """What the sum does not tell."""
    reasons = ", ".join(f"{n:,} {name}" for name, n in books["quarantined"].items() if n)
    parts = [
        f"{books['bounced']:,} of those put back came back",
        f"{books['sheltered']:,} sheltered",
        f"{books['requeued']:,} requeued",
        f"{books['undone']:,} undone",
    ]
    return "Since counting began: " + "; ".join(parts) + (f"; dead: {reasons}" if reasons else "")
