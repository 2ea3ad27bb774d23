"""The guard: looks at the queue before the forwarder, and shelters what would be destroyed there.

Every cycle has one. While Moogsoft is down it looks every half second, between two cycles as well.
"""

from dataclasses import replace

from mutt_tasks.core import shelter
from mutt_tasks.core.breaker import judged
from mutt_tasks.core.policy import Action, Decision
from mutt_tasks.core.routes import Route
from mutt_tasks.core.shelter import Sheltered, sheltered
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.job_steps import lists_of
from mutt_tasks.replay.looking import Look, look_at
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.settings import Settings
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.lease import RENEW_SECONDS, Step
from mutt_tasks.store.queues import MOST_BYTES, MOST_MESSAGES, SHELTER, Commit
from mutt_tasks.store.standing import Standing
from mutt_tasks.store.store import Store

# Between two looks while nothing else is done, and the longest stretch of them, in seconds: pauses
# and calls by hand wait for its end.
LOOK_SECONDS, LONGEST_WATCH = 0.5, 6.0

# A queue whose oldest alert lies there for this long is taken by nobody, in seconds.
_UNTAKEN_SECONDS = 0.4

# At one moment so many commits follow each other, or tries of one where somebody changes the queue.
_TRIES = 10


def guarded_route(settings: Settings) -> Route | None:
    """The route whose target stands before the forwarder; None when nothing is sheltered.

    Without a limit on the rate what the limiter destroys is not minded.
    """
    if not settings.pace.shelter or settings.pace.max_rate == 0:
        return None
    queue = settings.lists.alert_queue
    return next((route for route in settings.routes if route.target == queue), None)


def look_on(store: Store, settings: Settings, now: float | None = None) -> Standing:
    """What tells whether a cycle should begin; `now` in seconds since 1970 (None: Redis' clock)."""
    forwarder, route = settings.forwarder, guarded_route(settings)
    queue = route.target if route else ""
    lists, period = lists_of(settings), forwarder.rate_period
    return store.standing.read(queue, forwarder.rate_limit_key, period, lists, now)


def wants_cycle(found: Standing, settings: Settings) -> bool:
    """Whether a queue stands before the forwarder that no drain looks at: a cycle should begin."""
    if guarded_route(settings) is None or not settings.pace.enabled:
        return False
    forwarder = settings.forwarder
    return found.is_free and shelter.stands_too_long(
        found.queued, found.used, forwarder.rate_limit, forwarder.rate_period
    )


class Guard:
    """What one cycle, or the time before it, shelters: so many alerts in all.

    `undone` of them were replays of ours that the forwarder has not tried.
    """

    def __init__(self, context: CycleContext, traffic: Traffic, is_down: bool) -> None:
        self._context = context
        self.traffic = traffic
        self._is_down = is_down
        self._steps = 0
        self._oldest: list[bytes] = []
        self._oldest_since = 0.0
        self.route = guarded_route(context.settings)
        self.sheltered = self.undone = 0

    @property
    def is_needed(self) -> bool:
        """Whether to go on looking: Moogsoft is down, or a queue stands before the forwarder."""
        return self.route is not None and (self._is_down or self._excess > 0)

    @property
    def _excess(self) -> int:
        traffic = self.traffic
        return shelter.excess(traffic.alert_queue, traffic.limiter, traffic.pace.traffic)

    def step(self) -> None:
        """Shelter what is too much, going by the last look."""
        if self.route is None:
            return
        for _ in range(_TRIES):
            if not self._moves_some(self.route):
                return
            self._look(self.route)

    def watch(self, seconds: float) -> float:
        """Look and shelter for so many seconds; returns the seconds waited.

        It ends early when there is something else to do: a pause, or a breaker that has changed.
        """
        if self.route is None:
            return 0.0
        waited = renewed = 0.0
        first = self._look(self.route)
        self.step()
        while waited + LOOK_SECONDS <= seconds and not first.reading.is_paused:
            self._context.surroundings.wait(LOOK_SECONDS)
            waited += LOOK_SECONDS
            look = self._look(self.route)
            if self._has_changed(first, look):
                break
            self.step()
            if waited - renewed >= RENEW_SECONDS:
                token = self._context.token
                self._context.store.lease.advance(token, token, Step.GUARDING)
                renewed = waited
        return waited

    def _look(self, route: Route) -> Look:
        look = look_at(self._context, route, self.traffic)
        self.traffic.look(look.reading, look.now)
        return look

    def _has_changed(self, first: Look, look: Look) -> bool:
        timeout = self._context.settings.forwarder.breaker_timeout
        states = [judged(each.reading.breaker, each.now, timeout).state for each in (first, look)]
        return states[0] is not states[1] or look.reading.is_paused

    def _moves_some(self, route: Route) -> bool:
        """One step; False when there is nothing to do."""
        traffic = self.traffic
        many = self._excess
        # A limiter that was never seen where it is believed to be tells nothing.
        is_sure = self._is_down or bool(traffic.pace.seen_at)
        if not many or not (is_sure or self._is_untaken(route)):
            return False
        kept = traffic.alert_queue - many
        most = min(many, MOST_MESSAGES)
        found = self._context.store.queues.look(route.target, kept, most, MOST_BYTES)
        ready = [sheltered(raw, route, self._context.cycle) for raw in found]
        if ready:
            self._commit(route, kept, found, ready)
        return bool(ready)

    def _is_untaken(self, route: Route) -> bool:
        """Whether nobody has taken anything from the queue since an earlier look."""
        context = self._context
        now = context.surroundings.now()
        oldest = context.store.queues.look(route.target, 0, 1, MOST_BYTES)
        if oldest != self._oldest:
            self._oldest, self._oldest_since = oldest, now
        return now - self._oldest_since >= _UNTAKEN_SECONDS

    def _commit(self, route: Route, kept: int, found: list[bytes], ready: list[Sheltered]) -> None:
        """Move them; nothing happens when somebody changed the queue since the look."""
        context = self._context
        self._steps += 1
        moved = context.store.queues.commit(
            Commit(
                token=context.token,
                id=f"{context.token}:shelter:{self._steps}",
                cycle=context.cycle,
                route=replace(route, source=route.target, target=route.source),
                batch=Batch(
                    kept, found, [Decision(Action.REPLAY, payload=each.payload) for each in ready]
                ),
                verb=SHELTER,
            )
        )
        if moved is None:
            return
        undone = sum(each.undoes_replay for each in ready)
        self.sheltered += moved.replayed
        self.undone += undone
        self.traffic.taken_back(undone)
