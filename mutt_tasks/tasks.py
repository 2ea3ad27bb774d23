"""The Celery tasks: each unpacks its arguments, takes one step of the cycle, packs its result.

remediate ──► check_moogsoft_health ──► replay_dlq_batch ──► remediate (while a drain goes on)
"""

from functools import cache
from typing import Any

from celery import chain, signals
from kombu.exceptions import OperationalError

from mutt_tasks import cycle as steps
from mutt_tasks.celery import app
from mutt_tasks.checked import Checked, CycleStep, cycle_id
from mutt_tasks.checking import check
from mutt_tasks.core.moments import iso
from mutt_tasks.core.redaction import Hints
from mutt_tasks.cycle import Trigger
from mutt_tasks.errors import InvalidArgument, StoreError
from mutt_tasks.operations import requeue as requeuing
from mutt_tasks.operations import switches
from mutt_tasks.replay.cycle_context import Health
from mutt_tasks.replay.report import packed_cycle
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.runtime_settings import RuntimeSettings
from mutt_tasks.settings import Settings
from mutt_tasks.store.lease import Step
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings, new_id
from mutt_tasks.telemetry import tracing
from mutt_tasks.telemetry.log_lines import current_cycle
from mutt_tasks.telemetry.logs import (
    log_control,
    log_cycle,
    log_failure,
    log_stale_breaker,
)

TRIGGERS = tuple(each.value for each in Trigger)
STALE = {"outcome": "stale", "reason": "the lease is no longer this cycle's"}

# Failures that are expected and named: Celery logs them without a traceback.
EXPECTED = (StoreError, InvalidArgument, OperationalError)

Result = dict[str, Any]


@cache
def store() -> Store:
    """This process' store; redis-py gives a forked process connections of its own."""
    hints = Hints.of(app.settings.secrets())
    return Store.at(app.settings.redis.address, hints=hints)


@cache
def _runtime() -> RuntimeSettings:
    return RuntimeSettings(store(), app.settings, is_audited=True)


@cache
def surroundings() -> Surroundings:
    """The real clock, waiting, ids and probe."""
    return Surroundings.of(store())


def current() -> Settings:
    """The settings in force now; changes are audited, bad values reported and ignored."""
    return _runtime().now()


@app.task(name="mutt_tasks.remediate", base=CycleStep, throws=EXPECTED)
def remediate(trigger: str = "hand", cycle: str = "") -> Result:
    """Start a cycle: take the lease, then check Moogsoft, then replay a batch.

    `trigger` is `hand` (a call), `beat` (a tick), `worker` (one that started, or saw a drain given
    up) or `drain`, which alone comes with the id of the `cycle` that holds the lease already.
    """
    if trigger not in TRIGGERS:
        raise InvalidArgument(f"trigger: got {trigger!r:.60}, accepts one of {', '.join(TRIGGERS)}")
    if trigger == "drain":
        lingered = steps.linger(store(), current(), surroundings(), cycle_id(cycle))
        if lingered is not None:
            return _lingered(cycle, lingered)
        if not steps.resume(store(), current(), surroundings(), cycle):
            return {**STALE, "cycle": cycle}
    else:
        cycle = new_id()
        current_cycle.set(cycle)
        ended = steps.begin(store(), current(), surroundings(), cycle, Trigger(trigger))
        if ended is not None:
            return _reported(ended)
    try:
        chain(
            check_moogsoft_health.s(cycle=cycle, trigger=trigger),
            replay_dlq_batch.s(cycle=cycle),
        ).apply_async()
    except BaseException:
        store().lease.release(cycle)
        raise
    return {"outcome": "started", "cycle": cycle}


