"""Plans: freeze a selection, and look at it again."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from mutt_tasks.console import acting
from mutt_tasks.console.acting import Actor
from mutt_tasks.console.answers import Json, fails
from mutt_tasks.console.api.headers import IdempotencyKey
from mutt_tasks.console.models.acting import Plan, PlanRequest
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations.planning import Selection

router = APIRouter(prefix="/plans", tags=["acting"])

PlanId = Annotated[str, Path(pattern=r"^p-[0-9a-f]{12}$", examples=["p-3f2a9c01d4e7"])]


@router.post("", status_code=201, response_model=Plan, responses=fails(403, 404, 410))
async def make(
    request: Request, console: Here, who: Who, wanted: PlanRequest, key: IdempotencyKey = ""
) -> Response:
    """Freeze a selection: exactly these messages, none that arrives later; nothing is moved.

    The plan expires after 15 minutes. Its ETag is what a job on it wants in `If-Match`.
    """
    meant = Selection(
        Verb(wanted.verb),
        tuple(wanted.ids),
        wanted.where,
        wanted.all,
        tuple(wanted.routes),
        destination=wanted.destination,
    )
    actor = Actor(console, who, key)
    found: dict[str, Any] = await console.scans.run(
        request, lambda progress: acting.make_plan(actor, progress, meant)
    )
    return _answer(found, 201)


@router.get("/{plan_id}", response_model=Plan, responses=fails(404))
def get(console: Here, _who: Who, plan_id: PlanId) -> Response:
    """A plan that was made before."""
    return _answer(acting.plan(console, plan_id))


def _answer(plan: dict[str, Any], status: int = 200) -> Response:
    headers = {"ETag": f'"{plan["etag"]}"'}
    if status == 201:
        headers["Location"] = f"/api/v1/plans/{plan['id']}"
    return Json(plan, status, headers)
