"""Notes and acknowledgements, written from the page of a message."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from mutt_tasks.console.acting import Actor
from mutt_tasks.console.addresses import own_path
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.core.access import ACK, NOTE
from mutt_tasks.operations import notes

router = APIRouter()

Line = Annotated[str, Form(max_length=2000)]


@router.post("/notes")
def note(
    console: Here,
    who: Who,
    subject: Line = "",
    text: Line = "",
    back: Line = "/",
    request: Line = "",
) -> Response:
    """Write a note."""
    actor = Actor(console, who, request)
    actor.check(NOTE, subject)
    notes.note(console.look(), subject, text, actor.wish())
    return RedirectResponse(own_path(back), 303)


@router.post("/acks")
def acknowledge(
    console: Here,
    who: Who,
    subject: Line = "",
    reason: Line = "",
    seconds: Annotated[float, Form()] = 14_400.0,
    back: Line = "/",
    request: Line = "",
) -> Response:
    """Acknowledge a group."""
    actor = Actor(console, who, request)
    actor.check(ACK, subject)
    notes.acknowledge(console.look(), subject, seconds, reason, actor.wish())
    return RedirectResponse(own_path(back), 303)
