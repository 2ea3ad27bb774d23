"""Journal and audit on one time line."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from mutt_tasks.console.pages.rendering import page
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import auditing, history, shown
from mutt_tasks.operations.auditing import Wanted
from mutt_tasks.operations.looking import Looker

router = APIRouter()

MOST = 50
# Of each of both so many are looked at for a page that shows some.
LOOKED_AT = 500
BOTH, JOURNAL, AUDIT, REFUSED = "", "journal", "audit", "refused"

Text = Annotated[str, Query(max_length=200)]


@router.get("/journal")
def timeline(
    request: Request,
    console: Here,
    _who: Who,
    show: Text = BOTH,
    actor: Text = "",
    job: Text = "",
    message: Text = "",
    before: Text = "",
) -> HTMLResponse:
    """What cycles and people did, the newest first."""
    looker, error = console.look(), ""
    try:
        entries = _entries(looker, show, actor, job, before)
    except InvalidArgument as wrong:
        error, entries = str(wrong), []
    if message:
        entries = [each for each in entries if _names(each, message)]
    kept = entries[:MOST]
    query = {"show": show, "actor": actor, "job": job, "message": message}
    view = {
        **query,
        "entries": kept,
        "error": error,
        "next": f"/journal?{urlencode({**query, 'before': kept[-1]['id']})}"
        if len(entries) > MOST
        else "",
    }
    return page(request, "journal.html", 422 if error else 200, view=view)


@router.get("/parts/chain")
async def chain(request: Request, console: Here, _who: Who) -> HTMLResponse:
    """Whether no entry of the audit was changed, removed or inserted."""
    found = await console.scans.run(
        request, lambda progress: auditing.verified(console.look(progress))
    )
    return page(request, "parts/chain.html", chain=found)


def _entries(looker: Looker, show: str, actor: str, job: str, before: str) -> list[dict[str, Any]]:
    """Entries of both, older than the one `before`, the newest first."""
    found: list[dict[str, Any]] = []
    if show in (BOTH, JOURNAL):
        page_ = history.page(looker.store, before, LOOKED_AT)
        told = [shown.journal_entry(looker, name, each) for name, each in page_.entries]
        found += [_of_journal(each) for each in told if _fits(each, actor, job)]
    if show != JOURNAL:
        wanted = Wanted(
            actor=actor, job=job, only_refused=show == REFUSED, before=before, most=MOST + 1
        )
        told = [
            auditing.shown(looker, name, fields)
            for name, fields in auditing.page(looker, wanted).entries
        ]
        found += map(_of_audit, told)
    return sorted(found, key=lambda each: _moment(each["id"]), reverse=True)


def _of_journal(entry: Mapping[str, Any]) -> dict[str, Any]:
    route = entry.get("route", "")
    return {
        "id": entry["id"],
        "at": entry["at"],
        "from": JOURNAL,
        "what": f"{entry['event']} {route}".strip(),
        "by": entry.get("by", ""),
        "sentence": entry["sentence"],
        "job": entry.get("job", ""),
    }


def _of_audit(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "at": entry["at"],
        "from": AUDIT,
        "what": entry["verb"],
        "by": entry["actor"],
        "sentence": entry["sentence"],
        "job": entry.get("job", ""),
    }


def _fits(entry: Mapping[str, Any], actor: str, job: str) -> bool:
    return actor in ("", entry.get("by")) and job in ("", entry.get("job"))


def _names(entry: Mapping[str, Any], text: str) -> bool:
    return text in entry["sentence"]


def _moment(entry_id: str) -> tuple[int, int]:
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number)
