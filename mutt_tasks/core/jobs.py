"""An operator's job: a verb, exactly these messages, who wants it and why, and how far it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.plan import Verb

# These send messages to their consumers, with a stamp by which one that comes back is known.
SENDING = frozenset({Verb.REPLAY, Verb.REQUEUE})
# These keep what they take from a list in the trash.
TRASHING = frozenset({Verb.DISCARD, Verb.EDIT})


class State(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ACTIVE = frozenset({State.QUEUED, State.RUNNING})


@dataclass(frozen=True)
class Counts:
    """What became of the `planned` messages of a job.

    `gone` were not in their list any more, `skipped` could not be done; of those that were `done`
    so many `came_back` to their dead letter queue since.
    """

    planned: int
    done: int = 0
    gone: int = 0
    skipped: int = 0
    came_back: int = 0

    @property
    def left(self) -> int:
        """What there is still to do."""
        return max(0, self.planned - self.done - self.gone - self.skipped)


@dataclass(frozen=True)
class Job:
    """A job as it stands; moments in seconds since 1970, 0 for not yet.

    `sources` says how many messages of each list are meant: those of the frozen sets of a `plan`,
    or the one that an edit changes, by the SHA-1 of its bytes (`edits`; `makes`: of the new ones),
    or what lies in the trash of the job that an undo takes back (`undoes`). A redirect has a
    `destination`.

    It ends after `stop_after` messages, and sends at most `rate` of them a second, the next one at
    `next_at` (None: as many as there are, as fast as may be). Of its parts that are `over` (from a
    list, on a route) so many messages were refused; in the lists that are `gathered` its messages
    lie at the old end. `why` tells of a job that failed what was
    wrong. `is_cancelled` says that it is to end where it is.
    """

    id: str
    verb: Verb
    state: State
    actor: str
    known_by: str
    reason: str
    plan: str
    sources: Mapping[str, int]
    counts: Counts
    destination: str = ""
    undoes: str = ""
    edits: str = ""
    makes: str = ""
    stop_after: int | None = None
    rate: float | None = None
    next_at: float = 0.0
    over: Mapping[str, int] = field(default_factory=dict)
    gathered: frozenset[str] = frozenset()
    created_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    why: str = ""
    is_cancelled: bool = False
    role: str = OPERATOR

    @property
    def goal(self) -> int:
        """How many messages are to be done in all."""
        planned = self.counts.planned
        return planned if self.stop_after is None else min(planned, self.stop_after)

    @property
    def most(self) -> int:
        """How many messages may still be done now."""
        if self.stop_after is None:
            return self.counts.left
        return max(0, min(self.counts.left, self.stop_after - self.counts.done))


def is_paced(job: Job, targets: frozenset[str]) -> bool:
    """Whether a job sends messages into the pipeline: through gate, canary and pace.

    `targets` are the queues that routes lead to.
    """
    return job.verb in SENDING or job.destination in targets


def goes_before(job: Job, active: Iterable[Job], targets: frozenset[str]) -> Job | None:
    """The job that is served before this one, of those that have not ended (the oldest first).

    Jobs that need no pace are served one after the other; each route serves one that does.
    """
    kind = is_paced(job, targets)
    for each in active:
        if each.id == job.id:
            return None
        are_replays = each.verb is Verb.REPLAY and job.verb is Verb.REPLAY
        is_apart = kind and are_replays and each.sources.keys().isdisjoint(job.sources)
        if is_paced(each, targets) == kind and not is_apart:
            return each
    return None
