"""Plans and jobs as every face shows them."""

from collections.abc import Mapping
from typing import Any

from mutt_tasks.core.jobs import ACTIVE, Job, State, is_paced
from mutt_tasks.core.limits import EMPTY
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.operations import status
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.reasons import PAUSED

# A job that no worker has begun after so many seconds waits for one.
_BEGUN_SECONDS = 5.0
NO_WORKER = "no worker"

# Messages a second that a job moves which needs no pace, about.
_LISTS_RATE = 10_000.0
_PACED = frozenset({Verb.REPLAY, Verb.REQUEUE})


def plan(looker: Looker, found: Plan) -> dict[str, Any]:
    """A plan; `expected_seconds` is how long its job takes at best."""
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
        "expected_seconds": round(seconds),
        "finish_at": iso(looker.store.now() + seconds),
    }


def job(looker: Looker, found: Job) -> dict[str, Any]:
    """A job as it stands; `held_by` is why it does not go on, in one word."""
    counts = found.counts
    return {
        "id": found.id,
        "verb": found.verb.value,
        "state": found.state.value,
        "actor": found.actor,
        "reason": found.reason,
        "counts": {
            "planned": counts.planned,
            "done": counts.done,
            "gone": counts.gone,
            "skipped": counts.skipped,
            "came_back": counts.came_back,
            "left": counts.left,
        },
        "held_by": _held_by(looker, found) if found.state in ACTIVE else "",
        "why": found.why,
        "plan": found.plan,
        "routes": dict(found.sources),
        "destination": found.destination,
        "undoes": found.undoes,
        "stop_after": found.stop_after,
        "rate": found.rate,
        "created_at": iso(found.created_at),
        "started_at": _iso(found.started_at),
        "ended_at": _iso(found.ended_at),
    }


def _held_by(looker: Looker, found: Job) -> str:
    routes = looker.settings.routes
    now = status.read(looker.store, routes, looker.settings.lists.dead_letter_queue)
    is_late = now.now - found.created_at > _BEGUN_SECONDS
    if found.state is State.QUEUED and is_late and not now.is_draining and not now.paused:
        return NO_WORKER
    if not is_paced(found, frozenset(route.target for route in routes)):
        return ""
    if now.paused:
        return PAUSED
    held = (each.held_by for each in now.routes.values() if each.is_held)
    return next((reason for reason in held if reason not in ("", EMPTY)), "")


def _expected_seconds(looker: Looker, found: Plan) -> float:
    if found.verb not in _PACED:
        return found.count / _LISTS_RATE
    settings = looker.settings
    now = status.read(looker.store, settings.routes, settings.lists.dead_letter_queue)
    rates = [each.rate for each in now.routes.values() if each.rate]
    limiter = settings.forwarder.rate_limit / settings.forwarder.rate_period
    return found.count / (max(rates) if rates else settings.pace.max_rate or limiter)


def _iso(moment: float) -> str | None:
    return iso(moment) if moment else None


def in_words(counts: Mapping[str, int]) -> str:
    """What became of a job's messages, in words."""
    words = {"came_back": "came back"}
    parts = [f"{n:,} {words.get(name, name)}" for name, n in counts.items() if n or name == "done"]
    return ", ".join(parts)
