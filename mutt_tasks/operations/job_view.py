"""Plans and jobs as every face shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mutt_tasks.core.job_fate import Fate
from mutt_tasks.core.jobs import SENDING, Job, State
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.operations import jobs, status
from mutt_tasks.operations.job_standing import Standing, shown, standing
from mutt_tasks.operations.jobs import Order
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.status import Status

# Messages a second that a job moves which needs no pace, about.
_LISTS_RATE = 10_000.0


def plan(looker: Looker, found: Plan) -> dict[str, Any]:
    """A plan; `expected_seconds` is how long its job takes at best.

    What `is_drained_too` the drain sends as well, when its turn comes.
    """
    seconds = _expected_seconds(looker, found)
    return {
        "id": found.id,
        "etag": found.etag,
        "verb": found.verb.value,
        "count": found.count,
        "skipped": dict(found.skipped),
        "sample": list(found.sample),
        "expires_at": iso(found.expires_at),
        "routes": dict(found.sources),
        "where": found.where,
        "destination": found.destination,
        "is_drained_too": found.verb is Verb.REPLAY,
        "expected_seconds": round(seconds),
        "finish_at": iso(looker.store.now() + seconds),
    }


def job(looker: Looker, found: Job) -> dict[str, Any]:
    """A job as it stands now; `held_by` is why it does not go on, in one word."""
    return each(looker, [found])[0]


def nothing(looker: Looker, found: Plan, order: Order) -> dict[str, Any]:
    """What became of a plan that means no message: there is no job, and nothing to do."""
    now = looker.store.now()
    job = replace(jobs.planned(found, order), state=State.DONE, created_at=now, ended_at=now)
    none = {"id": None, "why": "nothing to do", "nothing_to_do": True}
    return shown(job, Standing("", "", Fate())) | none | {"left_out": dict(found.skipped)}


def each(looker: Looker, found: Sequence[Job]) -> list[dict[str, Any]]:
    """Jobs as they stand now, all at the same moment."""
    if not found:
        return []
    facts = _status(looker, [one.id for one in found]).about_jobs
    as_it_is = [facts.jobs.get(one.id, one) for one in found]
    return [shown(one, standing(one, facts)) for one in as_it_is]


def _expected_seconds(looker: Looker, found: Plan) -> float:
    if found.verb not in SENDING:
        return found.count / _LISTS_RATE
    settings = looker.settings
    rates = [route.rate for route in _status(looker).routes.values() if route.rate]
    limiter = settings.forwarder.rate_limit / settings.forwarder.rate_period
    return found.count / (max(rates) if rates else settings.pace.max_rate or limiter)


def _status(looker: Looker, job_ids: Sequence[str] = ()) -> Status:
    settings = looker.settings
    dead = settings.lists.dead_letter_queue
    return status.read(looker.store, settings.routes, dead, job_ids=job_ids)


def in_words(counts: Mapping[str, int]) -> str:
    """What became of a job's messages, in words."""
    parts = [f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items() if n or name == "done"]
    return ", ".join(parts)
