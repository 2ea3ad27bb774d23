"""What is going on, as every face tells it: read from Redis alone, at any time, by anybody.

Nothing is remembered between two readings, so that any number of faces say the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mutt_tasks.core import limits
from mutt_tasks.core.jobs import ACTIVE
from mutt_tasks.core.routes import Route
from mutt_tasks.operations.job_standing import Facts, shown, standing
from mutt_tasks.operations.reasons import MOMENTARY, PAUSED, WORDS, in_words
from mutt_tasks.operations.sources import DEAD
from mutt_tasks.store import counters
from mutt_tasks.store.journal import CycleEnded
from mutt_tasks.store.pauses import Pause
from mutt_tasks.store.snapshot import Snapshot
from mutt_tasks.store.store import Store

# A drain that has moved nothing for this many seconds has no speed to go by.
MOVING_SECONDS = 30.0


@dataclass(frozen=True)
class RouteStatus:
    """One route: `depth` messages wait to be replayed, `target_depth` are in the queue they go to.

    `oldest_age_seconds` is the age of the oldest one's event (None: there is none, or it tells no
    time). `held_by` names what held or bounded it in the last cycle (empty: nothing did), and
    `is_held` says that it was held. At `rate` messages/s it is empty in `eta_seconds` (None: it
    does not move).
    """

    depth: int
    target_depth: int
    oldest_age_seconds: float | None
    held_by: str
    is_held: bool
    rate: float
    eta_seconds: float | None


@dataclass(frozen=True)
class Moogsoft:
    """What the last question found, and why; `healthy` is None before the first."""

    healthy: bool | None
    reason: str


@dataclass(frozen=True)
class Books:
    """What became of messages since counting began, on all routes together.

    `replayed` counts replays, and `requeued` what operators put back from the dead letter list; of
    both so many were seen to have `came_back`. `bounced` counts replays that came back and have
    left again. `quarantined` counts by reason what was moved to the dead letter list, `sheltered`
    alerts that were moved into a dead letter queue untried. Operators' jobs `discarded`,
    `redirected` and took back (`undone`) so many. `waiting` is what lies in those queues. `missing`
    counts by list what has left it uncounted, as the worker saw it `checked_age_seconds` ago (None:
    never).
    """

    replayed: int
    came_back: int
    bounced: int
    quarantined: dict[str, int]
    requeued: int
    sheltered: int
    discarded: int
    redirected: int
    undone: int
    waiting: int
    missing: dict[str, int]
    checked_age_seconds: float | None


@dataclass(frozen=True)
class Status:
    """How things stand at `now` (seconds since 1970), in one `sentence` and in numbers.

    `dead_depth` is the length of the dead letter list, whose oldest message's event is
    `dead_oldest_age_seconds` old (None: there is none, or it tells no time), `depths` that of every
    list that was read; `trash_depth` says how much lies in the trash, from where `undo` brings it
    back. `jobs` are those that operators asked for and have not ended, as faces show them, and
    `about_jobs` is what they are shown by.
    `cycle` is the journal's entry of the last cycle (empty: there is none) and `reasons` what held
    all of its routes (empty: something moved). While `is_draining` a cycle or a drain is under way.
    """

    now: float
    sentence: str
    routes: dict[str, RouteStatus]
    dead_depth: int
    dead_oldest_age_seconds: float | None
    trash_depth: int
    moogsoft: Moogsoft
    paused: Pause | None
    books: Books
    jobs: list[dict[str, Any]]
    about_jobs: Facts
    depths: dict[str, int]
    is_draining: bool
    cycle: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """What faces show, by the names that they keep."""
        kept = ("sentence", "routes", "dead_depth", "dead_oldest_age_seconds", "trash_depth")
        found = asdict(self)
        return {name: found[name] for name in (*kept, "moogsoft", "paused", "books", "jobs")}


def read(
    store: Store,
    routes: tuple[Route, ...],
    dead_letter_queue: str,
    beside: Iterable[str] = (),
    job_ids: Iterable[str] = (),
    trash_depth: int | None = None,
) -> Status:
    """The status now; `beside` are further lists whose depths are wanted.

    Jobs with these ids are read at the same moment; the `trash_depth`, which takes a command for
    each job in the trash, is read where it is not given. Raises StoreError.
    """
    paused = store.pauses.current()
    # The cycle first: what moves afterwards is then in the depths and counters too.
    entry, cycle = store.journal.last_cycle() or ("", None)
    lists = [name for route in routes for name in (route.source, route.target)]
    wanted = tuple(dict.fromkeys((*lists, dead_letter_queue, *beside)))
    active = store.jobs.active_ids()
    found = store.snapshots.take(routes, wanted, tuple(dict.fromkeys((*active, *job_ids))))
    by_route = {each.name: _route(found, each, *_held(cycle, each.name, paused)) for each in routes}
    facts = _about_jobs(found, routes, by_route, active)
    jobs = [shown(job, standing(job, facts)) for job in facts.active]
    return Status(
        now=found.now,
        sentence=_sentence(by_route, paused, jobs),
        routes=by_route,
        dead_depth=found.depths[dead_letter_queue],
        dead_oldest_age_seconds=_age(store.snapshots.oldest(dead_letter_queue), found.now),
        trash_depth=store.trash.depth((*by_route, DEAD)) if trash_depth is None else trash_depth,
        moogsoft=_moogsoft(found),
        paused=paused,
        books=_books(found, by_route.values()),
        jobs=jobs,
        about_jobs=facts,
        depths=dict(found.depths),
        is_draining=found.is_draining,
        cycle=entry,
        reasons=tuple(filter(None, cycle.reason.split(", "))) if cycle else (),
    )


def _moogsoft(found: Snapshot) -> Moogsoft:
    health = found.health
    return Moogsoft(health.healthy, health.reason) if health else Moogsoft(None, "")


def _held(cycle: CycleEnded | None, route: str, paused: Pause | None) -> tuple[bool, str]:
    """Whether a route is held, or was by the last cycle, and what held or bounded it."""
    if paused:
        return True, PAUSED
    told = cycle.routes.get(route, "") if cycle else ""
    outcome, _, reason = told.partition(" ")
    return outcome == "held", reason.removeprefix("limit=")


def _route(found: Snapshot, route: Route, is_held: bool, held_by: str) -> RouteStatus:
    state, depth = found.routes[route.name], found.depths[route.source]
    is_moving = (
        found.is_draining
        and found.now - state.moved_at < MOVING_SECONDS
        and not (is_held and held_by not in MOMENTARY)
    )
    rate = state.speed if is_moving and depth else 0.0
    eta = depth / rate if rate > 0 else None
    return RouteStatus(
        depth=depth,
        target_depth=found.depths[route.target],
        oldest_age_seconds=_age(state.oldest, found.now),
        held_by=held_by,
        is_held=is_held,
        rate=rate,
        eta_seconds=0.0 if depth == 0 else eta,
    )


def _age(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, now - moment)


def _about_jobs(
    found: Snapshot,
    routes: tuple[Route, ...],
    by_route: Mapping[str, RouteStatus],
    active: Iterable[str],
) -> Facts:
    return Facts(
        now=found.now,
        is_paused=found.is_paused,
        is_draining=found.is_draining,
        last_cycle=found.counters.last_cycle,
        held={name: each.held_by if each.is_held else "" for name, each in by_route.items()},
        in_flight={name: each.flow.in_flight for name, each in found.routes.items()},
        targets=frozenset(route.target for route in routes),
        jobs=found.jobs,
        active=tuple(
            found.jobs[name]
            for name in active
            if name in found.jobs and found.jobs[name].state in ACTIVE
        ),
    )


def _books(found: Snapshot, routes: Iterable[RouteStatus]) -> Books:
    total = found.counters.total
    return Books(
        replayed=total(counters.REPLAYED),
        came_back=total(counters.RETURNED),
        bounced=total(counters.BOUNCED),
        quarantined={reason: total(each) for reason, each in counters.QUARANTINED.items()},
        requeued=total(counters.REQUEUED),
        sheltered=total(counters.SHELTERED),
        discarded=total(counters.DISCARDED),
        redirected=total(counters.REDIRECTED),
        undone=total(counters.UNDONE),
        waiting=sum(route.depth for route in routes),
        missing=dict(found.checks.missing),
        checked_age_seconds=_age(found.checks.balanced_at, found.now),
    )


def _sentence(
    routes: Mapping[str, RouteStatus], paused: Pause | None, jobs: Sequence[Mapping[str, Any]]
) -> str:
    """What goes on on the routes, and of the jobs the one that was asked for first."""
    told = _of_routes(routes, paused)
    if not jobs:
        return told
    job, more = jobs[0], len(jobs) - 1
    counts, waits = job["counts"], job["held_because"]
    first = f"{job['verb']} {job['id']} by {job['actor']}: "
    first += f"{counts['done']:,} of {job['goal']:,} done"
    first += f", waits: {waits}" if waits and job["held_by"] != PAUSED else ""
    first += f", and {more} more job{'' if more == 1 else 's'}" if more else ""
    # An empty queue is no news while a job does something.
    return first if told == WORDS[limits.EMPTY] else f"{told}; {first}"


def _of_routes(routes: Mapping[str, RouteStatus], paused: Pause | None) -> str:
    if paused:
        why = f": {paused.reason}" if paused.reason else ""
        return f"paused by {paused.actor} for another {span(paused.seconds_left)}{why}"
    waiting = {name: route for name, route in routes.items() if route.depth}
    if not waiting:
        return WORDS[limits.EMPTY]
    moving = [
        f"{name} {route.rate:.0f}/s, empty in about {span(route.eta_seconds or 0.0)}"
        for name, route in waiting.items()
        if route.rate
    ]
    if moving:
        return f"replaying {'; '.join(moving)}"
    depth = sum(route.depth for route in waiting.values())
    held = in_words(dict.fromkeys(r.held_by for r in waiting.values() if r.is_held and r.held_by))
    if held:
        return f"{depth:,} held: {held}"
    return f"{depth:,} wait for the next cycle"


def span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
