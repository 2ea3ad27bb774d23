"""Notes and acknowledgements."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from mutt_tasks.console.acting import Actor
from mutt_tasks.console.answers import Json, fails
from mutt_tasks.console.api.headers import IdempotencyKey
from mutt_tasks.console.models.acting import Ack, AckEnded, AckRequest, Acks, Noted, NoteRequest
from mutt_tasks.console.models.base import SUBJECT
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.core.access import ACK, NOTE
from mutt_tasks.operations import notes

router = APIRouter(tags=["remarks"])

Subject = Annotated[
    str,
    Path(
        pattern=SUBJECT,
        examples=["s1-9f3a12cd4e5f"],
        description="a group or a message",
    ),
]


@router.post("/notes", status_code=201, response_model=Noted, responses=fails(403))
def note(console: Here, who: Who, wanted: NoteRequest, key: IdempotencyKey = "") -> Response:
    """Write down a text about a message or a group; credentials in it are hidden."""
    actor = Actor(console, who, key)
    actor.check(NOTE, wanted.subject)
    return Json(notes.note(console.look(), wanted.subject, wanted.text, actor.wish()), 201)


@router.get("/acks", response_model=Acks)
def acks(console: Here, _who: Who) -> Response:
    """What somebody takes care of, and until when."""
    return Json({"acknowledged": notes.acknowledged(console.look())})


@router.put("/acks/{group}", response_model=Ack, responses=fails(403))
def acknowledge(
    console: Here, who: Who, group: Subject, wanted: AckRequest, key: IdempotencyKey = ""
) -> Response:
    """Say that somebody takes care of a group until a moment, at most 90 days from now."""
    actor = Actor(console, who, key)
    actor.check(ACK, group)
    found = notes.acknowledge(console.look(), group, wanted.until, wanted.reason, actor.wish())
    return Json(found)


@router.delete("/acks/{group}", response_model=AckEnded, responses=fails(403))
def take_back(
    console: Here,
    who: Who,
    group: Subject,
    reason: Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = "",
    key: IdempotencyKey = "",
) -> Response:
    """End an acknowledgement before its time."""
    actor = Actor(console, who, key)
    actor.check(ACK, group)
    return Json(notes.take_back(console.look(), group, reason, actor.wish()))
