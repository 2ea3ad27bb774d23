"""Edit one message where it lies: what is shown of it, what is refused, and what differs."""

import difflib
import json

from mutt_tasks.core.draft import Draft, draft_of
from mutt_tasks.core.draft import finished as spliced
from mutt_tasks.core.jobs import Job
from mutt_tasks.core.message import parse
from mutt_tasks.core.policy import INCOMPLETE, MALFORMED, Action, Policy, decide
from mutt_tasks.core.redaction import raw_redacted
from mutt_tasks.core.routes import Route
from mutt_tasks.errors import Refused
from mutt_tasks.operations import jobs
from mutt_tasks.operations.jobs import Order
from mutt_tasks.operations.looking import Entry, Looker

# What the pipeline would destroy without a trace, or hand back for ever.
_DESTROYED = {
    MALFORMED: "no consumer could decode it (it is no JSON object, or one that they cannot read)",
    INCOMPLETE: "its consumer would drop it: a required field is missing or empty",
}


def draft(looker: Looker, entry: Entry) -> Draft:
    """A message to edit, with placeholders for its credentials; raises Refused."""
    if entry.source.job:
        raise Refused(f"{entry.id} lies in the trash: `undo {entry.source.job}` brings it back")
    try:
        return draft_of(entry.raw, looker.hints)
    except ValueError as why:
        raise Refused(f"{entry.id}: {why}; it can be redirected or discarded") from None


def finished(looker: Looker, entry: Entry, shown: Draft, edited: bytes) -> bytes:
    """The bytes to put in the message's place.

    Raises Refused when a credential would be lost, or the pipeline would destroy the message.
    """
    try:
        payload = spliced(shown, edited)
    except ValueError as why:
        raise Refused(str(why)) from None
    route = _route_of(entry, payload, looker.settings.routes)
    policy = Policy(looker.settings.pace.max_poison_retries, 0.0, 0.0)
    decision = decide(payload, route, policy, "", looker.store.now())
    if decision.action is Action.QUARANTINE and decision.reason in _DESTROYED:
        raise Refused(f"edited like this, {_DESTROYED[decision.reason]}")
    return payload


def differences(looker: Looker, before: bytes, after: bytes) -> list[str]:
    """What was removed and added, line by line, without credentials."""
    old, new = (_lines(raw_redacted(raw, looker.hints)) for raw in (before, after))
    found = list(difflib.unified_diff(old, new, "before", "after", n=1, lineterm=""))
    if not found and before != after:
        return ["(only white space, or what is not shown, differs)"]
    return found


def submit(looker: Looker, entry: Entry, payload: bytes, order: Order) -> Job:
    """Have the worker put the new bytes in the message's place."""
    return jobs.edit(looker.store, entry.source.name, entry.raw, payload, order)


def _route_of(entry: Entry, raw: bytes, routes: tuple[Route, ...]) -> Route:
    """The route of the message's list, or of a dead letter the one that its header names."""
    if entry.source.route is not None:
        return entry.source.route
    message = parse(raw)
    name = message.header_route() if message else ""
    return next((route for route in routes if route.name == name), routes[0])


def _lines(text: str) -> list[str]:
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False).splitlines()
    except (ValueError, RecursionError):
        return text.splitlines()
