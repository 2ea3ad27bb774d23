"""One dead letter goes back into its route's dead letter queue, where gate and pace carry it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mutt_tasks.core.description import Description, View
from mutt_tasks.core.policy import Policy
from mutt_tasks.core.redaction import Hints
from mutt_tasks.core.revival import Refusal, revived
from mutt_tasks.operations import arguments
from mutt_tasks.operations.attempts import Attempt, attempted, refused
from mutt_tasks.operations.sources import DEAD
from mutt_tasks.settings import Settings
from mutt_tasks.store.dead_letters import DIGEST_LENGTH, Dead, Search
from mutt_tasks.store.listing import MOST
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store

# A list or a route that somebody changes between look and move is looked at again this often.
TRIES = 5


@dataclass(frozen=True)
class Bounds:
    """How long a search may take, how many messages one read returns, how many digits name one.

    `seconds` is half of what a task may take: about five million events.
    """

    seconds: float = 20.0
    page: int = MOST
    digits: int = 12


BOUNDS = Bounds()


def requeue(
    store: Store,
    settings: Settings,
    monotonic: Callable[[], float],
    digest: object,
    request: Request,
    bounds: Bounds = BOUNDS,
) -> dict[str, Any]:
    """Put back the dead letter whose SHA-1 starts with `digest`; the same request is done once.

    `monotonic` is a clock in seconds. Returns the outcome: `requeued`, or `not_found`, `ambiguous`,
    `refused` or `contended` with what is wrong. Raises InvalidArgument and StoreError.
    """
    scope = f"m-{digest:.12}" if isinstance(digest, str) else ""
    attempt = Attempt("requeue", request.actor, request.known_by, request.reason, scope)
    with attempted(store, attempt):
        found = _requeued_or_not(store, settings, monotonic, digest, request, bounds=bounds)
    if found["outcome"] != "requeued":
        refused(store, attempt, f"{found['outcome']}: {found['reason']}")
    return found


def _requeued_or_not(
    store: Store,
    settings: Settings,
    monotonic: Callable[[], float],
    digest: object,
    request: Request,
    *,
    bounds: Bounds,
) -> dict[str, Any]:
    wanted = arguments.digest("digest", digest, bounds.digits)
    arguments.line("actor", request.actor)
    arguments.line("reason", request.reason)
    done = store.dead_letters.granted(request.id)
    if done is not None:
        return _requeued(*done, request)
    name = settings.lists.dead_letter_queue
    late_at = monotonic() + bounds.seconds
    policy = Policy(
        settings.pace.max_poison_retries, settings.pace.retry_backoff, settings.pace.max_age
    )
    for _ in range(TRIES):
        stepped = store.asides.stepped(DEAD)
        search = store.dead_letters.find(name, wanted, lambda: monotonic() > late_at, bounds.page)
        if search.found is None and (stepped is None or stepped != store.asides.stepped(DEAD)):
            return _failed("contended", f"some messages lie beside {name}: ask again", wanted)
        dead = _certain(search, name, wanted, bounds.seconds)
        if not isinstance(dead, Dead):
            return dead
        wanted = dead.digest
        ready = revived(dead.raw, settings.routes, policy, request.id, store.now())
        if isinstance(ready, Refusal):
            return _failed("refused", ready.why, wanted)
        if store.dead_letters.requeue(dead, ready.route, ready.payload, request):
            view = View(ready.route, Hints.of(settings.secrets()))
            named = Description(dead.raw, view).correlation_id
            done_now = _requeued(ready.route.name, wanted, request)
            return done_now | ({"correlation_id": named} if named else {})
    return _failed("contended", f"{name} or the route changed at every try: ask again", wanted)


def _certain(search: Search, name: str, wanted: str, seconds: float) -> Dead | dict[str, Any]:
    """The one message that is meant; or what is wrong."""
    dead = search.found
    if not search.is_whole and (dead is None or len(wanted) < DIGEST_LENGTH):
        why = (
            f"{seconds:g} s were over after the oldest {search.seen} messages of {name}"
            " (with all 40 digits the search ends at the first match)"
        )
        return _failed("not_found", why, wanted)
    if dead is None:
        why = f"none of the {search.seen} messages of {name} has a SHA-1 that starts like this"
        return _failed("not_found", why, wanted)
    if search.is_ambiguous:
        return _failed("ambiguous", f"several messages of {name} start like this", wanted)
    return dead


def _requeued(route: str, digest: str, request: Request) -> dict[str, Any]:
    return {
        "outcome": "requeued",
        "route": route,
        "digest": digest,
        "actor": request.actor,
        "reason": request.reason,
    }


def _failed(outcome: str, why: str, digest: str) -> dict[str, Any]:
    return {"outcome": outcome, "reason": why, "digest": digest}
