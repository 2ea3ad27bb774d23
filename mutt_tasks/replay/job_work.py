"""What jobs do without the pipeline: discard, redirect elsewhere, edit, undo.

They need the lease and a share of Redis' time, no gate and no pace. Each commit moves messages and
notes that in the job, the counters, the journal and the audit, all at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count

from mutt_tasks.core.hunt import Hunt
from mutt_tasks.core.jobs import TRASHING, Counts, Job, State, is_paced
from mutt_tasks.core.plan import Verb
from mutt_tasks.core.policy import Action, Decision
from mutt_tasks.core.routes import Route
from mutt_tasks.replay import forward, paced_jobs
from mutt_tasks.replay.beside import is_free, put_back
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.finder import WAITS, Finder, Found
from mutt_tasks.replay.gathering import gather
from mutt_tasks.replay.job_steps import lists_of, members_of, rest, source_of, step_of
from mutt_tasks.settings import Settings
from mutt_tasks.store import keys
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.job_changes import Ending
from mutt_tasks.store.queues import (
    DISCARD,
    EDIT,
    MOST_BYTES,
    MOST_MESSAGES,
    REDIRECT,
    UNDO,
    Commit,
)
from mutt_tasks.store.queues import Verb as CommitVerb
from mutt_tasks.store.store import Store
from mutt_tasks.store.trash import KEPT

_COMMITS: Mapping[Verb, CommitVerb] = {
    Verb.DISCARD: DISCARD,
    Verb.REDIRECT: REDIRECT,
    Verb.EDIT: EDIT,
    Verb.UNDO: UNDO,
}

_MOVES = Decision(Action.MOVE)


def _moves(_raw: bytes) -> Decision:
    return _MOVES


def _waits(_raw: bytes) -> Decision:
    return WAITS


def work(context: CycleContext, seconds: float) -> bool:
    """Go on with the jobs that need no pace, for about so long; True when some is left.

    What jobs that need it mean, and a drain that found it deep inside, is taken to the old ends of
    long lists.
    """
    settings, store = context.settings, context.store
    lists = lists_of(settings)
    if not store.jobs.is_work_left(lists):
        return False
    paced_jobs.settle(context)
    late_at = context.surroundings.monotonic() + seconds
    targets = frozenset(route.target for route in settings.routes)
    jobs = store.jobs.active()
    meant = {name for job in jobs for name in job.sources}
    under_way = forward.bring(context, set(lists) - meant, late_at)
    if not put_back(context, store.jobs.busy(lists) - meant - under_way, late_at):
        return True
    for job in jobs:
        is_done = (
            gather(context, job, late_at)
            if is_paced(job, targets)
            else JobWork(context, job).run(late_at)
        )
        if not is_done:
            return True
    return False


def wants_cycle(store: Store, settings: Settings) -> bool:
    """Whether a cycle should begin for the sake of jobs, now that no step of one is under way.

    Those that need the pipeline are served by the drain's own cycles, if there is one.
    """
    lists = lists_of(settings)
    if not store.jobs.is_work_left(lists):
        return False
    targets = frozenset(route.target for route in settings.routes)
    jobs = store.jobs.active()
    is_urgent = any(job.is_cancelled or not is_paced(job, targets) for job in jobs)
    return store.lease.is_free(while_resting=is_urgent or bool(store.jobs.busy(lists)))


class JobWork:
    """One job under one lease."""

    def __init__(self, context: CycleContext, job: Job) -> None:
        self._context, self._job = context, job
        self._commits = count(1)
        self._counts = job.counts

    def run(self, late_at: float) -> bool:
        """Work until `late_at` (monotonic seconds); True when the job has ended."""
        gone = 0
        for name in self._job.sources:
            route = source_of(self._context.settings, name)
            if route is None:
                self._end(State.FAILED, gone, f"route {name} is not on")
                return True
            is_whole = self._is_undo and not self._job.edits
            left = self._undo(route, late_at) if is_whole else self._sweep(route, late_at)
            if left is None:
                return False
            gone += left
        is_cancelled = self._is_cancelled()
        state = State.CANCELLED if is_cancelled else State.DONE
        # Of what was not looked for nobody knows whether it is there.
        self._end(state, 0 if is_cancelled or self._is_stopped else gone)
        return True

    @property
    def _is_undo(self) -> bool:
        return self._job.verb is Verb.UNDO

    @property
    def _most(self) -> int:
        return replace(self._job, counts=self._counts).most

    @property
    def _is_stopped(self) -> bool:
        stop_after = self._job.stop_after
        return stop_after is not None and self._counts.done >= stop_after

    def _is_cancelled(self) -> bool:
        return self._context.store.jobs.is_cancelled(self._job.id)

    def _sweep(self, route: Route, late_at: float) -> int | None:
        """Do what the job wants in one list; how many were not there, or None: time is up."""
        store, clock = self._context.store, self._context.surroundings.monotonic
        if not is_free(self._context, route.name, self._job.id, late_at):
            return None
        members = members_of(self._context, self._job, route.name)
        hunt = Hunt(members, store.jobs.done_bits(self._job.id, route.name))
        finder = Finder(
            self._context, route.name, route.source, hunt, self._judged(), owner=self._job.id
        )
        while hunt.left and self._most > 0 and not self._is_cancelled():
            began_at = clock()
            if began_at > late_at:
                return None
            found = finder.next(self._most)
            if found is None and finder.has_ended:
                break
            if found is not None and self._commit(route, found):
                finder.moved(found)
            rest(self._context, began_at)
        while not finder.go_home():
            if clock() > late_at:
                return None
        return hunt.left

    def _commit(self, route: Route, found: Found) -> bool:
        """Do these messages; False when somebody changed the list since the look."""
        job = self._job
        is_kept = job.verb in TRASHING or self._is_undo
        target = keys.trash(self._keeper, route.name) if is_kept else job.destination
        return self._moved(replace(route, target=target), found.batch, found.places)

    @property
    def _keeper(self) -> str:
        """The job in whose trash lies what this one takes, or took."""
        return self._job.undoes or self._job.id

    def _judged(self) -> Callable[[bytes], Decision]:
        """What becomes of a message of the job."""
        if not self._job.edits:
            return _moves
        payload = self._context.store.trash.edited(self._job.id)
        if payload is None:
            return _waits
        # The original takes its place again; the trash has what was made of it instead.
        action = Action.RESTORE if self._is_undo else Action.EDIT
        return lambda _: Decision(action, payload=payload)

    def _undo(self, route: Route, late_at: float) -> int | None:
        """Put back what lies in the trash; how much was not there, or None: time is up."""
        store, clock = self._context.store, self._context.surroundings.monotonic
        trash = keys.trash(self._job.undoes, route.name)
        while not self._is_cancelled():
            began_at = clock()
            if began_at > late_at:
                return None
            page = store.queues.look(trash, 0, MOST_MESSAGES, MOST_BYTES)
            if not page:
                break
            back = replace(route, source=trash, target=route.source)
            self._moved(back, Batch(0, page, [_MOVES] * len(page)), [])
            rest(self._context, began_at)
        return max(0, self._counts.left) if route.name == list(self._job.sources)[-1] else 0

    def _moved(self, route: Route, batch: Batch, places: list[int]) -> bool:
        context, job = self._context, self._job
        done = len(places) or len(batch.messages)
        is_back = self._is_undo and not job.edits
        moved = context.store.queues.commit(
            Commit(
                token=context.token,
                id=f"{context.token}:{job.id}:{next(self._commits)}",
                cycle=context.cycle,
                route=route,
                batch=batch,
                state=context.store.readings.shifted(route.name, batch, is_back=is_back),
                verb=_COMMITS[job.verb],
                job=step_of(context, job, route.name, places, done),
            )
        )
        if moved is None:
            return False
        self._counts = replace(self._counts, done=self._counts.done + done)
        started_at = job.started_at or context.surroundings.now()
        self._job = replace(job, started_at=started_at)
        return True

    def _end(self, state: State, gone: int, why: str = "") -> None:
        context, job = self._context, self._job
        now = context.surroundings.now()
        counts: Counts = replace(self._counts, gone=gone)
        whose = self._keeper if self._is_undo or job.verb in TRASHING else ""
        has_trash = any(context.store.trash.depths({whose: tuple(job.sources)}).values())
        removed_at = now + KEPT if has_trash else None
        ending = Ending(state, counts, why, whose, removed_at)
        context.store.job_changes.end(context.token, job, ending, now)
