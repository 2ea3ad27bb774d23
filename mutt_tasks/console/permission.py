"""What a role may not do is refused, and the attempt is in the audit."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from mutt_tasks.console.context import Console, console_of
from mutt_tasks.console.identity import identity_of
from mutt_tasks.console.problems import Problem, too_many
from mutt_tasks.core.access import ACK, BODIES, Identity
from mutt_tasks.operations.attempts import Attempt, refused

# What the audit calls an attempt at something that has another name as a permission.
VERBS = {BODIES: "view", ACK: "acknowledge"}

Here = Annotated[Console, Depends(console_of)]
Who = Annotated[Identity, Depends(identity_of)]


def check(console: Console, who: Identity, permission: str, scope: str = "") -> None:
    """Raise Problem when somebody may not do something, and write that down."""
    why = who.why_not(permission)
    if why:
        # Each is an entry of the audit, which is kept for more than a year.
        seconds = console.refusals.wait(who.name)
        if seconds:
            raise too_many(f"too many refused attempts of {who.name}: {why}", seconds)
        console.refusals.failed(who.name)
        verb = VERBS.get(permission, permission)
        attempt = Attempt(verb, who.name, who.known_by, scope=scope, role=who.role)
        refused(console.look().store, attempt, why)
        raise Problem(403, "forbidden", why)


def may(permission: str) -> Any:
    """A dependency: who asks, if that is allowed; runs in a thread, for it may write to Redis."""

    def allowed(request: Request, console: Here, who: Who) -> Identity:
        check(console, who, permission, request.url.path)
        return who

    checked: Callable[..., Identity] = allowed
    return Depends(checked)
