"""One message: why it is where it is, and what will happen to it next, and when."""

from dataclasses import dataclass, replace

from mutt_tasks.core.description import UNKNOWN
from mutt_tasks.core.lanes import FAILED, SHED
from mutt_tasks.core.message import SHELTERED_LANE
from mutt_tasks.core.moments import iso
from mutt_tasks.core.policy import (
    INCOMPLETE,
    MALFORMED,
    POISON,
    STALE,
    SUSPECT,
    Action,
    Policy,
    decide,
)
from mutt_tasks.core.revival import Refusal, revived
from mutt_tasks.core.routes import Route
from mutt_tasks.operations import status
from mutt_tasks.operations.looking import Entry, Looker
from mutt_tasks.operations.reasons import MOMENTARY, in_words
from mutt_tasks.operations.sources import Source
from mutt_tasks.operations.status import Status
from mutt_tasks.settings import Settings

STAY = "stay"
# What a message that is only looked at would be stamped with.
_NO_CYCLE = "0" * 32

_WHY = {
    FAILED: "the pipeline's own tries are used up",
    SHED: "the alerter set it aside untried, because the alert queue was too long",
    SHELTERED_LANE: "moved aside untried, before the forwarder's limiter could destroy it",
    MALFORMED: "no consumer can decode it and pass it on",
    INCOMPLETE: "its consumer would drop it: a required field is missing or empty",
    POISON: "it failed too often while others passed",
    STALE: "its event is older than REMEDIATION_MAX_AGE",
    SUSPECT: "it failed while others passed, and traffic was never light enough for another try",
    UNKNOWN: "it bears no reason of ours: somebody else put it here",
}


@dataclass(frozen=True)
class Outlook:
    """Why a message is where it is, and what comes next.

    `action` is `replay`, `wait`, `quarantine` or `stay`, `at` the moment of it in seconds since
    1970 (None: it is not known), `reason` what decides it in one word, and `sentence` all of that.
    """

    why: str
    action: str
    reason: str
    at: float | None
    sentence: str


def of(looker: Looker, entry: Entry) -> Outlook:
    """The outlook of a message as it lies now. Raises StoreError."""
    why = _WHY.get(entry.description.reason, entry.description.reason)
    replays = entry.description.replays
    if replays and entry.source.route is not None:
        times = "once" if replays == 1 else f"{replays} times"
        why = f"it was replayed {times} and came back; before, {why}"
    if entry.source.job:
        return _trashed(entry.source, why)
    if entry.source.route is None:
        return _dead(looker, entry, why)
    return _waiting(looker, entry, entry.source.route, why)


def _trashed(source: Source, why: str) -> Outlook:
    """Of what a job threw away: how long it can be had again."""
    sentence = (
        f"stays in the trash until {iso(source.until)} and is removed then;"
        f" `undo {source.job}` brings it back to {source.lay_in}"
    )
    return Outlook(
        f"{source.job} threw it away; before, {why}", STAY, "trash", source.until, sentence
    )


def _dead(looker: Looker, entry: Entry, why: str) -> Outlook:
    """Of a dead letter: what a requeue would do."""
    settings = looker.settings
    policy = _policy(settings)
    ready = revived(entry.raw, settings.routes, policy, _NO_CYCLE, looker.store.now())
    if isinstance(ready, Refusal):
        sentence = f"stays here; a requeue would be refused: {ready.why}"
        return Outlook(why, STAY, "refused", None, sentence)
    sentence = f"stays here until somebody requeues it (to {ready.route.target})"
    return Outlook(why, STAY, "requeue", None, sentence)


def _waiting(looker: Looker, entry: Entry, route: Route, why: str) -> Outlook:
    """Of a message in a dead letter queue: what the next look of a cycle at it would decide."""
    settings = looker.settings
    found = status.read(looker.store, settings.routes, settings.lists.dead_letter_queue)
    known = looker.store.snapshots.take((route,), (route.source,)).routes[route.name]
    # Without a limit on the rate nobody is a suspect.
    suspects = known.suspects if settings.pace.max_rate != 0 else None
    policy = replace(_policy(settings), spans=known.flow.spans, suspects=suspects)
    is_cleared = entry.older < known.suspects.cleared
    decision = decide(entry.raw, route, policy, _NO_CYCLE, found.now, is_cleared=is_cleared)
    if decision.action is Action.QUARANTINE:
        sentence = f"goes to {route.dead} as {decision.reason} when a cycle comes to it"
        return Outlook(why, decision.action.value, decision.reason, None, sentence)
    if decision.action is Action.WAIT:
        left = status.span(max(0.0, decision.ready_at - found.now))
        sentence = f"waits for another {left}, for it came back from its last replay"
        return Outlook(why, decision.action.value, "backoff", decision.ready_at, sentence)
    return _replayed(entry, route, found, why, decision.is_suspect)


def _replayed(entry: Entry, route: Route, found: Status, why: str, is_suspect: bool) -> Outlook:
    """When a message goes that may go."""
    state = found.routes[route.name]
    before = f"{entry.older:,} before it" if entry.older else "nothing before it"
    action = Action.REPLAY.value
    if is_suspect:
        sentence = (
            f"failed while others passed: goes to {route.target} alone, when traffic is light"
        )
        return Outlook(why, action, SUSPECT, None, sentence)
    if state.is_held and state.held_by not in MOMENTARY:
        held = in_words([state.held_by])
        sentence = f"goes to {route.target} once nothing holds it ({held}); {before}"
        return Outlook(why, action, state.held_by, None, sentence)
    if state.rate > 0:
        seconds = entry.older / state.rate
        sentence = f"goes to {route.target} in about {status.span(seconds)}; {before}"
        return Outlook(why, action, "", found.now + seconds, sentence)
    sentence = f"goes to {route.target} with one of the next cycles; {before}"
    return Outlook(why, action, "", None, sentence)


def _policy(settings: Settings) -> Policy:
    pace = settings.pace
    return Policy(
        pace.max_poison_retries, pace.retry_backoff, pace.max_age, suspect_wait=pace.suspect_wait
    )
