"""The operator's pause."""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import Response

from mutt_tasks.console.acting import Actor
from mutt_tasks.console.answers import Json, fails
from mutt_tasks.console.api.headers import IdempotencyKey
from mutt_tasks.console.models.acting import PauseRequest, PauseState, Resumed
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.core.access import PAUSE
from mutt_tasks.operations import switches
from mutt_tasks.operations.looking import Looker

router = APIRouter(prefix="/pause", tags=["acting"])


@router.get("", response_model=PauseState)
def get(console: Here, _who: Who) -> Response:
    """The pause that is in force."""
    return Json(_state(console.look()))


@router.put("", response_model=PauseState, responses=fails(403))
def pause(console: Here, who: Who, wanted: PauseRequest, key: IdempotencyKey = "") -> Response:
    """Hold every replay for a while; it ends by itself, and takes the place of one before it."""
    actor = Actor(console, who, key)
    actor.check(PAUSE, "all routes")
    looker = console.look()
    switches.pause(
        looker.store,
        actor.request,
        who.name,
        wanted.reason,
        wanted.seconds,
        known_by=who.known_by,
        role=who.role,
    )
    return Json(_state(looker))


@router.delete("", response_model=Resumed, responses=fails(403))
def resume(console: Here, who: Who, key: IdempotencyKey = "") -> Response:
    """End the pause; replays go on with the next cycle."""
    actor = Actor(console, who, key)
    actor.check(PAUSE, "all routes")
    found = switches.resume(
        console.look().store, actor.request, who.name, known_by=who.known_by, role=who.role
    )
    return Json(found)


def _state(looker: Looker) -> dict[str, object]:
    paused = looker.store.pauses.current()
    return {"paused": None if paused is None else asdict(paused)}
