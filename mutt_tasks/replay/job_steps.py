"""What a commit and the end of a job write down of it."""

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.jobs import Job, State
from mutt_tasks.core.routes import Route
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.settings import Settings
from mutt_tasks.store.queues import JobStep

# Redis is left alone for so many times as long as a look and a commit took.
_REST = 2.0

# What people call the dead letter list.
DEAD = "dead"


def source_of(settings: Settings, name: str) -> Route | None:
    """The list with this name, as a route from there; None when it is on no more.

    Of the dead letter list only `source` and `dead` tell something.
    """
    dead = settings.lists.dead_letter_queue
    if name == DEAD:
        return Route(DEAD, dead, dead, dead, reset_fields=())
    return next((route for route in settings.routes if route.name == name), None)


def lists_of(settings: Settings) -> tuple[str, ...]:
    """The names of all lists that jobs work in."""
    return (*(route.name for route in settings.routes), DEAD)


def members_of(context: CycleContext, job: Job, source: str) -> FrozenSet:
    """The messages that a job means of one list."""
    if job.edits:
        return FrozenSet.of([bytes.fromhex(job.edits)])
    return context.store.plans.members(job.plan, source)


def step_of(context: CycleContext, job: Job, source: str, places: list[int], done: int) -> JobStep:
    """What a commit notes of a job that does `done` messages of one list."""
    fields = {"state": State.RUNNING.value}
    if not job.started_at:
        fields["started_at"] = f"{context.surroundings.now():.3f}"
    return JobStep(
        id=job.id,
        source=source,
        verb=job.verb.value,
        audit=AuditEntry(
            verb=job.verb.value,
            actor=job.actor,
            known_by=job.known_by,
            role=job.role,
            scope=source,
            reason=job.reason,
            count=done,
            before=source,
            after=job.destination,
            outcome="done",
            job=job.id,
            cycle=context.cycle,
        ),
        fields=fields,
        increments={"done": done},
        places=places,
    )


def rest(context: CycleContext, began_at: float) -> None:
    """Leave Redis alone for a while after a step that began then (monotonic seconds)."""
    surroundings = context.surroundings
    surroundings.wait(_REST * (surroundings.monotonic() - began_at))
