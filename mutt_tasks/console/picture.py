"""How things stand, read once for everybody who looks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mutt_tasks.console.history import History, Sample
from mutt_tasks.core.moments import iso
from mutt_tasks.core.routes import Route
from mutt_tasks.operations import bounds, history, job_view, jobs, shown, status
from mutt_tasks.operations.looking import Looker

# Of the journal so many entries are kept for those who come back, and read at once.
JOURNAL_KEPT, JOURNAL_READ = 200, 50
# The jobs that were submitted last; an active one that is older than these is seen on its page.
JOBS = 10
# They are listed again after so many seconds, or when one of these stands in the journal.
LISTED = 30.0
JOB_EVENTS = frozenset({"submitted", "cancelled", "ended", "emptied"})
# A picture takes at most so many commands of Redis, and one for each active job; with those for
# jobs that have ended that makes less than 30 a second, whoever looks.
COMMANDS, COMMANDS_A_SECOND = 62, 26
SECONDS = 2.0


@dataclass(frozen=True)
class Picture:
    """How things stood at a moment of this process' clock (`taken_at`).

    `parts` are `status` (as the command line's, and when it was read), `jobs`, those submitted
    last, and `limits`, what bounds each route; `journal` are entries, the oldest first, by their
    ids, and `history` the depths of the last hour, of the lists of the `routes` and `dead_list`.
    While Redis is `away` (why not) they are the last that were read, at `taken_at`. The next
    picture is due when this one `lasts` no longer, in seconds; jobs were listed at `listed_at`.
    """

    taken_at: float = 0.0
    parts: Mapping[str, Any] = field(default_factory=dict)
    journal: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: str = ""
    history: History = History()
    routes: tuple[Route, ...] = ()
    dead_list: str = ""
    lasts: float = SECONDS
    listed_at: float = 0.0

    @property
    def newest(self) -> str:
        """The id of the newest entry of the journal."""
        return next(reversed(self.journal), "")


def read(looker: Looker, before: Picture, taken_at: float) -> Picture:
    """The picture now, with what the one `before` had of the journal. Raises StoreError."""
    settings = looker.settings
    now = Picture(taken_at, journal=_journal(looker, before))
    is_news = _is_news(before, now)
    found = status.read(
        looker.store,
        settings.routes,
        settings.lists.dead_letter_queue,
        trash_depth=None if is_news else before.parts["status"]["trash_depth"],
    )
    if is_news:
        listed = job_view.each(looker, jobs.listed(looker.store, JOBS))
    else:
        fresh = {each["id"]: each for each in found.jobs}
        listed = [fresh.get(each["id"], each) for each in before.parts["jobs"]]
    parts = {
        "status": {**found.as_json(), "at": iso(found.now), "is_draining": found.is_draining},
        "jobs": listed,
        "limits": {name: each.as_json() for name, each in bounds.of(looker, found.now).items()},
    }
    kept = before.history.with_sample(Sample(taken_at, found.depths))
    dead_list = settings.lists.dead_letter_queue
    return replace(
        now,
        parts=parts,
        history=kept,
        routes=settings.routes,
        dead_list=dead_list,
        lasts=max(SECONDS, (COMMANDS + len(found.jobs)) / COMMANDS_A_SECOND),
        listed_at=taken_at if is_news else before.listed_at,
    )


def _is_news(before: Picture, now: Picture) -> bool:
    """Whether jobs are listed again, and the trash is measured.

    That is when something happened to a job, and now and then, for what it sent may come back
    later. Jobs that have not ended are read with every picture.
    """
    new = [entry for name, entry in now.journal.items() if name not in before.journal]
    is_late = now.taken_at >= before.listed_at + LISTED
    return is_late or not before.parts or any(each["event"] in JOB_EVENTS for each in new)


def _journal(looker: Looker, before: Picture) -> dict[str, dict[str, Any]]:
    """The entries of before, if there are no new ones; else with those."""
    new: list[tuple[str, Any]] = []
    cursor = ""
    while len(new) < JOURNAL_KEPT:
        page = history.page(looker.store, cursor, JOURNAL_READ)
        fresh = [
            each
            for each in page.entries
            if not before.newest or _key(each[0]) > _key(before.newest)
        ]
        new += fresh
        cursor = page.before
        if len(fresh) < len(page.entries) or not cursor:
            break
    if not new:
        return before.journal
    told = {name: shown.journal_entry(looker, name, entry) for name, entry in reversed(new)}
    kept = {**before.journal, **told}
    return dict(list(kept.items())[-JOURNAL_KEPT:])


def _key(entry_id: str) -> tuple[int, int]:
    """The order of ids of a stream."""
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number)


def is_after(entry_id: str, other: str) -> bool:
    """Whether an entry of the journal is newer than another one."""
    return _key(entry_id) > _key(other)


def encoded(value: Any) -> bytes:
    """JSON on one line, in ASCII, so that nothing in it ends a line of a stream."""
    return json.dumps(value).encode()
