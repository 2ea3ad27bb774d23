"""Pause and resume, and what a pause would cost."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mutt_tasks.console.acting import Actor
from mutt_tasks.console.context import Console
from mutt_tasks.console.pages.rendering import page
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.console.picture import Picture
from mutt_tasks.core.access import PAUSE, Identity
from mutt_tasks.core.filters import span_of
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import switches

router = APIRouter()

Line = Annotated[str, Form(max_length=1000)]


@router.get("/pause")
def pause(request: Request, console: Here, who: Who) -> HTMLResponse:
    """The pause in force, and the form for one."""
    return _form(request, console, who)


@router.post("/pause")
def paused(
    http: Request,
    console: Here,
    who: Who,
    reason: Line = "",
    length: Annotated[str, Form(alias="for", max_length=40)] = "",
    request: Line = "",
) -> Response:
    """Hold every replay for a while."""
    actor = Actor(console, who, request)
    actor.check(PAUSE, "all routes")
    try:
        seconds = _seconds(length)
        store = console.look().store
        switches.pause(
            store, actor.request, who.name, reason, seconds, known_by=who.known_by, role=who.role
        )
    except InvalidArgument as wrong:
        return _form(http, console, who, {"reason": reason, "for": length}, str(wrong))
    return RedirectResponse("/", 303)


@router.post("/resume")
def resumed(console: Here, who: Who) -> Response:
    """End the pause."""
    actor = Actor(console, who)
    actor.check(PAUSE, "all routes")
    store = console.look().store
    switches.resume(store, actor.request, who.name, known_by=who.known_by, role=who.role)
    return RedirectResponse("/", 303)


def _form(
    request: Request,
    console: Console,
    who: Identity,
    given: dict[str, str] | None = None,
    error: str = "",
) -> HTMLResponse:
    looker, picture = console.look(), console.hub.picture
    found = looker.store.pauses.current()
    now = {route.name: _speed(picture, route.source) for route in looker.settings.routes}
    view = {
        "paused": asdict(found) if found else None,
        "growth": _growth(now),
        "forecast": _forecast(picture, now, found.seconds_left) if found else "",
        "may_pause": who.may(PAUSE),
        "given": given or {"reason": "", "for": ""},
        "error": error,
    }
    return page(request, "pause.html", 422 if error else 200, view=view)


def _speed(picture: Picture, source: str) -> float | None:
    """Messages/s that come into a dead letter queue: by how much it grows, and is replayed."""
    grows = picture.history.speed(source)
    status = picture.parts.get("status")
    if grows is None or status is None:
        return None
    route = next((each.name for each in picture.routes if each.source == source), "")
    return max(0.0, grows + float(status["routes"].get(route, {"rate": 0.0})["rate"]))


def _growth(now: dict[str, float | None]) -> str:
    """How far the queues would grow in an hour of a pause, as things are."""
    known = {name: speed for name, speed in now.items() if speed is not None}
    if not known:
        return "How fast the queues grow is known once the first screen has been open for a while."
    parts = [f"{name} by about {speed * 3600:,.0f}" for name, speed in known.items()]
    return f"As things are, in an hour of a pause the queues grow: {', '.join(parts)}."


def _forecast(picture: Picture, now: dict[str, float | None], seconds: float) -> str:
    parts = []
    for route in picture.routes:
        points, speed = picture.history.points(route.source), now.get(route.name)
        if points and speed is not None:
            parts.append(f"{route.name} to about {points[-1][1] + speed * seconds:,.0f}")
    return f"Until then the queues grow: {', '.join(parts)}." if parts else ""


def _seconds(length: str) -> float:
    try:
        return span_of(length.strip())
    except ValueError as accepted:
        raise InvalidArgument(f"for: got {length!r:.60}, {accepted}") from None
