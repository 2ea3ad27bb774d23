"""Pause and resume: an operator holds every replay for a while."""

from typing import Any

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.moments import iso
from mutt_tasks.operations import arguments
from mutt_tasks.operations.attempts import Attempt, attempted
from mutt_tasks.store.pauses import SCOPE
from mutt_tasks.store.requests import TASK_ARGUMENT, Request
from mutt_tasks.store.store import Store

LONGEST_PAUSE = 7 * 86_400.0


def pause(
    store: Store,
    request_id: str,
    actor: object,
    reason: object,
    seconds: object,
    *,
    known_by: str = TASK_ARGUMENT,
    role: str = OPERATOR,
) -> dict[str, Any]:
    """Hold every replay: who says so, why, and for how many seconds (at most 7 days).

    `known_by` says how it is known who, `role` what that one may do. A request that comes twice
    pauses once. Raises InvalidArgument and StoreError.
    """
    with attempted(store, Attempt("pause", actor, known_by, reason, SCOPE, role=role)):
        named, why = arguments.line("actor", actor), arguments.line("reason", reason)
        request = Request(request_id, named, why, known_by, role)
        length = arguments.seconds("seconds", seconds, 1, LONGEST_PAUSE)
    store.pauses.pause(request, length, iso(store.now()))
    return {
        "outcome": "paused",
        "actor": request.actor,
        "reason": request.reason,
        "seconds": length,
    }


def resume(
    store: Store,
    request_id: str,
    actor: object,
    reason: object = "",
    *,
    known_by: str = TASK_ARGUMENT,
    role: str = OPERATOR,
) -> dict[str, Any]:
    """End a pause: who says so and, if there is more to say, why; the audit keeps both.

    The outcome is `resumed`, or `not_paused` when there was none. A request that comes twice gets
    the first answer. Raises InvalidArgument and StoreError.
    """
    with attempted(store, Attempt("resume", actor, known_by, reason, SCOPE, role=role)):
        named = arguments.line("actor", actor)
        why = arguments.line("reason", reason) if reason != "" else ""
        request = Request(request_id, named, why, known_by, role)
    was_paused = store.pauses.resume(request)
    return {"outcome": "resumed" if was_paused else "not_paused", "actor": request.actor}
