"""Jobs: have a plan done, see how it goes, end it, take it back."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from mutt_tasks.console import acting
from mutt_tasks.console.acting import Actor, JobWanted
from mutt_tasks.console.answers import Json, fails
from mutt_tasks.console.api.headers import IdempotencyKey, IfMatch, NeededKey, tag_of
from mutt_tasks.console.models.acting import Job, JobRequest, Jobs, UndoRequest
from mutt_tasks.console.models.base import Reason
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.operations import job_view, jobs

router = APIRouter(prefix="/jobs", tags=["acting"])

JobId = Annotated[str, Path(pattern=r"^j-[0-9a-f]{12}$", examples=["j-3f2a9c01d4e7"])]


@router.get("", response_model=Jobs)
def listed(console: Here, _who: Who, limit: Annotated[int, Query(ge=1, le=500)] = 20) -> Response:
    """Jobs of the last 30 days, the newest first."""
    looker = console.look()
    found = [job_view.job(looker, job) for job in jobs.listed(looker.store, limit)]
    return Json({"jobs": found})


@router.post(
    "",
    status_code=201,
    response_model=Job,
    responses={
        200: {"model": Job, "description": "It was asked for before, with this Idempotency-Key"},
        **fails(403, 409, 412, 423, 428),
    },
)
def submit(
    console: Here, who: Who, wanted: JobRequest, key: NeededKey, if_match: IfMatch = ""
) -> Response:
    """Have the worker do what a plan says, to exactly the messages that it counted."""
    meant = JobWanted(
        wanted.plan,
        tag_of(if_match),
        wanted.reason,
        stop_after=wanted.stop_after,
        rate=wanted.rate,
        queue_while_paused=wanted.queue_while_paused,
    )
    job, is_new = acting.submit(Actor(console, who, key), meant)
    return Json(job, 201 if is_new else 200, {"Location": f"/api/v1/jobs/{job['id']}"})


@router.get("/{job_id}", response_model=Job, responses=fails(404))
def get(console: Here, _who: Who, job_id: JobId) -> Response:
    """A job as it stands."""
    looker = console.look()
    return Json(job_view.job(looker, jobs.get(looker.store, job_id)))


@router.delete("/{job_id}", response_model=Job, responses=fails(403, 404, 409))
def cancel(
    console: Here,
    who: Who,
    job_id: JobId,
    reason: Annotated[Reason, Query(description="why; the audit keeps it")],
    key: IdempotencyKey = "",
) -> Response:
    """End a job where it is; what it has done stays done."""
    return Json(acting.cancel(Actor(console, who, key), job_id, reason))


@router.post("/{job_id}/undo", status_code=201, response_model=Job, responses=fails(403, 404, 409))
def undo(console: Here, who: Who, job_id: JobId, wanted: UndoRequest, key: NeededKey) -> Response:
    """Take a discard back: what is in its trash returns to the old end of its list."""
    job = acting.undo(Actor(console, who, key), job_id, wanted.reason)
    return Json(job, 201, {"Location": f"/api/v1/jobs/{job['id']}"})
