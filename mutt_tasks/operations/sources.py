"""The lists that people look into: each route's dead letter queue, and the dead letter list."""

from dataclasses import dataclass

from mutt_tasks.core.routes import Route
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.settings import Settings

DEAD = "dead"


@dataclass(frozen=True)
class Source:
    """One list: what people call it, its key, and its route (None: the dead letter list)."""

    name: str
    key: str
    route: Route | None = None


def all_of(settings: Settings) -> tuple[Source, ...]:
    """Every list, those that are replayed first."""
    routes = [Source(route.name, route.source, route) for route in settings.routes]
    return (*routes, Source(DEAD, settings.lists.dead_letter_queue))


def chosen(settings: Settings, names: tuple[str, ...] = ()) -> tuple[Source, ...]:
    """The lists with these names, all without any; raises InvalidArgument for other names."""
    known = {source.name: source for source in all_of(settings)}
    for name in names:
        if name not in known:
            raise InvalidArgument(f"route: got {name!r:.60}, accepts {', '.join(known)}")
    return tuple(known[name] for name in names) if names else tuple(known.values())
