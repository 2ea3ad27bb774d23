"""The books of the service levels at the end of a cycle."""

from collections.abc import Iterable
from typing import Any

from mutt_tasks.core.breaker import BREAKER_OPEN
from mutt_tasks.core.slo_books import Seen, looked
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.result import DISABLED, PAUSED, UNHEALTHY
from mutt_tasks.store import levels

# While these hold replays, nobody expects that they come back.
_EXCUSES = frozenset({DISABLED, PAUSED, UNHEALTHY, BREAKER_OPEN})


def entered(context: CycleContext, reasons: Iterable[str]) -> dict[str, Any]:
    """What the cycle's end writes of them; `reasons` are what held its routes. Raises StoreError.

    Only the lease's holder writes books, and none is written without the lease.
    """
    settings = context.settings
    found = context.store.levels.look(settings.routes)
    within = settings.levels.recovered_within
    seen = Seen(
        at=context.surroundings.moment(found.now),
        is_well=_EXCUSES.isdisjoint(reasons),
        interval=settings.pace.interval,
        queues=found.queues,
    )
    books = looked(found.books, seen, within)
    return levels.fields_of(found.books.whole, books, found, within)
