"""A plan: a verb, exactly these messages, and what of them is left out and why."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.policy import Action, Policy, decide
from mutt_tasks.core.revival import why_not_revived
from mutt_tasks.core.routes import Route


class Verb(StrEnum):
    """What an operator can have done with messages."""

    REPLAY = "replay"
    REQUEUE = "requeue"
    DISCARD = "discard"
    REDIRECT = "redirect"
    EDIT = "edit"
    UNDO = "undo"


# What a plan can be made for; an edit is of one message, and an undo of one job.
PLANNED = (Verb.REPLAY, Verb.REQUEUE, Verb.DISCARD, Verb.REDIRECT)


@dataclass(frozen=True)
class Plan:
    """A frozen selection; moments in seconds since 1970.

    `sources` counts the messages of each list, `skipped` those that match and are left out, by
    reason; `sample` are ids of some. `where` is the filter as it was written (empty: none was), and
    `destination` the queue of a redirect. The `etag` is another one for any other set.
    """

    id: str
    etag: str
    verb: Verb
    sources: Mapping[str, int]
    skipped: Mapping[str, int] = field(default_factory=dict)
    sample: tuple[str, ...] = ()
    where: str = ""
    destination: str = ""
    made_at: float = 0.0
    expires_at: float = 0.0

    @property
    def count(self) -> int:
        """How many messages are meant."""
        return sum(self.sources.values())


def etag_of(verb: Verb, destination: str, sets: Mapping[str, FrozenSet]) -> str:
    """What tells one frozen selection from another: a verb, a destination, and these messages."""
    found = hashlib.sha256(f"{verb.value}\n{destination}\n".encode())
    for source, members in sorted(sets.items()):
        found.update(f"{source} {len(members)}\n".encode())
        found.update(members.data)
    return found.hexdigest()[:32]


def why_skipped(
    verb: Verb, raw: bytes, route: Route, routes: tuple[Route, ...], policy: Policy, *, now: float
) -> str:
    """Why a message is left out of a plan, in a word or two; empty when it is not.

    A replay leaves out what would go straight to the dead letter list, and a requeue what would go
    straight back there, or belongs to no route. What waits for its backoff is left out by neither.
    """
    if verb is Verb.REPLAY:
        decision = decide(raw, route, policy, "", now)
        return decision.reason if decision.action is Action.QUARANTINE else ""
    return why_not_revived(raw, routes, policy, now) if verb is Verb.REQUEUE else ""
