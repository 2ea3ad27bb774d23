"""What can go behind thousands of messages that wait is taken to the list's old end first.

Redis takes a message out of the middle of a long list by walking there, and compares all on the
way. So a drain takes nothing from where more than `deep` messages lie on either side. It has
those that wait step aside, and the next ones after them; then those that wait are put back, and the
others in front of them. That a message waits lets younger ones pass anyway, and all others keep
their order.
"""

from collections.abc import Iterable

from mutt_tasks.core.routes import Route
from mutt_tasks.replay.beside import have_beside
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.job_steps import source_of
from mutt_tasks.store import keys
from mutt_tasks.store.asides import OWNER
from mutt_tasks.store.readings import NO_CURSOR


def want(context: CycleContext, route: Route, older: int) -> None:
    """Have the next cycle bring what lies behind so many older messages of a source; 0: nothing."""
    if older:
        context.store.asides.want_forward(route.name, older)


def bring(context: CycleContext, names: Iterable[str], late_at: float) -> frozenset[str]:
    """Go on with what is wanted in these lists; returns where it is still under way.

    Elsewhere the messages lie beside their list, ready to be put back.
    """
    wanted = context.store.asides.wanted_forward(names)
    return frozenset(
        name for name, older in wanted.items() if not _brought(context, name, older, late_at)
    )


def _brought(context: CycleContext, name: str, older: int, late_at: float) -> bool:
    store, route = context.store, source_of(context.settings, name)
    many = context.surroundings.scan.deep
    if route is not None:
        steps = (
            (keys.aside(name), older, {**NO_CURSOR, OWNER: ""}),
            (keys.front(name), many, store.readings.brought(name, older, many)),
        )
        for beside, wanted, state in steps:
            if not have_beside(context, route, beside, wanted, late_at=late_at, state=state):
                return False
    store.asides.forget_forward(name)
    return True
