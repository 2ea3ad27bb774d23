"""What is going on, as every face tells it: read from Redis alone, at any time, by anybody.

Nothing is remembered between two readings, so that any number of faces say the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mutt_tasks.core import limits, policy
from mutt_tasks.core.routes import Route
from mutt_tasks.operations.reasons import MOMENTARY, PAUSED, WORDS, in_words
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.controls import Pause
from mutt_tasks.store.store import Store

# A drain that has moved nothing for this many seconds has no speed to go by.
MOVING_SECONDS = 30.0

# The journal's newest entries, among which the last cycle is looked for.
_NEWEST = 20


@dataclass(frozen=True)
class RouteStatus:
    """One route: `depth` messages wait to be replayed, `target_depth` are in the queue they go to.

    `oldest_age_seconds` is the age of the oldest one's event (None: there is none, or it tells no
    time). `held_by` names what held or bounded it in the last cycle (empty: nothing did), and
    `is_held` says that it was held. At `rate` messages/s it is empty in `eta_seconds` (None: it
    does not move).
    """

    depth: int
    target_depth: int
    oldest_age_seconds: float | None
    held_by: str
    is_held: bool
    rate: float
    eta_seconds: float | None


@dataclass(frozen=True)
class Moogsoft:
    """What the last question found, and why; `healthy` is None before the first."""

    healthy: bool | None
    reason: str


@dataclass(frozen=True)
class Books:
    """What became of messages since counting began, on all routes together.

    `replayed` counts replays, of which `bounced` came back; `quarantined` counts by reason what
    was moved to the dead letter list, `requeued` what an operator put back from there. `waiting`
    is what lies in the dead letter queues.
    """

    replayed: int
    bounced: int
    quarantined: dict[str, int]
    requeued: int
    waiting: int


@dataclass(frozen=True)
class Status:
    """How things stand at `now` (seconds since 1970), in one `sentence` and in numbers.

    `dead_depth` is the length of the dead letter list, `depths` that of every list that was read.
    `cycle` is the journal's entry of the last cycle (empty: there is none) and `reasons` what held
    all of its routes (empty: something moved). While `is_draining` a cycle or a drain is under way.
    """

    now: float
    sentence: str
    routes: dict[str, RouteStatus]
    dead_depth: int
    moogsoft: Moogsoft
    paused: Pause | None
    books: Books
    depths: dict[str, int]
    is_draining: bool
    cycle: str
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """What faces show, by the names that they keep."""
        kept = ("sentence", "routes", "dead_depth", "moogsoft", "paused", "books")
        found = asdict(self)
        return {name: found[name] for name in kept}


def read(
    store: Store, routes: tuple[Route, ...], dead_letter_queue: str, beside: Iterable[str] = ()
) -> Status:
    """The status now; `beside` are further lists whose depths are wanted. Raises StoreError."""
    paused = store.controls.paused()
    lists = [list_ for route in routes for list_ in (route.source, route.target)]
    found = _taken(store, routes, tuple(dict.fromkeys([*lists, dead_letter_queue, *beside])))
    by_route = {route.name: _route(found, route, paused) for route in routes}
    cycle = found.cycle
    return Status(
        now=found.now,
        sentence=_sentence(by_route, paused),
        routes=by_route,
        dead_depth=found.depths[dead_letter_queue],
        moogsoft=found.moogsoft,
        paused=paused,
        books=_books(found, by_route.values()),
        depths=found.depths,
        is_draining=found.is_draining,
        cycle=cycle.entry,
        reasons=tuple(part for part in cycle.reason.split(", ") if part),
    )


@dataclass(frozen=True)
class _Cycle:
    """The journal's last cycle: its entry, what held all of it, and each route's outcome."""

    entry: str = ""
    reason: str = ""
    routes: Mapping[str, str] | None = None

    def held(self, route: str) -> tuple[bool, str]:
        """Whether a route was held, and what held or bounded it."""
        outcome, _, reason = (self.routes or {}).get(route, "").partition(" ")
        return outcome == "held", reason.removeprefix("limit=")


@dataclass(frozen=True)
class _Reading:
    """What Redis holds; `speeds` are messages/s up to a moment, `oldest` moments, by route."""

    now: float
    depths: dict[str, int]
    counters: Mapping[str, int]
    moogsoft: Moogsoft
    is_draining: bool
    speeds: Mapping[str, tuple[float, float]]
    oldest: Mapping[str, float | None]
    cycle: _Cycle


def _route(found: _Reading, route: Route, paused: Pause | None) -> RouteStatus:
    is_held, held_by = found.cycle.held(route.name)
    if paused:
        is_held, held_by = True, PAUSED
    depth, oldest = found.depths[route.source], found.oldest[route.name]
    speed, moved_at = found.speeds[route.name]
    is_moving = (
        found.is_draining
        and found.now - moved_at < MOVING_SECONDS
        and not (is_held and held_by not in MOMENTARY)
    )
    rate = speed if is_moving and depth else 0.0
    eta = depth / rate if rate > 0 else None
    return RouteStatus(
        depth=depth,
        target_depth=found.depths[route.target],
        oldest_age_seconds=None if oldest is None else max(0.0, found.now - oldest),
        held_by=held_by,
        is_held=is_held,
        rate=rate,
        eta_seconds=0.0 if depth == 0 else eta,
    )


def _books(found: _Reading, routes: Iterable[RouteStatus]) -> Books:
    def total(kind: str) -> int:
        return sum(n for name, n in found.counters.items() if name.startswith(kind + ":"))

    return Books(
        replayed=total("replayed"),
        bounced=total("bounced"),
        quarantined={reason: total(reason) for reason in policy.QUARANTINE_REASONS},
        requeued=total("requeued"),
        waiting=sum(route.depth for route in routes),
    )


def _sentence(routes: Mapping[str, RouteStatus], paused: Pause | None) -> str:
    if paused:
        why = f": {paused.reason}" if paused.reason else ""
        return f"paused by {paused.actor} for another {_span(paused.seconds_left)}{why}"
    waiting = {name: route for name, route in routes.items() if route.depth}
    if not waiting:
        return WORDS[limits.EMPTY]
    moving = [
        f"{name} {route.rate:.0f}/s, empty in about {_span(route.eta_seconds or 0.0)}"
        for name, route in waiting.items()
        if route.rate
    ]
    if moving:
        return f"replaying {'; '.join(moving)}"
    depth = sum(route.depth for route in waiting.values())
    held = in_words(dict.fromkeys(r.held_by for r in waiting.values() if r.is_held and r.held_by))
    if held:
        return f"{depth:,} held: {held}"
    return f"{depth:,} wait for the next cycle"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


# --- how it lies in Redis ---


def _taken(store: Store, routes: tuple[Route, ...], lists: tuple[str, ...]) -> _Reading:
    # The cycle first: what moves afterwards is then in the depths and counters too.
    cycle = _last_cycle(store)
    found = store.snapshots.take(routes, lists)
    is_known = "healthy" in found.health
    healthy = found.health["healthy"] == "1" if is_known else None
    return _Reading(
        now=found.now,
        depths=found.depths,
        counters=found.counters,
        moogsoft=Moogsoft(healthy, found.health.get("reason", "") if is_known else ""),
        is_draining=found.is_draining,
        speeds={
            name: (_number(state.get("speed")), _number(state.get("moved_at")))
            for name, state in found.states.items()
        },
        oldest=found.oldest,
        cycle=cycle,
    )


def _last_cycle(store: Store) -> _Cycle:
    with translated():
        found: Any = store.snapshots._client.xrevrange(keys.JOURNAL, count=_NEWEST)
    for entry, raw in found:
        fields = {
            n.decode("utf-8", "replace"): v.decode("utf-8", "replace") for n, v in raw.items()
        }
        if fields.get("event") == "cycle":
            told = {n[6:]: text for n, text in fields.items() if n.startswith("route:")}
            return _Cycle(entry.decode(), fields.get("reason", ""), told)
    return _Cycle()


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
