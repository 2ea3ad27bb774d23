"""What operators ask for; a request that comes twice is done once."""

from dataclasses import dataclass

# Far longer than any delivery of a task can be repeated, in milliseconds.
REMEMBERED_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Request:
    """An operator's wish: who wants it, and why; of each kind the same `id` is granted once."""

    id: str
    actor: str
    reason: str = ""
