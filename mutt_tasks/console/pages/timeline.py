"""Journal and audit on one time line."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
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


@dataclass(frozen=True)
class _Wish:
    """Which entries: of one or both, of somebody, of a job, about a message, older than one."""

    show: str
    actor: str
    job: str
    message: str
    before: str


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
    error, entries, older = "", list[dict[str, Any]](), ""
    try:
        entries, older = _page(console.look(), _Wish(show, actor, job, message, before))
    except InvalidArgument as wrong:
        error = str(wrong)
    query = {"show": show, "actor": actor, "job": job, "message": message}
    view = {
        **query,
        "entries": entries,
        "error": error,
        "next": f"/journal?{urlencode({**query, 'before': older})}" if older else "",
    }
    return page(request, "journal.html", 422 if error else 200, view=view)


@router.get("/parts/chain")
async def chain(request: Request, console: Here, _who: Who) -> HTMLResponse:
    """Whether no entry of the audit was changed, removed or inserted."""
    found = await console.scans.run(
        request, lambda progress: auditing.verified(console.look(progress))
    )
    return page(request, "parts/chain.html", chain=found)


def _page(looker: Looker, wish: _Wish) -> tuple[list[dict[str, Any]], str]:
    """Entries that are wished for, the newest first, and before which one there may be more."""
    if wish.show not in (BOTH, JOURNAL, AUDIT, REFUSED):
        raise InvalidArgument(f"show: accepts {JOURNAL}, {AUDIT}, {REFUSED}")
    read = [_journal(looker, wish)] if wish.show in (BOTH, JOURNAL) else []
    read += [_audit(looker, wish)] if wish.show != JOURNAL else []
    # One of both may have been read less far back than the other: the rest is another page's.
    end = max((end for _, end in read if end), key=_moment, default="")
    fit = [
        each
        for entries, _ in read
        for each in entries
        if wish.message in each["sentence"] and (not end or _moment(each["id"]) >= _moment(end))
    ]
    found = sorted(fit, key=lambda each: _moment(each["id"]), reverse=True)
    kept = found[:MOST]
    # What was written in one step has the same id in both.
    kept += takewhile(lambda each: each["id"] == kept[-1]["id"], found[MOST:])
    return kept, kept[-1]["id"] if len(kept) < len(found) else end


def _journal(looker: Looker, wish: _Wish) -> tuple[list[dict[str, Any]], str]:
    read = history.page(looker.store, wish.before, LOOKED_AT)
    told = (shown.journal_entry(looker, name, each) for name, each in read.entries)
    return [_of_journal(each) for each in told if _fits(each, wish.actor, wish.job)], read.before


def _audit(looker: Looker, wish: _Wish) -> tuple[list[dict[str, Any]], str]:
    wanted = Wanted(
        actor=wish.actor,
        job=wish.job,
        only_refused=wish.show == REFUSED,
        before=wish.before,
        most=LOOKED_AT if wish.message else MOST + 1,
    )
    read = auditing.page(looker, wanted)
    told = [_of_audit(auditing.shown(looker, name, fields)) for name, fields in read.entries]
    return told, read.before


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


def _moment(entry_id: str) -> tuple[int, int]:
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number)
