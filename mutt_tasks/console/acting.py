"""What somebody has done: plans, jobs, and all that is written down; for pages and API alike.

Everything here runs in a thread. The role is checked first, and what is refused is in the audit.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from mutt_tasks.console.context import Console
from mutt_tasks.console.messages import Reader
from mutt_tasks.console.permission import check
from mutt_tasks.console.problems import Problem
from mutt_tasks.core.access import CANCEL, PLAN, UNDO, Identity
from mutt_tasks.core.jobs import Job
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.errors import NotFound, SetChanged
from mutt_tasks.operations import job_view, jobs, planning
from mutt_tasks.operations.attempts import attempted, refused
from mutt_tasks.operations.jobs import Order
from mutt_tasks.operations.looking import Looker, Progress
from mutt_tasks.operations.notes import Wish
from mutt_tasks.operations.planning import Selection

# The number of more messages than this has to be typed.
MANY = 1000
# These send messages to their consumers, so that a pause holds them.
_SENDING = frozenset({Verb.REPLAY, Verb.REQUEUE})


@dataclass(frozen=True)
class Actor:
    """Somebody who acts, and the `key` of this one request: with the same one it is done once."""

    console: Console
    who: Identity
    key: str = ""

    @property
    def request(self) -> str:
        """The name of the request; nobody else's is the same."""
        return f"{self.who.known_by}:{self.who.name}:{self.key}" if self.key else uuid4().hex

    def order(self, reason: str, **limits: Any) -> Order:
        """What is wanted of a job."""
        who = self.who
        return Order(who.name, who.known_by, reason, self.request, role=who.role, **limits)

    def wish(self) -> Wish:
        """What is wanted of a note or an acknowledgement."""
        return Wish(self.request, self.who.name, self.who.known_by, self.who.role)

    def check(self, permission: str, scope: str = "") -> None:
        """Raise Problem when that is not allowed."""
        check(self.console, self.who, permission, scope)


@dataclass(frozen=True)
class JobWanted:
    """A job on the plan `plan_id`, which is to be that of the `etag`, and why."""

    plan_id: str
    etag: str
    reason: str
    stop_after: int | None = None
    rate: float | None = None
    queue_while_paused: bool = False


def make_plan(actor: Actor, progress: Progress, wanted: Selection) -> dict[str, Any]:
    """Freeze a selection. Raises Problem, InvalidArgument, NotFound, PlaceLost and StoreError."""
    actor.check(PLAN, wanted.verb.value)
    actor.check(wanted.verb.value, "plan")
    looker = actor.console.look(progress)
    Reader(actor.console, actor.who).check_filter(looker, wanted.where)
    # The same key with another selection is another plan: never one that was not asked for.
    meant = hashlib.sha256(repr(wanted).encode()).hexdigest()
    request = f"{actor.request}:{meant}" if actor.key else ""
    return job_view.plan(looker, planning.make(looker, wanted, request))


def plan(console: Console, plan_id: str) -> dict[str, Any]:
    """A plan that was made before. Raises NotFound when it is gone, and StoreError."""
    looker = console.look()
    try:
        return job_view.plan(looker, planning.find(looker, plan_id))
    except SetChanged as gone:
        raise NotFound(str(gone)) from None


def submit(actor: Actor, wanted: JobWanted) -> tuple[dict[str, Any], bool]:
    """Have a plan done; returns its job, and whether it is a new one.

    Raises Problem, SetChanged, InvalidArgument and StoreError.
    """
    looker = actor.console.look()
    limits = {"stop_after": wanted.stop_after, "rate": wanted.rate}
    order = actor.order(wanted.reason, **limits).checked()
    earlier = jobs.earlier(looker.store, order)
    if earlier is not None:
        _check_same(earlier, wanted)
        return job_view.job(looker, earlier), False
    with attempted(looker.store, order.to("submit", wanted.plan_id)):
        found = planning.find(looker, wanted.plan_id)
        actor.check(found.verb.value, found.id)
        if found.etag != wanted.etag:
            raise SetChanged(f"the plan {found.id} is not the one that was shown: look at it again")
    if not found.count:
        raise Problem(409, "nothing-to-do", f"{found.id} means no message: there is nothing to do")
    if not wanted.queue_while_paused:
        _check_not_paused(looker, found, order)
    return job_view.job(looker, jobs.submit(looker.store, found, order)), True


def cancel(actor: Actor, job_id: str, reason: str) -> dict[str, Any]:
    """End a job where it is. Raises Problem, NotFound, Refused, InvalidArgument and StoreError."""
    actor.check(CANCEL, job_id)
    looker = actor.console.look()
    return job_view.job(looker, jobs.cancel(looker.store, job_id, actor.order(reason)))


def undo(actor: Actor, job_id: str, reason: str) -> dict[str, Any]:
    """Take a job back. Raises Problem, NotFound, Refused, InvalidArgument and StoreError."""
    actor.check(UNDO, job_id)
    looker = actor.console.look()
    return job_view.job(looker, jobs.undo(looker.store, job_id, actor.order(reason)))


def _check_same(earlier: Job, wanted: JobWanted) -> None:
    """Raise Problem when a request that was granted is asked for again as another one."""
    asked = (wanted.plan_id, wanted.reason, wanted.stop_after, wanted.rate)
    if (earlier.plan, earlier.reason, earlier.stop_after, earlier.rate) != asked:
        raise Problem(
            409,
            "key-used",
            f"sent before, as {earlier.id}, which differs: take another Idempotency-Key",
        )


def _check_not_paused(looker: Looker, found: Plan, order: Order) -> None:
    """Raise Problem while a pause holds what the plan says."""
    targets = {route.target for route in looker.settings.routes}
    if found.verb not in _SENDING and found.destination not in targets:
        return
    paused = looker.store.pauses.current()
    if paused is not None:
        why = (
            f"paused by {paused.actor} for another {paused.seconds_left:.0f} s: {paused.reason};"
            " with queue_while_paused the job waits for the end of the pause"
        )
        refused(looker.store, order.to(f"submit {found.verb.value}", found.id), why)
        raise Problem(423, "paused", why, {"Retry-After": str(round(paused.seconds_left) + 1)})
