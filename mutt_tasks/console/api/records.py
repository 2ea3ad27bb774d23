"""Journal and audit."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from mutt_tasks.console.answers import Json
from mutt_tasks.console.models.base import MOMENT, SPAN
from mutt_tasks.console.models.records import AuditPage, JournalPage, Verdict
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.operations import auditing, history, shown
from mutt_tasks.operations.auditing import Wanted

router = APIRouter(tags=["records"])

Before = Annotated[
    str,
    Query(
        pattern=r"^([0-9]{1,19}-[0-9]{1,19})?$",
        examples=["1764213255926-0"],
        description="only entries older than this one",
    ),
]
Event = Annotated[str, Field(json_schema_extra={"enum": list(history.KINDS)}, examples=["moved"])]
Limit = Annotated[int, Query(ge=1, le=500)]
Name = Annotated[str, Query(max_length=200)]


@router.get("/journal", response_model=JournalPage)
def journal(
    console: Here,
    _who: Who,
    before: Before = "",
    limit: Limit = 50,
    event: Annotated[list[Event], Query(max_length=20)] = [],  # noqa: B006
) -> Response:
    """What cycles and operators did, the newest first; about 10,000 entries are kept."""
    looker = console.look()
    page = history.page(looker.store, before, limit, event)
    entries = [shown.journal_entry(looker, name, each) for name, each in page.entries]
    return Json({"entries": entries, "before": page.before})


@router.get("/audit", response_model=AuditPage)
def audit(
    console: Here,
    _who: Who,
    actor: Name = "",
    job: Name = "",
    verb: Name = "",
    since: Annotated[str, Query(pattern=rf"^({SPAN}|{MOMENT})?$", examples=["12h"])] = "",
    refused: Annotated[bool, Query(description="only attempts that were refused")] = False,
    before: Before = "",
    limit: Limit = 50,
) -> Response:
    """Who changed what and why, the newest first; kept for 400 days."""
    looker = console.look()
    wanted = Wanted(actor, job, verb, since, only_refused=refused, before=before, most=limit)
    page = auditing.page(looker, wanted)
    entries = [auditing.shown(looker, name, each) for name, each in page.entries]
    return Json({"entries": entries, "before": page.before})


@router.get("/audit/verify", response_model=Verdict)
async def verify(
    request: Request,
    console: Here,
    _who: Who,
    anchor: Annotated[
        str, Query(pattern=r"^([0-9a-f]{64})?$", description="a hash of the log")
    ] = "",
) -> Response:
    """Whether no entry of the audit was changed, removed or inserted."""
    found: dict[str, Any] = await console.scans.run(
        request, lambda progress: auditing.verified(console.look(progress), anchor)
    )
    return Json(found)
