"""What people see of a message, as tests ask for it."""

from mutt_tasks.core.description import Description, View
from mutt_tasks.core.redaction import ALL, Hints
from mutt_tasks.core.routes import Route


def described(
    raw: bytes, route: Route, hints: Hints = ALL, *, is_dead: bool = False
) -> Description:
    """A message in the source of the route, or in the dead letter list."""
    return Description(raw, View(route, hints, is_dead, (route,)))
