"""What operators ask for; a request that comes twice is done once."""

from dataclasses import dataclass

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.audit import AuditEntry

# Far longer than any delivery of a task can be repeated, in milliseconds.
REMEMBERED_MS = 24 * 3600 * 1000

# How the actor is known who calls a task.
TASK_ARGUMENT = "task argument"


@dataclass(frozen=True)
class Request:
    """An operator's wish: who wants it, and why; of each kind the same `id` is granted once.

    `known_by` says how the actor is known, `role` what that one may do.
    """

    id: str
    actor: str
    reason: str = ""
    known_by: str = TASK_ARGUMENT
    role: str = OPERATOR

    def entry(
        self, verb: str, scope: str, count: int = 0, *, before: str = "", after: str = ""
    ) -> AuditEntry:
        """What the audit tells when it is granted: what was done to which `scope`."""
        return AuditEntry(
            verb=verb,
            actor=self.actor,
            known_by=self.known_by,
            role=self.role,
            scope=scope,
            reason=self.reason,
            count=count,
            before=before,
            after=after,
        )
