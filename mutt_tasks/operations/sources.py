"""The lists that people look into: the dead letter queues, the dead letter list, the trash."""

from dataclasses import dataclass

from mutt_tasks.core.routes import Route
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.settings import Settings
from mutt_tasks.store import keys
from mutt_tasks.store.store import Store

DEAD = "dead"
TRASH = "trash"


@dataclass(frozen=True)
class Source:
    """One list: what people call it, its key, and its route (None: the dead letter list).

    What a `job` threw away lies in a list of the trash, of messages that `lay_in` another one, and
    is removed at a moment (`until`, seconds since 1970).
    """

    name: str
    key: str
    route: Route | None = None
    job: str = ""
    lay_in: str = ""
    until: float = 0.0

    @property
    def parts(self) -> tuple[str, ...]:
        """Its keys from the newest message on: while somebody works in it older ones lie beside it.

        Those that are to go first are the last ones.
        """
        if self.job:
            return (self.key,)
        return (self.key, keys.aside(self.name), keys.front(self.name))

    @property
    def place(self) -> str:
        """What cursors call it."""
        return f"{self.name}-{self.job}-{self.lay_in}" if self.job else self.name

    @property
    def origin(self) -> str:
        """The list to which its messages belong."""
        return self.lay_in or self.name


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


def looked_into(
    store: Store, settings: Settings, names: tuple[str, ...] = ()
) -> tuple[Source, ...]:
    """The same, and with the name `trash` what jobs threw away; without names all but that.

    Raises InvalidArgument and StoreError.
    """
    known = (*(source.name for source in all_of(settings)), TRASH)
    for name in names:
        if name not in known:
            raise InvalidArgument(f"route: got {name!r:.60}, accepts {', '.join(known)}")
    lists = tuple(name for name in names if name != TRASH)
    found = chosen(settings, lists) if lists or not names else ()
    return (*found, *_trash(store, settings)) if TRASH in names else found


def _trash(store: Store, settings: Settings) -> tuple[Source, ...]:
    """What lies in the trash: of each job, the oldest first, a list for each that it took from."""
    kept = store.trash.kept_until()
    lists = {source.name: source for source in all_of(settings)}
    depths = store.trash.depths({job: tuple(lists) for job in kept})
    return tuple(
        Source(TRASH, store.trash.key(job, name), lists[name].route, job, name, until=kept[job])
        for (job, name), depth in depths.items()
        if depth
    )
