"""How operators' jobs stand: how far each is, what became of what it sent, and what it waits for.

One reading of Redis tells that of all jobs, so that every face says the same of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mutt_tasks.core.in_flight import InFlight
from mutt_tasks.core.job_fate import Fate, fate_of
from mutt_tasks.core.jobs import ACTIVE, SENDING, Job, State, goes_before, is_paced
from mutt_tasks.core.limits import EMPTY
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations.reasons import PAUSED, WAITING, in_words

# With a worker a cycle begins within a second or two of a job's submission, and with each step of
# a drain: after so many seconds without any nobody is there.
NO_WORKER_SECONDS = 5.0

NO_WORKER, OTHER_JOB, OWN_RATE = "no worker", "other job", "own rate"


@dataclass(frozen=True)
class Facts:
    """What is to be known of jobs, at `now` (seconds since 1970).

    The last cycle ended at `last_cycle` (None: there was none). `held` says by route what holds it
    (empty: nothing), `in_flight` what is under way there, and `targets` which queues routes lead
    to. `jobs` are those that were asked for, `active` those that have not ended, the oldest first.
    """

    now: float
    is_paused: bool
    is_draining: bool
    last_cycle: float | None
    held: Mapping[str, str]
    in_flight: Mapping[str, InFlight]
    targets: frozenset[str]
    jobs: Mapping[str, Job]
    active: tuple[Job, ...]


@dataclass(frozen=True)
class Standing:
    """One job: what it waits for in one word, and the job `behind` which it waits.

    Both are empty where there is none. It moves `speed` messages a second and is done in about
    `eta_seconds` (None: it does not move), `took_seconds` so far, or in all (None: it waits).
    """

    held_by: str
    behind: str
    fate: Fate
    speed: float = 0.0
    eta_seconds: float | None = None
    took_seconds: float | None = None


def standing(job: Job, facts: Facts) -> Standing:
    """How a job stands."""
    routes = _routes(job, facts)
    fate = fate_of(job, [facts.in_flight[name] for name in routes], facts.now)
    took = max(0.0, (job.ended_at or facts.now) - job.started_at) if job.started_at else None
    if job.state not in ACTIVE:
        return Standing("", "", fate, took_seconds=took)
    before = goes_before(job, facts.active, facts.targets)
    held_by = _held_by(job, facts, routes, has_one_before=before is not None)
    speed = 0.0 if held_by not in ("", OWN_RATE) else _speed(job, fate, facts.now)
    behind = before.id if before is not None and held_by == OTHER_JOB else ""
    eta = job.most / speed if speed else None
    return Standing(held_by, behind, fate, speed=speed, eta_seconds=eta, took_seconds=took)


def shown(job: Job, found: Standing) -> dict[str, Any]:
    """A job by the JSON names that every face keeps."""
    counts = job.counts
    return {
        "id": job.id,
        "verb": job.verb.value,
        "state": job.state.value,
        "actor": job.actor,
        "reason": job.reason,
        "counts": {
            "planned": counts.planned,
            "done": counts.done,
            "stuck": found.fate.stuck,
            "under_way": found.fate.under_way,
            "came_back": counts.came_back,
            "gone": counts.gone,
            "skipped": counts.skipped,
            "left": counts.left,
        },
        "held_by": found.held_by,
        "behind": found.behind,
        "held_because": _in_words(job, found),
        "why": job.why,
        "plan": job.plan,
        "routes": dict(job.sources),
        "destination": job.destination,
        "undoes": job.undoes,
        "stop_after": job.stop_after,
        "goal": job.goal,
        "rate": job.rate,
        "nothing_to_do": False,
        "eta_seconds": found.eta_seconds,
        "took_seconds": found.took_seconds,
        "known_at": _iso(found.fate.known_at),
        "created_at": iso(job.created_at),
        "started_at": _iso(job.started_at),
        "ended_at": _iso(job.ended_at),
    }


def _in_words(job: Job, found: Standing) -> str:
    """What a job waits for, in words; empty when it waits for nothing."""
    if found.held_by == NO_WORKER:
        return "no worker is seen"
    if found.held_by == OTHER_JOB:
        return f"{found.behind} goes first"
    if found.held_by == OWN_RATE:
        return f"its own rate of {job.rate:g}/s"
    return in_words([found.held_by]) if found.held_by else ""


def _held_by(job: Job, facts: Facts, routes: list[str], *, has_one_before: bool) -> str:
    """What keeps a job from going on, in one word; what people have to mend comes first."""
    asked_at = min(each.created_at for each in (job, *facts.active))
    heard_at = max(asked_at, facts.last_cycle or 0.0)
    if not facts.is_draining and facts.now - heard_at > NO_WORKER_SECONDS:
        return NO_WORKER
    if not is_paced(job, facts.targets):
        return OTHER_JOB if has_one_before and job.state is State.QUEUED else ""
    if facts.is_paused:
        return PAUSED
    if has_one_before and job.state is State.QUEUED:
        return OTHER_JOB
    held = (facts.held[name] for name in routes)
    # What waits for its backoff is the drain's: an operator's replay need not.
    found = next((reason for reason in held if reason not in ("", EMPTY, WAITING)), "")
    return found or (OWN_RATE if job.rate and job.next_at > facts.now else "")


def _routes(job: Job, facts: Facts) -> list[str]:
    """The routes on which a job may send."""
    known = list(facts.in_flight)
    return [name for name in known if name in job.sources] if job.verb is Verb.REPLAY else known


def _speed(job: Job, fate: Fate, now: float) -> float:
    """How many messages a second are done now; of what is not sent, since it began."""
    if job.verb in SENDING:
        return fate.speed
    return job.counts.done / max(1.0, now - job.started_at) if job.started_at else 0.0


def _iso(moment: float) -> str | None:
    return iso(moment) if moment else None
