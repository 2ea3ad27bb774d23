"""What a job replays from deep inside a long list is taken to the list's old end first.

Each of its commits would have to reach deep into the list, for as long as the pace takes. So its
messages are taken out in one go, as by a job that needs no pace, and become the oldest ones.
"""

from itertools import count

from mutt_tasks.core.hunt import Hunt
from mutt_tasks.core.jobs import Job, State
from mutt_tasks.core.policy import Action, Decision
from mutt_tasks.core.routes import Route
from mutt_tasks.replay.beside import have_beside, is_free
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.finder import Finder, Found
from mutt_tasks.replay.job_steps import members_of, rest, source_of
from mutt_tasks.store import keys
from mutt_tasks.store.asides import OWNER
from mutt_tasks.store.queues import GATHER, Commit, JobStep
from mutt_tasks.store.readings import NO_CURSOR

_MOVES = Decision(Action.MOVE)


def is_to_be_gathered(context: CycleContext, job: Job, source: Route) -> bool:
    """Whether the job's messages may lie deep inside a list."""
    deep = context.surroundings.scan.deep
    return source.name not in job.gathered and context.store.queues.length(source.source) > deep


def gather(context: CycleContext, job: Job, late_at: float) -> bool:
    """Take the job's messages to the old ends of their lists; False when time is up.

    `late_at` is a moment by this process' clock, in seconds.
    """
    for name in job.sources:
        route = source_of(context.settings, name)
        if route is None or name in job.gathered:
            continue
        is_busy = name in context.store.jobs.busy([name])
        if not is_busy and not is_to_be_gathered(context, job, route):
            continue
        if not _Gathering(context, job, route).run(late_at):
            return False
    return True


class _Gathering:
    """The messages of one list."""

    def __init__(self, context: CycleContext, job: Job, route: Route) -> None:
        self._context, self._job, self._route = context, job, route
        self._commits = count(1)

    def run(self, late_at: float) -> bool:
        context, job, route = self._context, self._job, self._route
        store, clock = context.store, context.surroundings.monotonic
        if not is_free(context, route.name, job.id, late_at):
            return False
        hunt = Hunt(members_of(context, job, route.name), store.jobs.done_bits(job.id, route.name))
        finder = Finder(context, route.name, route.source, hunt, lambda _raw: _MOVES, owner=job.id)
        # Some lie in front already, where a cycle before this one ran out of time.
        left = min(job.most, hunt.left) - store.queues.length(keys.front(route.name))
        while left > 0 and not store.jobs.is_cancelled(job.id):
            began_at = clock()
            if began_at > late_at:
                return False
            found = finder.next(left)
            if found is None and finder.has_ended:
                break
            if found is not None and self._commit(found):
                finder.moved(found)
                left -= len(found.places)
            rest(context, began_at)
        while not finder.go_home():
            if clock() > late_at:
                return False
        have_beside(context, route, keys.front(route.name), 0)
        store.jobs.note_gathered(job.id, route.name)
        return True

    def _commit(self, found: Found) -> bool:
        context, job, route = self._context, self._job, self._route
        moved = context.store.queues.commit(
            Commit(
                token=context.token,
                id=f"{context.token}:{job.id}:gather:{next(self._commits)}",
                cycle=context.cycle,
                route=Route(route.name, route.source, keys.front(route.name), route.dead, ()),
                batch=found.batch,
                state={**NO_CURSOR, OWNER: job.id},
                verb=GATHER,
                job=JobStep(job.id, route.name, job.verb.value, fields={"state": State.RUNNING}),
            )
        )
        return moved is not None
