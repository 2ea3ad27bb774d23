"""One batch on one route: what became of the last one, how much may go now, which messages, done.

A batch goes in slices, so that it is no burst. Each slice is looked at, decided and committed:
nothing leaves the queue before its commit, and the commit does all at once.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from math import exp
from typing import Any

from mutt_tasks.choice import Chosen, choose
from mutt_tasks.core import flow, limits
from mutt_tasks.core.breaker import BREAKER_OPEN, judged
from mutt_tasks.core.policy import SUSPECT, Arrival, arrival
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.settings import Settings
from mutt_tasks.store.controls import RouteReading
from mutt_tasks.store.queues import Moved
from mutt_tasks.store.states import encoded
from mutt_tasks.store.store import Store
from mutt_tasks.traffic import Traffic

# A queue that somebody changes between look and commit is looked at again this often.
COMMIT_TRIES = 3

# A drain that waits for a moment to come looks again at least this often, in seconds.
LONGEST_PAUSE = 10.0

# The speed of a drain is averaged over about so many seconds.
_SPEED_SECONDS = 10.0

REPLAYED, HELD = "replayed", "held"
PAUSED, UNHEALTHY = "paused", "unhealthy"
WAITING, CONTENDED = "waiting", "contended"

# What holds a route for this batch, not only for the next fraction of a second.
_LASTING = frozenset({limits.EMPTY, limits.WINDOW, limits.BACKOFF, limits.NOT_TAKEN})


@dataclass(frozen=True)
class RouteResult:
    """What a cycle did on one route.

    `reason` is what held it; `limit` is what bounded the batch, held or not. `landed` and
    `returned` tell of earlier replays, `suspects` of alerts that failed alone and wait. `more` says
    whether there is work left for the route now, `pause` in how many seconds it is worth looking
    again. `state` and `raised` are fields of the route's state and counters that no commit has
    written yet.
    """

    outcome: str
    reason: str = ""
    moved: Moved = field(default_factory=Moved)
    waiting: int = 0
    suspects: int = 0
    odd: int = 0
    limit: str = ""
    landed: int = 0
    returned: int = 0
    has_tripped: bool = False
    more: bool = False
    pause: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)
    raised: dict[str, int] = field(default_factory=dict)


class Lane:
    """One route during one cycle; `result` is what it did so far.

    All routes of a cycle share what it knows of the `traffic`. At `passed_at` the forwarder took an
    alert, as far as its limiter and its breaker tell (seconds since 1970; 0: none).
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        held: str,
        cycle: str,
        route: Route,
        traffic: Traffic,
    ) -> None:
        self._store = store
        self._settings = settings
        self._held = held
        self.route = route
        self._cycle = cycle
        self._traffic = traffic
        targets = (settings.lists.alert_queue, *(route.target for route in settings.routes))
        self._queues = tuple(dict.fromkeys(targets))
        self._rest = min(flow.CANARY_SECONDS, settings.pace.drain_interval)
        self._flow = flow.Flow()
        self._suspects = Suspects()
        self._left = limits.Allowance(0)
        self._commits = 0
        self._first: tuple[RouteReading, float] | None = None
        self.passed_at = 0.0
        self.is_done = False
        self.result = RouteResult(HELD)

    def settle(self, is_open: bool) -> None:
        """Find out what became of earlier replays, and how much this batch may hold.

        `is_open` is False while Moogsoft is down. The first slice uses the same look, so that it
        has to follow before another lane moves anything.
        """
        now, reading = self._read()
        landing = self._landing(reading, now)
        settings = self._settings
        bounds = flow.Bounds(
            settings.pace.batch_size,
            settings.pace.max_batch_size,
            settings.pace.retry_backoff,
            self._rest,
            awaits_canary=settings.pace.max_rate != 0,
        )
        is_dropping = self._traffic.watch.is_dropping
        settled = flow.settle(reading.flow, landing, bounds, now, is_open, is_dropping)
        self._suspects = reading.suspects.looked(
            reading.depths.source,
            landing.fresh,
            is_first=not reading.flow.looked_at,
            is_trouble=not is_open or now < settled.flow.closed_until,
            now=now,
        )
        self._flow = settled.flow
        self._left = flow.quota(settled.flow, bounds, now)
        self._first = reading, now
        self.passed_at = self._passed_at(reading, now)
        name = self.route.name
        raised = {f"landed:{name}": settled.landed, f"trips:{name}": int(settled.has_tripped)}
        self.result = RouteResult(
            HELD,
            landed=settled.landed,
            returned=landing.returned,
            has_tripped=settled.has_tripped,
            more=reading.depths.source > 0,
            state=encoded(settled.flow) | encoded(self._suspects),
            raised={counter: amount for counter, amount in raised.items() if amount},
        )

    def hold(self, reason: str) -> None:
        """No slice goes any more, for this reason."""
        self.is_done = True
        self.result = replace(self.result, limit=reason)
        if self.result.outcome == HELD:
            self.result = replace(self.result, reason=reason)

    def look(self) -> None:
        """Learn from what the forwarder takes, without sending anything."""
        now, reading = self._read()
        self._traffic.look(reading, now)

    def send(self) -> None:
        """One slice of the batch; `is_done` is set when no further one can follow."""
        for _ in range(COMMIT_TRIES):
            if self._sent_slice():
                return
        self.hold(CONTENDED)

    def _sent_slice(self) -> bool:
        """Try one slice; False when somebody changed the queue between look and commit."""
        now, reading = self._read()
        settings, route = self._settings, self.route
        is_open = judged(reading.breaker, now, settings.forwarder.breaker_timeout).is_open
        if reading.is_paused or is_open:
            self.hold(PAUSED if reading.is_paused else BREAKER_OPEN)
            return True
        traffic = self._traffic
        traffic.look(reading, now)
        allowed = self._allowed(reading, now)
        self.result = replace(self.result, limit=allowed.limit)
        if not allowed.messages:
            self._hold_for_now(allowed)
            return True
        chosen = choose(
            self._store,
            settings,
            route,
            self._cycle,
            now,
            reading,
            self._flow,
            allowed.messages,
            self._suspects,
            traffic.bears_suspect(self._suspects, reading, now),
        )
        if not chosen.batch.decisions:
            self._wait_out(chosen, now)
            return True
        batch = chosen.batch
        after = self._flow.moved(batch.replays, batch.going, now)
        name = route.name
        counted = {"odd": batch.odd, "bounced": batch.came_back, "forgiven": batch.forgiven}
        raised = {f"{counter}:{name}": amount for counter, amount in counted.items() if amount}
        is_sure = route.target == settings.lists.alert_queue
        pace, watch = traffic.after(batch.replays, is_sure, now)
        suspects = chosen.suspects.moved(chosen.places, chosen.sends_suspect, now)
        self._commits += 1
        moved = self._store.queues.commit(
            self._held,
            f"{self._cycle}:{name}:{self._commits}",
            self._cycle,
            route,
            settings.lists.dead_letter_queue,
            batch,
            chosen.state
            | encoded(after)
            | encoded(suspects)
            | _speed(reading, settings, batch.going, now),
            traffic.fields(pace, watch),
            raised | self.result.raised,
        )
        if moved is None:
            return False
        self._flow, self._suspects = after, suspects
        traffic.written(pace, watch)
        self._left = replace(self._left, messages=self._left.messages - batch.going)
        self.result = replace(
            self.result,
            outcome=REPLAYED,
            reason="",
            moved=self.result.moved + moved,
            waiting=chosen.waiting,
            suspects=suspects.waiting,
            odd=self.result.odd + batch.odd,
            more=True,  # at least a look at what comes back
            pause=self._pause(chosen, now),
            state={},
            raised={},
        )
        self.is_done = self._left.messages <= 0 or chosen.saw_all
        return True

    def _allowed(self, reading: RouteReading, now: float) -> limits.Allowance:
        if self._left.limit == limits.BACKOFF:
            return self._left
        traffic, depths = self._traffic, reading.depths
        credit = limits.credit(self._settings.pace.high_water, traffic.shed_above, depths)
        rate = traffic.allowance(reading, now)
        return limits.allowance(self._left, credit, depths.source, rate)

    def _hold_for_now(self, allowed: limits.Allowance) -> None:
        """A limit leaves nothing at this moment; the batch is over if that will not change soon."""
        self.is_done = allowed.limit in _LASTING
        if self.result.outcome == HELD:
            pause = min(LONGEST_PAUSE, allowed.pause)
            self.result = replace(self.result, reason=allowed.limit, pause=pause)

    def _wait_out(self, chosen: Chosen, now: float) -> None:
        """Nothing that was looked at may go yet."""
        self.is_done = True
        self._suspects = chosen.suspects
        only_suspects = 0 < chosen.suspects.waiting == chosen.waiting
        reason = SUSPECT if only_suspects else WAITING
        self.result = replace(
            self.result,
            limit=reason,
            waiting=chosen.waiting,
            suspects=chosen.suspects.waiting,
            more=True,
            pause=self._pause(chosen, now),
        )
        if self.result.outcome == HELD:
            state = self.result.state | chosen.state | encoded(chosen.suspects)
            self.result = replace(self.result, reason=reason, state=state)

    def _pause(self, chosen: Chosen, now: float) -> float:
        """How long nothing can go: a moment for replays to come back, or until a rest is over."""
        rest = self._rest if chosen.batch.replays else 0.0
        if not chosen.saw_all:
            return rest if self._flow.is_canary else 0.0
        rests = chosen.ready_at - now if chosen.waiting else 0.0
        return min(LONGEST_PAUSE, max(self._rest, rests))

    def _read(self) -> tuple[float, RouteReading]:
        """The moment, and the route as it is; the look that settled serves the first slice too."""
        if self._first is not None:
            (reading, now), self._first = self._first, None
            return now, reading
        now = self._store.controls.now()
        traffic, window = self._traffic, None
        # What is read may say that the limiter counts over another time than was assumed.
        while window != traffic.window:
            window = traffic.window
            reading = self._store.controls.reading(
                self.route, self._queues, self._settings.forwarder.rate_limit_key, window, now
            )
            traffic.read(reading, now)
        return now, reading

    def _passed_at(self, reading: RouteReading, now: float) -> float:
        breaker = judged(reading.breaker, now, self._settings.forwarder.breaker_timeout)
        # A closed breaker that counts failures is one that is about to open.
        if breaker.is_open or reading.failures or not reading.newest:
            return 0.0
        return reading.newest - self._traffic.window.skew

    def _landing(self, reading: RouteReading, now: float) -> flow.Landing:
        """What came into the source since we last looked, and what has not landed yet."""
        depths, before = reading.depths, reading.flow.depth
        arrivals = 0 if before is None else max(0, depths.source - before)
        under_way = 0
        oldest: list[bytes] = []
        newest: list[bytes] = []
        if arrivals or depths.target or depths.alert_queue:
            under_way, oldest, newest = self._store.queues.landing(
                self.route, self._settings.lists.alert_queue, arrivals
            )
        # What we sent comes back before others pile up on it, so the oldest arrivals are counted
        # as they are, and the newest stand for all the rest.
        kinds = Counter(arrival(raw, self.route) for raw in oldest)
        each = max(0, arrivals - len(oldest)) / max(1, len(newest))
        for kind, number in Counter(arrival(raw, self.route) for raw in newest).items():
            kinds[kind] += round(each * number)
        traffic = self._traffic
        live = traffic.pace.live_now(traffic.limiter_of(reading), reading.queued, now)
        return flow.Landing(
            source=depths.source,
            fresh=kinds[Arrival.FRESH],
            returned=kinds[Arrival.RETURNED],
            shed=kinds[Arrival.SHED],
            under_way=under_way,
            live=live / traffic.window.period,
        )


def _speed(reading: RouteReading, settings: Settings, going: int, now: float) -> dict[str, Any]:
    """How fast the queue empties, in messages/s, averaged over the last seconds."""
    gap = now - reading.moved_at
    is_drain = 0 < gap < 60
    speed = going / (gap if is_drain else max(settings.pace.drain_interval, 0.1))
    if is_drain:
        weight = 1 - exp(-gap / _SPEED_SECONDS)
        speed = reading.speed + weight * (speed - reading.speed)
    return {"speed": f"{speed:.3f}", "moved_at": f"{now:.3f}"}