@app.task(name="mutt_tasks.check_moogsoft_health", base=CycleStep, throws=EXPECTED)
def check_moogsoft_health(cycle: str = "", trigger: str = "hand") -> Result:
    """Ask whether Moogsoft takes events; called without a `cycle` it only tells."""
    # The probe may take its whole timeout, and nothing renews the lease meanwhile.
    longer = app.settings.moogsoft.health_timeout
    if cycle and not store().lease.advance(cycle_id(cycle), cycle, Step.CHECKING, longer):
        return {**STALE, "cycle": cycle}
    record = check(store(), current(), surroundings(), by_hand=trigger == Trigger.HAND)
    log_stale_breaker(record.stale_since)
    return {
        "outcome": "healthy" if record.healthy else "unhealthy",
        "reason": record.reason,
        "checked_at": iso(record.checked_at),
        "cycle": cycle,
    }


@app.task(name="mutt_tasks.replay_dlq_batch", base=CycleStep, throws=EXPECTED)
def replay_dlq_batch(health: Result, cycle: str) -> Result:
    """Replay one batch, given the result of `check_moogsoft_health`; go on while there is work."""
    outcome = health.get("outcome") if isinstance(health, dict) else None
    if outcome not in ("healthy", "unhealthy", "stale"):
        raise InvalidArgument("health: accepts the result of mutt_tasks.check_moogsoft_health")
    if outcome == "stale":
        return {**STALE, "cycle": cycle_id(cycle)}
    found = Health(outcome == "healthy", str(health.get("reason", ""))[:60])
    ended = steps.replay(store(), current(), surroundings(), cycle_id(cycle), found)
    if ended is None:
        return {**STALE, "cycle": cycle}
    if ended.next_cycle:
        _schedule(ended.next_cycle, ended.delay)
    return _reported(ended)


@app.task(name="mutt_tasks.pause", base=Checked, bind=True, throws=EXPECTED)
def pause(self: Any, actor: str, reason: str, seconds: float = 3600) -> Result:
    """Hold every replay: who says so, why, and for how many seconds (at most 7 days)."""
    return _told(switches.pause(store(), _request_id(self), actor, reason, seconds))


@app.task(name="mutt_tasks.resume", base=Checked, bind=True, throws=EXPECTED)
def resume(self: Any, actor: str) -> Result:
    """End a pause, and start a cycle as a call by hand does; `actor` says who does."""
    resumed = _told(switches.resume(store(), _request_id(self), actor))
    remediate.apply_async()
    return resumed


@app.task(name="mutt_tasks.requeue", base=Checked, bind=True, throws=EXPECTED)
def requeue(self: Any, digest: str, actor: str, reason: str) -> Result:
    """Put one dead letter back into its route's dead letter queue, with fresh counters.

    `digest` is the SHA-1 of its bytes in hex, or at least the first 12 digits; `actor` says who
    does, `reason` why. A task that is delivered twice does it once.
    """
    request = Request(_request_id(self), actor, reason)
    clock = surroundings().monotonic
    return _told(requeuing.requeue(store(), current(), clock, digest, request))


@signals.task_failure.connect
def _log_expected_failure(sender: Any, exception: Exception, **_: Any) -> None:
    """One line for a failure that has a name; Celery itself logs the others, with a traceback."""
    if isinstance(exception, EXPECTED):
        log_failure(sender.name, exception)


def _request_id(task: Any) -> str:
    """The same at each delivery of a task."""
    return task.request.id or new_id()


def _told(result: Result) -> Result:
    """What an operator's task returns; the log has the same."""
    log_control(result)
    return result


def _reported(ended: CycleResult) -> Result:
    """The task's result; the log has the same."""
    log_cycle(ended)
    return packed_cycle(ended)


def _lingered(cycle: str, lingered: steps.Lingered) -> Result:
    if not lingered.next_cycle:
        return {**STALE, "cycle": cycle}
    _schedule(lingered.next_cycle, lingered.delay)
    return {"outcome": "resting", "next_cycle": lingered.next_cycle}


def _schedule(next_cycle: str, delay: float) -> None:
    """Ask for the drain's next cycle; if that fails a worker that looks on takes over."""
    try:
        with tracing.apart():
            remediate.apply_async(kwargs={"trigger": "drain", "cycle": next_cycle}, countdown=delay)
    except BaseException:
        store().lease.release(next_cycle)
        raise
