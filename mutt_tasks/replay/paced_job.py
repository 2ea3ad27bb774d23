"""A job that sends messages into the pipeline: its part in one route's run.

The run admits, commits and learns as ever, by gate, canary and pace; the job only says which
messages go, before the oldest ones do.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor, inf

from mutt_tasks.core.hunt import Hunt
from mutt_tasks.core.jobs import Job
from mutt_tasks.core.plan import Verb
from mutt_tasks.core.policy import Action, Decision, Policy, decide
from mutt_tasks.core.revival import Revived, revived
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.finder import WAITS, Finder, Found
from mutt_tasks.replay.job_steps import DEAD, members_of, source_of, step_of
from mutt_tasks.replay.route_books import Sending
from mutt_tasks.settings import Settings
from mutt_tasks.store.queues import REDIRECT, REPLAY_JOB, REQUEUE, JobStep
from mutt_tasks.store.queues import Verb as CommitVerb
from mutt_tasks.store.readings import NO_CURSOR

_COMMITS: Mapping[Verb, CommitVerb] = {
    Verb.REPLAY: REPLAY_JOB,
    Verb.REQUEUE: REQUEUE,
    Verb.REDIRECT: REDIRECT,
}


@dataclass(frozen=True)
class Choice:
    """Messages of a job that go now, and the commit that sends them."""

    found: Found
    sending: Sending


@dataclass
class Progress:
    """How far a job is in this cycle; all routes that serve it share it, its limit and its rate."""

    job: Job


class PacedJob:
    """What one job sends on one route, from one list, during a cycle."""

    def __init__(
        self, context: CycleContext, progress: Progress, source: Route, route: Route
    ) -> None:
        job = progress.job
        members = members_of(context, job, source.name)
        done = context.store.jobs.done_bits(job.id, source.name)
        self._context, self._progress = context, progress
        self._source, self._route = source, route
        self._hunt = Hunt(members, done)
        self._finder = Finder(context, source.name, source.source, self._hunt, self._judge)
        self._finder.steps_aside = False
        self._policy = Policy(0, 0.0, 0.0)
        self._now = 0.0
        self._refused: Counter[int] = Counter()  # by the pass that saw them
        self._has_waiting = self.is_over = False

    @property
    def job(self) -> Job:
        """The job as it stands."""
        return self._progress.job

    def is_all_done(self) -> bool:
        """Whether the job has done all that it means here, which is noted."""
        if not self._hunt.left:
            self._context.store.jobs.note_over(self.job.id, self._part, 0)
        return not self._hunt.left

    @property
    def left(self) -> int:
        """How many messages may still go in this cycle."""
        return 0 if self.is_over else min(self._hunt.left, self.job.most)

    def choose(self, policy: Policy, suspects: Suspects, most: int, now: float) -> Choice | None:
        """The next messages that go, at most `most`; None when none can go now.

        `suspects` is what the route knows of its suspects.
        """
        # What an operator wants again need not wait for its backoff.
        self._policy = replace(policy, backoff=0.0, suspect_wait=inf)
        self._now = now
        most = min(most, self.left, self._paced(now))
        if most <= 0:
            return None
        found = self._finder.next(most)
        if found is None:
            if self._finder.has_ended:
                self._end_pass()
            return None
        batch = found.batch
        state: dict[str, int] = {}
        if self._source.source == self._route.source:
            suspects = suspects.moved(batch.places, batch.sends_suspect, now)
            # What is known of messages that wait at the old end does not hold any more.
            state = dict(NO_CURSOR)
        verb, step = _COMMITS[self.job.verb], self._step(found)
        return Choice(found, Sending(batch, self._source, state, suspects, verb=verb, job=step))

    def moved(self, choice: Choice) -> None:
        """These have gone."""
        done = len(choice.found.places)
        self._finder.moved(choice.found)
        counts = self.job.counts
        next_at = self._next_at(done)
        self._progress.job = replace(
            self.job,
            counts=replace(counts, done=counts.done + done),
            next_at=next_at,
            started_at=self.job.started_at or self._now,
        )

    def _end_pass(self) -> None:
        """None of the job's messages can go now: they are gone, refused, or have to wait."""
        self.is_over = True
        if not self._has_waiting:
            self._context.store.jobs.note_over(
                self.job.id, self._part, self._refused[self._finder.passes - 1]
            )

    def _step(self, found: Found) -> JobStep:
        step = step_of(self._context, self.job, self._source.name, found.places, len(found.places))
        next_at = self._next_at(len(found.places))
        return replace(step, fields={**step.fields, "next_at": f"{next_at:.3f}"})

    def _next_at(self, done: int) -> float:
        """When the next message may go by the job's own rate, after `done` go now."""
        rate = self.job.rate
        return max(self._now, self.job.next_at) + done / rate if rate else 0.0

    @property
    def _part(self) -> str:
        return part_of(self._source, self._route)

    def _paced(self, now: float) -> int:
        """How many may go by the job's own rate."""
        rate = self.job.rate
        if rate is None:
            return self.left
        return 0 if now < self.job.next_at else 1 + floor(min(0.1, now - self.job.next_at) * rate)

    def _judge(self, raw: bytes) -> Decision:
        if self.job.verb is Verb.REDIRECT:
            return Decision(Action.MOVE)
        if self.job.verb is Verb.REQUEUE:
            return self._requeued(raw)
        decision = decide(raw, self._route, self._policy, self.job.id, self._now)
        if decision.action is Action.REPLAY:
            return decision
        if decision.action is Action.WAIT:
            self._has_waiting = True
        else:
            self._refused[self._finder.passes] += 1
        return WAITS

    def _requeued(self, raw: bytes) -> Decision:
        routes = self._context.settings.routes
        ready = revived(raw, routes, self._policy, self.job.id, self._now)
        if not isinstance(ready, Revived):
            # Each route looks at the whole list: one of them counts what belongs to none.
            self._refused[self._finder.passes] += self._route == routes[0]
            return WAITS
        if ready.route != self._route:
            return WAITS
        # It goes to the consumer, so it is a replay, the first one of its new header.
        return decide(ready.payload, self._route, self._policy, self.job.id, self._now)


def part_of(source: Route, route: Route) -> str:
    """What a job calls its part on one route, from one list."""
    return f"{source.name}>{route.name}"


def parts_of(settings: Settings, job: Job) -> list[tuple[Route, Route]]:
    """From which lists to which routes a job sends; a list that is on no more is left out."""
    found = [source_of(settings, name) for name in job.sources]
    sources, routes = [source for source in found if source is not None], settings.routes
    if job.verb is Verb.REPLAY:
        return [(source, source) for source in sources if source.name != DEAD]
    if job.verb is Verb.REQUEUE:
        return [(source, route) for source in sources for route in routes]
    route = next(route for route in routes if route.target == job.destination)
    return [(source, route) for source in sources]
