"""Jobs as operators ask for them: submit a plan, look, cancel, take back; the worker does them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.identity import DIGITS, JOB_PREFIX, PREFIX, digest
from mutt_tasks.core.jobs import ACTIVE, TRASHING, Counts, Job, State
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.errors import InvalidArgument, NotFound, Refused, SetChanged
from mutt_tasks.operations import arguments
from mutt_tasks.operations.attempts import Attempt, attempted
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store


@dataclass(frozen=True)
class Order:
    """Who wants something, in which `role`, and why; of the same `request` comes one job.

    The job ends after `stop_after` messages, and sends at most `rate` of them a second.
    """

    actor: str
    known_by: str
    reason: str
    request: str
    stop_after: int | None = None
    rate: float | None = None
    role: str = OPERATOR

    def checked(self) -> "Order":
        """The same; raises InvalidArgument that names what is wrong."""
        arguments.line("actor", self.actor)
        arguments.line("reason", self.reason)
        if self.stop_after is not None:
            arguments.seconds("stop-after", self.stop_after, 1, 1e9)
        if self.rate is not None:
            arguments.seconds("rate", self.rate, 0.01, 1e6)
        return self

    def to(self, verb: str, scope: str) -> Attempt:
        """What is wanted, as the audit tells it where it is refused."""
        return Attempt(verb, self.actor, self.known_by, self.reason, scope, role=self.role)

    @property
    def job_id(self) -> str:
        """The same for the same request."""
        digest = hashlib.sha1(self.request.encode(), usedforsecurity=False)
        return f"{JOB_PREFIX}{digest.hexdigest()[:DIGITS]}"


def submit(store: Store, plan: Plan, order: Order) -> Job:
    """Have the worker do what a plan says.

    Raises SetChanged when the plan is gone, or is another one by now, InvalidArgument and
    StoreError.
    """
    with attempted(store, order.to(f"submit {plan.verb.value}", plan.id)):
        return _submitted(store, planned(plan, order), order, plan.etag, _meant(plan))


def planned(plan: Plan, order: Order) -> Job:
    """The job of a plan, before it is submitted; raises InvalidArgument."""
    job = _job(order, plan.verb, plan.sources)
    return replace(job, plan=plan.id, destination=plan.destination)


def undo(store: Store, job_id: str, order: Order) -> Job:
    """Have the worker put back what a job took from its lists, at their old end.

    Raises NotFound, Refused when the job is under way or has nothing in the trash, InvalidArgument
    and StoreError.
    """
    done = earlier(store, order)
    if done is not None and done.undoes == job_id:
        return done
    with attempted(store, order.to(f"submit {Verb.UNDO.value}", job_id)):
        return _undone(store, job_id, order)


def _undone(store: Store, job_id: str, order: Order) -> Job:
    job = get(store, job_id)
    if job.verb not in TRASHING:
        raise Refused(f"{job.id} is a {job.verb.value}: only a discard or an edit can be undone")
    if job.state in ACTIVE:
        raise Refused(f"{job.id} is {job.state.value}: wait for its end, or cancel it")
    depths = store.trash.depths({job.id: tuple(job.sources)})
    kept = {source: depth for (_, source), depth in depths.items() if depth}
    if not kept:
        raise Refused(f"nothing of {job.id} lies in the trash any more")
    back = replace(_job(order, Verb.UNDO, kept), undoes=job.id)
    if job.verb is Verb.EDIT:
        # The original takes its place again: both of them would tell Moogsoft twice.
        original = store.trash.original(job.id, next(iter(kept))) or b""
        store.trash.keep_edit(back.id, original)
        back = replace(back, edits=job.makes, makes=job.edits)
    return _submitted(store, back, order)


def edit(store: Store, source: str, raw: bytes, payload: bytes, order: Order) -> Job:
    """Have the worker put `payload` in the place of the message `raw` of the list `source`.

    Raises InvalidArgument and StoreError.
    """
    with attempted(store, order.to(f"submit {Verb.EDIT.value}", f"{PREFIX}{digest(raw)[:DIGITS]}")):
        job = replace(_job(order, Verb.EDIT, {source: 1}), edits=digest(raw), makes=digest(payload))
        store.trash.keep_edit(job.id, payload)
        return _submitted(store, job, order)


def earlier(store: Store, order: Order) -> Job | None:
    """The job that came of this request before; None when there is none yet."""
    return store.jobs.get(order.job_id)


def cancel(store: Store, job_id: str, order: Order) -> Job:
    """Have a job end where it is; raises NotFound, Refused when it has ended, and so on."""
    with attempted(store, order.to("cancel", job_id)):
        order.checked()
        job = get(store, job_id)
        request = Request(order.request, order.actor, order.reason, order.known_by, role=order.role)
        if not store.job_changes.cancel(job, request):
            raise Refused(f"{job.id} is over already, or is to be cancelled")
    return get(store, job_id)


def get(store: Store, job_id: str) -> Job:
    """A job as it stands; raises NotFound."""
    job = store.jobs.get(job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id!r:.40}; `jobs` lists those of the last 30 days")
    return job


def listed(store: Store, most: int = 20, before: str = "") -> list[Job]:
    """The `most` jobs that were submitted last, the newest first; only those before `before`.

    Raises InvalidArgument when that is no job of the last 30 days.
    """
    found = store.jobs.listed(most, before)
    if found is None:
        raise InvalidArgument(f"before: got {before!r:.40}, accepts the id of a job")
    return found


def _job(order: Order, verb: Verb, sources: Mapping[str, int]) -> Job:
    order.checked()
    return Job(
        id=order.job_id,
        verb=verb,
        state=State.QUEUED,
        actor=order.actor,
        known_by=order.known_by,
        role=order.role,
        reason=order.reason,
        plan="",
        sources={source: count for source, count in sources.items() if count},
        counts=Counts(sum(sources.values())),
        stop_after=order.stop_after,
        rate=order.rate,
    )


def _meant(plan: Plan) -> str:
    """How the messages of a plan were chosen."""
    return f"where {plan.where}" if plan.where else f"{plan.id}, such as {', '.join(plan.sample)}"


def _submitted(store: Store, job: Job, order: Order, etag: str = "", meant: str = "") -> Job:
    became, job_id = store.job_changes.submit(job, etag, order.request, store.now(), meant=meant)
    if became == "expired":
        raise SetChanged(f"the plan {job.plan} has expired: make a new one")
    if became == "changed":
        raise SetChanged(f"the plan {job.plan} is not the one that was shown: look at it again")
    return get(store, job_id)
