"""Messages step aside from the old end of a list, and back, some at a time.

They keep their order, and whatever lies beside a list is put back by the next cycle that finds
nobody at work there.
"""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from mutt_tasks.core.routes import Route
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.job_steps import rest, source_of
from mutt_tasks.store import keys
from mutt_tasks.store.asides import Aside

# So many messages are stepped over at once: about a millisecond of Redis.
STEP = 500


def have_beside(
    context: CycleContext,
    route: Route,
    beside: str,
    wanted: int,
    *,
    late_at: float = inf,
    state: Mapping[str, Any] | None = None,
) -> bool:
    """Have so many of the oldest messages of a route's source lie in the list `beside` it.

    False when time is up, at `late_at` (monotonic seconds). Where none lay there yet, the first
    step writes `state`, fields of the route's state.
    """
    has, clock = context.store.queues.length(beside), context.surroundings.monotonic
    fields = {} if has else state or {}
    while has != wanted:
        began_at = clock()
        if began_at > late_at:
            return False
        before, next_one = has, min(max(wanted, has - STEP), has + STEP)
        step = Aside(route.name, route.source, beside, has, next_one, state=fields)
        has, fields = context.store.asides.step(context.token, step), {}
        if has == before:
            return True  # the list has ended
        rest(context, began_at)
    return True


def put_back(context: CycleContext, names: Iterable[str], late_at: float) -> bool:
    """Put back what lies beside lists in which nobody works any more; False when time is up."""
    for name in names:
        route = source_of(context.settings, name)
        # What is to go first comes last: it lies in front of the others then.
        for beside in (keys.aside(name), keys.front(name)) if route else ():
            assert route is not None
            if not have_beside(context, route, beside, 0, late_at=late_at):
                return False
    return True


def is_free(context: CycleContext, name: str, job: str, late_at: float) -> bool:
    """Put back what was put beside a list for anybody but this job; False when time is up.

    Who begins to look through the list would not find it there.
    """
    return context.store.asides.owner(name) == job or put_back(context, [name], late_at)
