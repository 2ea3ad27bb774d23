"""The jobs that send messages into the pipeline: which one each route serves, and how they end."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mutt_tasks.core.jobs import Job, State, is_paced
from mutt_tasks.core.routes import Route
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.gathering import is_to_be_gathered
from mutt_tasks.replay.job_steps import lists_of
from mutt_tasks.replay.paced_job import PacedJob, Progress, part_of, parts_of
from mutt_tasks.store.job_changes import Ending


@dataclass(frozen=True)
class PacedJobs:
    """The jobs that routes serve in one cycle, the first that was submitted first.

    In the lists that are `busy` a job is at work, deep inside.
    """

    context: CycleContext
    jobs: tuple[Progress, ...] = ()
    busy: frozenset[str] = field(default_factory=frozenset)

    def on(self, route: Route) -> PacedJob | None:
        """What this route serves."""
        settings = self.context.settings
        for progress in self.jobs:
            job = progress.job
            for source, its_route in parts_of(settings, job):
                is_open = part_of(source, route) not in job.over and source.name not in self.busy
                is_here = is_open and its_route == route
                if not is_here or is_to_be_gathered(self.context, job, source):
                    continue
                part = PacedJob(self.context, progress, source, route)
                if not part.is_all_done():
                    return part
        return None


def read(context: CycleContext) -> PacedJobs:
    """The jobs of this cycle."""
    store, settings = context.store, context.settings
    lists = lists_of(settings)
    if not store.jobs.is_work_left(lists):
        return PacedJobs(context)
    found = tuple(Progress(job) for job in unfinished(context))
    return PacedJobs(context, found, store.jobs.busy(lists))


def settle(context: CycleContext) -> None:
    """End the jobs that have nothing left to send, or are to end where they are."""
    settings = context.settings
    for job in unfinished(context):
        parts = parts_of(settings, job)
        is_over = all(part_of(source, route) in job.over for source, route in parts)
        if job.is_cancelled:
            _end(context, job, State.CANCELLED)
        elif not job.most:
            _end(context, job, State.DONE)
        elif is_over:
            refused = min(job.counts.left, sum(job.over.values()))
            counts = replace(job.counts, skipped=refused)
            counts = replace(counts, gone=counts.left)
            _end(context, replace(job, counts=counts), State.DONE)


def unfinished(context: CycleContext) -> Iterable[Job]:
    """The jobs that need the pace and have not ended."""
    targets = frozenset(route.target for route in context.settings.routes)
    return [job for job in context.store.jobs.active() if is_paced(job, targets)]


def _end(context: CycleContext, job: Job, state: State) -> None:
    now = context.surroundings.now()
    context.store.job_changes.end(context.token, job, Ending(state, job.counts), now)
