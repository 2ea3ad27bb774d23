"""What somebody tried and was refused: the audit has that too."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.errors import InvalidArgument, NotFound, Refused, SetChanged, StoreError
from mutt_tasks.store.store import Store

logger = logging.getLogger(__name__)

REFUSED = "refused"


@dataclass(frozen=True)
class Attempt:
    """Who wants what, how that is known, and why; nothing of it has been checked yet."""

    verb: str
    actor: object
    known_by: str
    reason: object = ""
    scope: str = ""
    role: str = OPERATOR


@contextmanager
def attempted(store: Store, attempt: Attempt) -> Iterator[None]:
    """Write down that an attempt was refused, if that is how it ends; the refusal goes on."""
    try:
        yield
    except (InvalidArgument, NotFound, Refused, SetChanged) as refusal:
        refused(store, attempt, str(refusal))
        raise


def refused(store: Store, attempt: Attempt, why: str) -> None:
    """Write down that an attempt was refused, and why; it changed nothing."""
    entry = AuditEntry(
        verb=attempt.verb,
        actor=_told(attempt.actor),
        known_by=attempt.known_by,
        role=attempt.role,
        scope=attempt.scope,
        reason=_told(attempt.reason),
        outcome=f"{REFUSED}: {why}",
    )
    try:
        store.audit.add(entry)
    except StoreError as error:
        # Whoever asked is to hear of the refusal, not of this.
        logger.warning("the audit has no entry of a refused %s: %s", attempt.verb, error)


def _told(given: object) -> str:
    """What was given as a text, whatever it is."""
    return given if isinstance(given, str) else f"{given!r:.60}"
