"""Groups: which kinds of messages there are."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from mutt_tasks.console import messages
from mutt_tasks.console.messages import Grouped, Reader
from mutt_tasks.console.pages.rendering import page
from mutt_tasks.console.permission import Here, Who
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import sources
from mutt_tasks.operations.looking import Progress
from mutt_tasks.operations.sources import DEAD

router = APIRouter()

MOST, ON_FIRST_SCREEN = 50, 8
# Reasons are summed up over so many groups, the largest.
MOST_COUNTED = 10_000
_NONE: dict[str, Any] = {"groups": [], "all_groups": 0, "is_exact": True, "seen": 0, "length": 0}

Text = Annotated[str, Query(max_length=1000)]


@router.get("/groups")
async def groups(
    request: Request,
    console: Here,
    who: Who,
    route: Text = "",
    where: Text = "",
    exact: bool = False,
) -> HTMLResponse:
    """All groups; of long lists estimated from a sample unless every message is to be counted."""
    wanted = Grouped((route,) if route else (), where.strip(), exact, MOST)

    def work(progress: Progress) -> tuple[dict[str, Any], list[str], str]:
        names = [source.name for source in sources.all_of(console.look().settings)]
        try:
            return messages.groups(Reader(console, who), progress, wanted), names, ""
        except InvalidArgument as wrong:
            return _NONE, names, str(wrong)

    found, names, error = await console.scans.run(request, work)
    view = {
        "route": route,
        "where": wanted.where,
        "is_exact": exact,
        "lists": names,
        "error": error,
    }
    return page(request, "groups.html", 422 if error else 200, view=view, groups=_shown(found))


@router.get("/parts/groups")
async def largest(request: Request, console: Here, who: Who) -> HTMLResponse:
    """The largest groups, for the first screen."""
    found = await console.scans.run(
        request,
        lambda progress: messages.groups(
            Reader(console, who), progress, Grouped(most=ON_FIRST_SCREEN)
        ),
    )
    return page(request, "parts/groups.html", groups=_shown(found))


@router.get("/parts/reasons")
async def reasons(request: Request, console: Here, who: Who) -> HTMLResponse:
    """How many dead letters there are of each reason."""
    wanted = Grouped((DEAD,), most=MOST_COUNTED)
    found = await console.scans.run(
        request, lambda progress: messages.groups(Reader(console, who), progress, wanted)
    )
    counts: Counter[str] = Counter()
    for group in found["groups"]:
        counts[group["reason"]] += group["count"]
    listed = [
        {"name": name, "count": count, "is_exact": found["is_exact"]}
        for name, count in counts.most_common()
    ]
    return page(request, "parts/reasons.html", reasons=listed)


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    rows = found["groups"]
    if not found["length"]:
        says = "No message lies in any list."
    elif not rows:
        says = f"None of {found['seen']:,} messages matches."
    else:
        more = found["all_groups"] - len(rows)
        says = f"and {more:,} smaller groups" if more else ""
        if not found["is_exact"]:
            sampled = f"≈ estimated from {found['seen']:,} of {found['length']:,} messages"
            says = f"{says}; {sampled}" if says else sampled
    return {"rows": rows, "says": says}
