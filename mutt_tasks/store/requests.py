"""What operators ask for; a request that comes twice is done once."""

from dataclasses import dataclass

# Far longer than any delivery of a task can be repeated, in milliseconds.
REMEMBERED_MS = 24 * 3600 * 1000

# How the actor is known who calls a task.
TASK_ARGUMENT = "task argument"


@dataclass(frozen=True)
class Request:
    """An operator's wish: who wants it, and why; of each kind the same `id` is granted once.

    `known_by` says how the actor is known.
    """

    id: str
    actor: str
    reason: str = ""
    known_by: str = TASK_ARGUMENT
