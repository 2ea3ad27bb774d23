"""Look at the oldest messages of a dead letter queue, and commit what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import partial
from typing import Any

import redis

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.routes import Route
from mutt_tasks.store import journal, keys
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.batch import Batch, Moved
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import (
    DISCARDED,
    EDITED,
    EXPIRED,
    GATHERED,
    MOVED,
    QUARANTINED,
    REDIRECTED,
    REQUEUED,
    SHELTERED,
    UNDONE,
    Family,
    Increments,
)
from mutt_tasks.store.fields import listed, paired
from mutt_tasks.store.landing import (
    QUEUE_SAMPLE,
    QUEUE_SAMPLE_BYTES,
    SAMPLE,
    SAMPLE_BYTES,
    SAMPLE_LARGEST,
    Landing,
    QueueSight,
    landing_of,
)
from mutt_tasks.store.lease import TTL_MS
from mutt_tasks.store.scripts import Scripts

# One look or commit holds at most so many messages and bytes (but one message of any size), so that
# Redis does nothing else for a few milliseconds only: docs/performance.md has what it took.
MOST_MESSAGES, MOST_BYTES = 500, 256 << 10
# Deep inside a list each message that goes is reached by a walk of its own, so a commit holds fewer
# there: the product of both takes Redis about 1.5 ms.
REACH = 1_000_000


def most_behind(depth: int) -> int:
    """How many messages one commit may hold behind so many others, at the nearer end of a list."""
    return max(1, min(MOST_MESSAGES, REACH // max(1, depth)))


@dataclass(frozen=True)
class Verb:
    """What a commit does with messages that it pushes to the target.

    `outcomes` are the words and the counters of what is moved, those of the target first; the
    journal's entry is a `kind`. The route's state remembers the last commit of each `prefix`.
    Messages are pushed on the target's new end, or on its old one (`to_old_end`).
    """

    outcomes: Mapping[str, Family]
    kind: type[journal.Moved] | type[journal.Sheltered] | type[journal.Acted]
    prefix: str = ""
    to_old_end: bool = False


def _of_job(family: Family, *, to_old_end: bool = False) -> Verb:
    outcomes = {family.word: family, **QUARANTINED}
    return Verb(outcomes, journal.Acted, prefix="job:", to_old_end=to_old_end)


REPLAY = Verb(MOVED, journal.Moved)
SHELTER = Verb({SHELTERED.word: SHELTERED, **QUARANTINED}, journal.Sheltered, prefix="shelter:")
# What lies in the trash is to come back in the same order, from the same end.
DISCARD, EDIT = _of_job(DISCARDED, to_old_end=True), _of_job(EDITED, to_old_end=True)
UNDO = _of_job(UNDONE, to_old_end=True)
REDIRECT, REQUEUE = _of_job(REDIRECTED), _of_job(REQUEUED)
REPLAY_JOB = Verb(MOVED, journal.Acted, prefix="job:")
GATHER, RETIRE = _of_job(GATHERED), _of_job(EXPIRED)


@dataclass(frozen=True)
class JobStep:
    """What a commit notes in the job `id` whose messages of the list `source` it moves.

    `places` are those of the messages in the job's frozen set, `fields` and `increments` its
    fields and numbers. `audit` is the entry of the audit, without its links (None: nothing left the
    list for good).
    """

    id: str
    source: str
    verb: str
    audit: AuditEntry | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    increments: Increments = field(default_factory=dict)
    places: Sequence[int] = ()


@dataclass(frozen=True)
class Commit:
    """What one commit does, in one step or not at all.

    `token` is what the lease holds while it is ours; the same `id` is never committed twice. What
    leaves the source of the `route` is written down for the `cycle`. `state` and `pace` are fields
    of the route's state and of the pace, `increments` counters that grow beside those of the move.
    `job` is the operator's job that it is a part of.
    """

    token: str
    id: str
    cycle: str
    route: Route
    batch: Batch
    state: Mapping[str, Any] = field(default_factory=dict)
    pace: Mapping[str, Any] = field(default_factory=dict)
    increments: Increments = field(default_factory=dict)
    verb: Verb = REPLAY
    job: JobStep | None = None


class Queues:
    """The message lists."""

    def __init__(self, client: redis.Redis, scripts: Scripts, audit: Audit) -> None:
        self._client = client
        self._scripts = scripts
        self._audit = audit

    def look(self, source: str, skip: int, most: int, most_bytes: int) -> list[bytes]:
        """The oldest messages of a list after the first `skip`, oldest first; removes nothing.

        Returns at most `most` messages and `most_bytes` bytes, but always one if there is one.
        """
        found: list[bytes] = self._scripts.call("look", [source], [skip, most, most_bytes])
        return found

    def landing(
        self,
        route: Route,
        alert_queue: str,
        arrivals: int,
        before: Sequence[QueueSight] = (),
        sent: int = 0,
    ) -> Landing:
        """Find replays in the queues, and some of the `arrivals` messages since the last look.

        That one saw the queues as `before` tells, and `sent` replays have gone to the target since.
        """
        known = [sight.after(sent) for sight in before[:1]]
        sights = self._scripts.call(
            "landing",
            [route.target, alert_queue],
            [
                *(route.name, QUEUE_SAMPLE, QUEUE_SAMPLE_BYTES),
                *listed(part for sight in (*known, *before[1:]) for part in astuple(sight)),
            ],
        )
        oldest, newest = self._arrivals(route.source, arrivals) if arrivals else ([], [])
        return landing_of(sights, oldest, newest)

    def _arrivals(self, source: str, arrivals: int) -> tuple[list[bytes], list[bytes]]:
        bounds = [SAMPLE, SAMPLE_BYTES, SAMPLE_LARGEST]
        oldest, newest = self._scripts.call("arrivals", [source], [arrivals, *bounds])
        return oldest, newest

    def commit(self, commit: Commit) -> Moved | None:
        """Do what was decided, in one step; None when the queue changed since the look.

        Raises LeaseLost when the lease does not hold the commit's token any more.
        """
        if commit.job is None or commit.job.audit is None:
            answer = self._called(commit, {})
        else:
            answer = self._audit.written(commit.job.audit, partial(self._called, commit))
        if answer[0] == b"changed":
            return None
        *moved, remaining = (int(number) for number in answer[1:])
        pushed, *quarantined = moved
        return Moved(pushed, dict(zip(QUARANTINED, quarantined, strict=True)), remaining)

    def length(self, name: str) -> int:
        """How many messages a list holds."""
        with translated():
            return int(self._client.llen(name))

    def _called(self, commit: Commit, audit: Mapping[str, str]) -> Any:
        route, job = commit.route, commit.job
        names = [keys.LEASE, route.source, route.target, route.dead, keys.route_state(route.name)]
        names += [keys.STATS, keys.JOURNAL, keys.PACE]
        if job is not None:
            names += [keys.job(job.id), keys.job_done(job.id, job.source)]
            names += [keys.AUDIT, keys.AUDIT_HEAD]
        return self._scripts.call("commit", names, _arguments(commit, audit))


def _arguments(commit: Commit, audit: Mapping[str, str]) -> list[Any]:
    """What `commit.lua` is given, in its order."""
    route, batch, verb, job = commit.route, commit.batch, commit.verb, commit.job
    return [
        *(commit.token, TTL_MS, commit.id),
        *(batch.skip, batch.plan(), batch.digest()),
        *(commit.cycle, journal.LENGTH),
        *(verb.prefix, "R" if verb.to_old_end else "L"),
        *listed(verb.outcomes),
        *listed(family.of(route.name) for family in verb.outcomes.values()),
        *paired(journal.fields_of(_entry(commit))),
        *paired(commit.state),
        *paired(commit.pace),
        *paired(commit.increments),
        *paired(job.fields if job else {}),
        *paired(job.increments if job else {}),
        *paired(audit),
        *listed(job.places if job else ()),
        *batch.payloads(),
    ]


def _entry(commit: Commit) -> journal.Entry:
    """The journal's entry, without the amounts, which the script knows."""
    route, job, kind = commit.route.name, commit.job, commit.verb.kind
    if kind is journal.Acted and job is not None:
        return journal.Acted(route, commit.cycle, commit.id, job.id, job.verb)
    if kind is journal.Sheltered:
        return journal.Sheltered(route, commit.cycle, commit.id)
    return journal.Moved(route, commit.cycle, commit.id)
