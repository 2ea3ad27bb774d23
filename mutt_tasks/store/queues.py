"""Look at the oldest messages of a dead letter queue, and commit what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from mutt_tasks.core.routes import Route
from mutt_tasks.store import journal, keys
from mutt_tasks.store.batch import Batch, Moved
from mutt_tasks.store.counters import MOVED, QUARANTINED, SHELTERED, Family, Increments
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


@dataclass(frozen=True)
class Verb:
    """What a commit does with messages that it pushes to the target.

    `outcomes` are the words and the counters of what is moved, those of the target first; the
    journal's entry is a `kind`. Each verb remembers its commits in a state of its own.
    """

    outcomes: Mapping[str, Family]
    kind: type[journal.Moved] | type[journal.Sheltered]
    suffix: str = ""


REPLAY = Verb(MOVED, journal.Moved)
SHELTER = Verb({SHELTERED.word: SHELTERED, **QUARANTINED}, journal.Sheltered, suffix=":shelter")


@dataclass(frozen=True)
class Commit:
    """What one commit does, in one step or not at all.

    `token` is what the lease holds while it is ours; the same `id` is never committed twice. What
    leaves the source of the `route` is written down for the `cycle`. `state` and `pace` are fields
    of the route's state and of the pace, `increments` counters that grow beside those of the move.
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


class Queues:
    """The message lists."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

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
        known = [replace(sight, replays=sight.replays + sent) for sight in before[:1]]
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
        route, suffix = commit.route, commit.verb.suffix
        answer = self._scripts.call(
            "commit",
            [
                *(keys.LEASE, route.source, route.target, route.dead),
                *(keys.route_state(route.name + suffix), keys.STATS, keys.JOURNAL, keys.PACE),
            ],
            _arguments(commit),
        )
        if answer[0] == b"changed":
            return None
        *moved, remaining = (int(number) for number in answer[1:])
        pushed, *quarantined = moved
        return Moved(pushed, dict(zip(QUARANTINED, quarantined, strict=True)), remaining)


def _arguments(commit: Commit) -> list[Any]:
    """What `commit.lua` is given, in its order."""
    route, batch, outcomes = commit.route, commit.batch, commit.verb.outcomes
    entry = commit.verb.kind(route.name, commit.cycle, commit.id)
    return [
        *(commit.token, TTL_MS, commit.id),
        *(batch.skip, batch.plan(), batch.digest()),
        *(commit.cycle, journal.LENGTH),
        *listed(outcomes),
        *listed(family.of(route.name) for family in outcomes.values()),
        *paired(journal.fields_of(entry)),
        *paired(commit.state),
        *paired(commit.pace),
        *paired(commit.increments),
        *batch.payloads(),
    ]
