"""Where the pages are."""

from fastapi import APIRouter

from mutt_tasks.console.pages import (
    access,
    acts,
    editing,
    groups,
    jobs,
    live,
    messages,
    overview,
    pausing,
    remarks,
    strays,
    timeline,
)

router = APIRouter()
for each in (
    *(overview, live, messages, groups, acts, jobs),
    *(timeline, pausing, remarks, editing, access, strays),
):
    router.include_router(each.router)
