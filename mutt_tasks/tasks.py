"""The Celery tasks: each unpacks its arguments, takes one step of the cycle, packs its result.

remediate ──► check_moogsoft_health ──► replay_dlq_batch ──► remediate (while a drain goes on)
"""

import re
from functools import cache
from typing import Any

from celery import chain, signals
from kombu.exceptions import OperationalError

from mutt_tasks import cycle as steps
from mutt_tasks import requeue as requeuing
from mutt_tasks.celery import app, settings
from mutt_tasks.core.moments import iso
from mutt_tasks.errors import InvalidArgument, StoreError
from mutt_tasks.logs import log_config_problems, log_control, log_cycle, log_failure
from mutt_tasks.settings import Settings
from mutt_tasks.store.dead_letters import Request
from mutt_tasks.store.store import Store

TRIGGERS = ("hand", "beat", "drain")
STALE = {"outcome": "stale", "reason": "the lease is no longer this cycle's"}

# Failures that are expected and named: Celery logs them without a traceback.
EXPECTED = (StoreError, InvalidArgument, OperationalError)

Result = dict[str, Any]


@cache
def store() -> Store:
    """This process' store; redis-py gives a forked process connections of its own."""
    return Store.at(settings.redis)


def current() -> Settings:
    """The settings in force now; bad runtime values are reported and ignored."""
    found, problems = steps.current(store(), settings)
    log_config_problems(problems)
    return found


@app.task(name="mutt_tasks.remediate", throws=EXPECTED)
def remediate(trigger: str = "hand", cycle: str = "") -> Result:
    """Start a cycle: take the lease, then check Moogsoft, then replay a batch.

    `trigger` is `hand` (a call), `beat` (a tick) or `drain`, which alone comes with the id of
    the `cycle` that holds the lease already.
    """
    if trigger not in TRIGGERS:
        raise InvalidArgument(f"trigger: got {trigger!r:.60}, takes one of {', '.join(TRIGGERS)}")
    if trigger == "drain":
        if not store().lease.advance(_cycle_id(cycle), cycle):
            return {**STALE, "cycle": cycle}
    else:
        cycle = steps.new_cycle_id()
        ended = steps.begin(store(), current(), cycle, is_tick=trigger == "beat")
        if ended is not None:
            return log_cycle(ended)
    try:
        chain(
            check_moogsoft_health.s(cycle=cycle, trigger=trigger),
            replay_dlq_batch.s(cycle=cycle),
        ).apply_async()
    except BaseException:
        store().lease.release(cycle)
        raise
    return {"outcome": "started", "cycle": cycle}


@app.task(name="mutt_tasks.check_moogsoft_health", throws=EXPECTED)
def check_moogsoft_health(cycle: str = "", trigger: str = "hand") -> Result:
    """Ask whether Moogsoft takes events; called without a `cycle` it only tells."""
    if cycle and not store().lease.advance(_cycle_id(cycle), cycle):
        return {**STALE, "cycle": cycle}
    record = steps.check(store(), current(), by_hand=trigger == "hand")
    return {
        "outcome": "healthy" if record.healthy else "unhealthy",
        "reason": record.reason,
        "checked_at": iso(record.checked_at),
        "cycle": cycle,
    }


@app.task(name="mutt_tasks.replay_dlq_batch", throws=EXPECTED)
def replay_dlq_batch(health: Result, cycle: str) -> Result:
    """Replay one batch, given the result of `check_moogsoft_health`; go on while there is work."""
    outcome = health.get("outcome") if isinstance(health, dict) else None
    if outcome not in ("healthy", "unhealthy", "stale"):
        raise InvalidArgument("health: takes the result of mutt_tasks.check_moogsoft_health")
    if outcome == "stale":
        return {**STALE, "cycle": _cycle_id(cycle)}
    found = current()
    ended = steps.replay(
        store(), found, _cycle_id(cycle), outcome == "healthy", str(health.get("reason", ""))[:60]
    )
    if ended is None:
        return {**STALE, "cycle": cycle}
    if ended.next_cycle:
        _schedule(ended.next_cycle, ended.pause)
    return log_cycle(ended)


@app.task(name="mutt_tasks.pause", throws=EXPECTED)
def pause(actor: str, reason: str, seconds: float = 3600) -> Result:
    """Hold every replay: who says so, why, and for how many seconds (at most 7 days)."""
    for name, value in (("actor", actor), ("reason", reason)):
        if not isinstance(value, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", value):
            raise InvalidArgument(f"{name}: takes 1 to 200 characters on one line")
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 1 <= seconds <= 7 * 86_400:
        raise InvalidArgument("seconds: takes a number from 1 to 604800")
    store().controls.pause(actor, reason, seconds)
    paused = {"outcome": "paused", "actor": actor, "reason": reason, "seconds": seconds}
    return log_control(paused)


@app.task(name="mutt_tasks.resume", throws=EXPECTED)
def resume(actor: str) -> Result:
    """End a pause; `actor` says who does."""
    if not isinstance(actor, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", actor):
        raise InvalidArgument("actor: takes 1 to 200 characters on one line")
    was_paused = store().controls.resume(actor)
    return log_control({"outcome": "resumed" if was_paused else "not_paused", "actor": actor})


@app.task(name="mutt_tasks.requeue", bind=True, throws=EXPECTED)
def requeue(self: Any, digest: str = "", actor: str = "", reason: str = "") -> Result:
    """Put one dead letter back into its route's dead letter queue, with fresh counters.

    `digest` is the SHA-1 of its bytes in hex, or at least the first 12 digits; `actor` says who
    does, `reason` why. A task that is delivered twice does it once.
    """
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-fA-F]{12,40}", digest):
        raise InvalidArgument("digest: takes the first 12 to 40 hexadecimal digits of a SHA-1")
    for name, value in (("actor", actor), ("reason", reason)):
        if not isinstance(value, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", value):
            raise InvalidArgument(f"{name}: takes 1 to 200 characters on one line")
    request = Request(self.request.id or steps.new_cycle_id(), actor, reason)
    return log_control(requeuing.requeue(store(), current(), digest.lower(), request))


@signals.task_failure.connect
def _log_expected_failure(sender: Any, exception: Exception, **_: Any) -> None:
    """One line for a failure that has a name; Celery itself logs the others, with a traceback."""
    if isinstance(exception, EXPECTED):
        log_failure(sender.name, exception)


def _schedule(next_cycle: str, pause_seconds: float) -> None:
    """Ask for the drain's next cycle; if that fails the next tick takes over at once."""
    try:
        remediate.apply_async(
            kwargs={"trigger": "drain", "cycle": next_cycle}, countdown=pause_seconds
        )
    except BaseException:
        store().lease.release(next_cycle)
        raise


def _cycle_id(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{32}", value):
        raise InvalidArgument("cycle: takes the 32 hexadecimal digits of a cycle's id")
    return value
