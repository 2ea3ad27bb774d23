"""Groups of messages that look alike: at once from a sample, or exactly."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mutt_tasks.core.cursor import Cursor
from mutt_tasks.core.description import Description
from mutt_tasks.core.identity import DIGITS, PREFIX, digest
from mutt_tasks.core.redaction import text_redacted
from mutt_tasks.operations import sources
from mutt_tasks.operations.looking import Looker, filter_of, walk_on
from mutt_tasks.operations.sources import Source
from mutt_tasks.operations.sparing import Sparing

# A sample is so many reads of so many adjacent messages, spread evenly over a list. Shorter lists
# than this are looked at from end to end: that takes no longer.
SAMPLE_READS, SAMPLE_MESSAGES, SHORT = 20, 100, 10_000


@dataclass
class Group:
    """Messages that look alike.

    Their event times lie between `oldest` and `newest` (seconds since 1970; None: they tell none),
    and `replays` is how often they were replayed in all. `example` is the id of one of them.
    """

    id: str
    lane: str
    reason: str
    program: str
    template: str
    example: str
    count: float = 0.0
    replays: float = 0.0
    oldest: float | None = None
    newest: float | None = None
    routes: dict[str, float] = field(default_factory=dict)

    def add(self, description: Description, route: str, weight: float) -> None:
        """Count a message, which stands for `weight` messages."""
        self.count += weight
        self.replays += weight * description.replays
        self.routes[route] = self.routes.get(route, 0.0) + weight
        moment = description.happened_at
        if moment is not None:
            self.oldest = moment if self.oldest is None else min(self.oldest, moment)
            self.newest = moment if self.newest is None else max(self.newest, moment)


@dataclass(frozen=True)
class Groups:
    """Groups, the largest first; unless `is_exact` their counts are estimates from a sample.

    `seen` messages were looked at, of the `length` that the lists hold. Up to `twice` of them may
    have been met twice: they were brought before older ones meanwhile.
    """

    groups: list[Group]
    is_exact: bool
    seen: int
    length: int
    twice: int = 0


def groups(
    looker: Looker, routes: tuple[str, ...] = (), where: str = "", *, is_exact: bool = False
) -> Groups:
    """The groups of all messages that match `where`, of the lists named by `routes`.

    Raises InvalidArgument, PlaceLost and StoreError.
    """
    meant = filter_of(looker, where)
    chosen = sources.looked_into(looker.store, looker.settings, routes)
    lengths = looker.store.listings.lengths([source.parts for source in chosen])
    found: dict[str, Group] = {}
    seen, twice, is_whole = 0, 0, True
    sparing = Sparing(looker.time)
    for source, length in zip(chosen, lengths, strict=True):
        is_all = is_exact or length <= SHORT
        is_whole = is_whole and is_all
        brought = looker.store.asides.brought(source.name)
        looks = _all(looker, source, sparing) if is_all else _sample(looker, source, length)
        for messages, weight in looks:
            for raw in messages:
                description = looker.matching(meant, source, raw)
                if description is not None:
                    group = _group_of(looker, found, description, raw)
                    group.add(description, source.name, weight)
            seen += len(messages)
            looker.progress(seen, sum(lengths))
        twice += looker.store.asides.brought(source.name) - brought if is_all else 0
    largest_first = sorted(found.values(), key=lambda group: (-group.count, group.id))
    return Groups(largest_first, is_whole and not twice, seen, sum(lengths), twice)


def _all(looker: Looker, source: Source, sparing: Sparing) -> Iterator[tuple[list[bytes], float]]:
    # From the new end, where nothing leaves: a drain cannot take the place away.
    start = Cursor(source.place, is_newest_first=True)
    walk = walk_on(looker.store, source, start, sparing)
    return ((messages, 1.0) for messages in walk.steps())


def _sample(looker: Looker, source: Source, length: int) -> Iterator[tuple[list[bytes], float]]:
    """Some of a list, from its oldest message to its newest, and for how many each stands."""
    listing = looker.store.listings.open(*source.parts)
    apart = (length - SAMPLE_MESSAGES) / (SAMPLE_READS - 1)
    for number in range(SAMPLE_READS):
        messages = listing.read(round(number * apart), SAMPLE_MESSAGES).messages
        if messages:
            yield messages, length / SAMPLE_READS / len(messages)


def _group_of(
    looker: Looker, found: dict[str, Group], description: Description, raw: bytes
) -> Group:
    name = description.group
    group = found.get(name)
    if group is None:
        group = found[name] = Group(
            id=name,
            lane=description.lane,
            reason=description.reason,
            program=description.program,
            template=text_redacted(description.template, looker.hints),
            example=f"{PREFIX}{digest(raw)[:DIGITS]}",
        )
    return group
