"""A route's run: its batch in one cycle, slice by slice, each admitted, selected and committed.

A run begins when a cycle takes up a route and ends with the cycle. It learns once what became of
earlier replays, and then sends its batch in slices, so that the batch is no burst. Nothing leaves
the source before the commit of its slice, and the commit does all at once.
"""

from dataclasses import replace
from itertools import count
from typing import Any

from mutt_tasks.core import limits
from mutt_tasks.core.breaker import BREAKER_OPEN, judged
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limits import Allowance
from mutt_tasks.core.policy import SUSPECT
from mutt_tasks.core.routes import Route
from mutt_tasks.replay.cycle_context import CycleContext, Health
from mutt_tasks.replay.feedback import Learnt, canary_delay, learn, speed
from mutt_tasks.replay.looking import Look, look_at
from mutt_tasks.replay.result import (
    CONTENDED,
    HELD,
    PAUSED,
    REPLAYED,
    UNHEALTHY,
    WAITING,
    Pending,
)
from mutt_tasks.replay.selection import Selection, Wanted, select
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.store.batch import Batch, Moved
from mutt_tasks.store.counters import BAD_COUNTERS, BOUNCED, FORGIVEN, without_zeros
from mutt_tasks.store.queues import Commit
from mutt_tasks.store.states import encoded

# A queue that somebody changes between look and commit is looked at again this often.
COMMIT_TRIES = 3

# A drain that waits for a moment to come looks again at least this often, in seconds.
LONGEST_DELAY = 10.0

# What holds a route until somebody takes from the queues.
_UNTIL_TAKEN = frozenset({limits.BACKPRESSURE, limits.NOT_TAKEN})

# What holds a route for this batch, not only for the next fraction of a second.
_LASTING = frozenset(
    {limits.EMPTY, limits.WINDOW, limits.BACKOFF, limits.NOT_TAKEN, PAUSED, BREAKER_OPEN}
)


def started(context: CycleContext, route: Route, traffic: Traffic, health: Health) -> "RouteRun":
    """A route's run after its first slice, which goes by the same look as what was learnt."""
    look = look_at(context, route, traffic)
    learnt = learn(context, route, traffic, look, health.is_healthy)
    run = RouteRun(context, route, traffic, learnt)
    if health.is_healthy:
        run.send(look)
    else:
        run.hold(BREAKER_OPEN if health.reason == BREAKER_OPEN else UNHEALTHY)
    return run


class RouteRun:
    """One route during one cycle; `result` is what it did so far, `pending` what is unwritten.

    All runs of a cycle share what it knows of the `traffic`. `is_done` says that no further slice
    can follow.
    """

    def __init__(
        self, context: CycleContext, route: Route, traffic: Traffic, learnt: Learnt
    ) -> None:
        self._context, self._traffic = context, traffic
        self._flow, self._suspects, self._left = learnt.flow, learnt.suspects, learnt.left
        self._canary_delay, self._commits = canary_delay(context.settings), count(1)
        self.route, self.passed_at = route, learnt.passed_at
        self.result, self.pending, self.is_done = learnt.result, learnt.pending, False

    def take_back(self, sheltered: int, undone: int) -> None:
        """Alerts were moved into the source, so many of them replays of this route, untried."""
        self._flow = replace(self._flow, in_flight=self._flow.in_flight.taken_back(undone))
        total = self.result.sheltered + sheltered
        self.result = replace(self.result, sheltered=total, more=True)
        self.pending = _with_flow(self.pending, self._flow)

    def observe(self) -> None:
        """Learn from what the forwarder takes, without sending anything."""
        look = look_at(self._context, self.route, self._traffic)
        self._traffic.look(look.reading, look.now)

    def send(self, look: Look | None = None) -> None:
        """One slice of the batch, by this look or by a new one, in as many commits as it takes."""
        surroundings, tries, sent_bytes = self._context.surroundings, COMMIT_TRIES, 0
        late_at = surroundings.monotonic() + surroundings.scan.seconds
        while tries:
            look = look or look_at(self._context, self.route, self._traffic)
            allowed = self._admit(look)
            self.result = replace(self.result, limit=allowed.limit)
            if not allowed.messages:
                self._hold_for_now(allowed, look.now)
                return
            selection = self._select(look, allowed.messages, late_at)
            if not selection.batch.decisions:
                self._wait_out(selection, look.now)
                return
            if self._commit(look, selection):
                sent_bytes += selection.batch.data_bytes
                is_over = self.is_done or sent_bytes >= surroundings.scan.data_bytes
                if is_over or not selection.is_full:
                    return
            else:
                tries -= 1  # somebody changed the queue since
            look = None
        self.hold(CONTENDED)

    def hold(self, reason: str) -> None:
        """No slice goes any more, for this reason."""
        self.is_done = True
        self.result = self.result.bounded(reason, self.result.delay)

    def _admit(self, look: Look) -> Allowance:
        """How many messages may go now: gate, then the batch, the credit and the rate."""
        reading, now, settings = look.reading, look.now, self._context.settings
        if reading.is_paused:
            return Allowance(0, PAUSED)
        if judged(reading.breaker, now, settings.forwarder.breaker_timeout).is_open:
            return Allowance(0, BREAKER_OPEN)
        self._traffic.look(reading, now)
        if self._left.limit == limits.BACKOFF:
            return self._left
        credit = limits.credit(settings.pace.high_water, self._traffic.shed_above, reading.depths)
        rate = self._traffic.allowance(reading, now)
        return limits.allowance(self._left, credit, reading.depths.source, rate)

    def _select(self, look: Look, most: int, late_at: float) -> Selection:
        may_go = self._traffic.bears_suspect(self._suspects, look.reading, look.now)
        wanted = Wanted(most, late_at, self._flow.spans, self._suspects, may_go)
        return select(self._context, self.route, look, wanted)

    def _commit(self, look: Look, selection: Selection) -> bool:
        """Move the selected messages; False when somebody changed the queue since the look."""
        batch, now = selection.batch, look.now
        flow = self._flow.moved(batch.replays, batch.going, now)
        suspects = selection.suspects.moved(selection.places, selection.sends_suspect, now)
        is_sure = self.route.target == self._context.settings.lists.alert_queue
        pace, watch = self._traffic.after(batch.replays, is_sure, now)
        state = {
            **self.pending.state,
            **selection.state,
            **encoded(flow),
            **encoded(suspects),
            **speed(self._context.settings, look, batch.going),
        }
        moved = self._sent(batch, state, self._traffic.fields(pace, watch))
        if moved is None:
            return False
        self._flow, self._suspects, self.pending = flow, suspects, Pending()
        self._traffic.written(pace, watch)
        self._left = replace(self._left, messages=self._left.messages - batch.going)
        self.is_done = self._left.messages <= 0 or selection.saw_all
        self.result = replace(
            self.result,
            outcome=REPLAYED,
            reason="",
            moved=self.result.moved + moved,
            waiting=selection.waiting,
            suspects=suspects.waiting,
            bad_counters=self.result.bad_counters + batch.bad_counters,
            more=True,  # at least a look at what comes back
            delay=_delay(selection, self._canary_delay, self._flow.window.is_canary, now),
        )
        return True

    def _sent(self, batch: Batch, state: dict[str, Any], pace: dict[str, str]) -> Moved | None:
        return self._context.store.queues.commit(
            Commit(
                token=self._context.token,
                id=f"{self._context.cycle}:{self.route.name}:{next(self._commits)}",
                cycle=self._context.cycle,
                route=self.route,
                batch=batch,
                state=state,
                pace=pace,
                increments={**_counted(self.route, batch), **self.pending.increments},
            )
        )

    def _hold_for_now(self, allowed: Allowance, now: float) -> None:
        """A limit leaves nothing at this moment; the batch is over if that will not change soon."""
        is_untaken = allowed.limit in _UNTIL_TAKEN
        self.pending = _with_flow(self.pending, self._flow.held(is_untaken, now))
        patience = self._flow.patience(now) if is_untaken else 0.0
        delay = max(patience, min(LONGEST_DELAY, allowed.delay))
        is_far = patience > self._canary_delay or delay >= LONGEST_DELAY
        self.is_done = is_far or allowed.limit in _LASTING
        self.result = self.result.bounded(allowed.limit, delay)

    def _wait_out(self, selection: Selection, now: float) -> None:
        """Nothing that was looked at may go yet."""
        self.is_done, self._suspects = True, selection.suspects
        suspects = selection.suspects.waiting
        reason = SUSPECT if 0 < suspects == selection.waiting else WAITING
        if self.result.outcome == HELD:
            state = {**self.pending.state, **selection.state, **encoded(selection.suspects)}
            self.pending = replace(self.pending, state=state)
        self.result = replace(
            self.result.bounded(reason),
            waiting=selection.waiting,
            suspects=suspects,
            more=True,
            delay=_delay(selection, self._canary_delay, self._flow.window.is_canary, now),
        )


def _with_flow(pending: Pending, flow: Flow) -> Pending:
    return replace(pending, state={**pending.state, **encoded(flow)})


def _delay(selection: Selection, canary_delay: float, is_canary: bool, now: float) -> float:
    """How long nothing can go: until replays may be back, or a message's backoff is over."""
    delay = canary_delay if selection.batch.replays else 0.0
    if not selection.saw_all:
        return delay if is_canary else 0.0
    backoff = selection.ready_at - now if selection.waiting else 0.0
    return min(LONGEST_DELAY, max(canary_delay, backoff))


def _counted(route: Route, batch: Batch) -> dict[str, int]:
    """What a commit counts beside the moves."""
    return without_zeros(
        {
            BAD_COUNTERS.of(route.name): batch.bad_counters,
            BOUNCED.of(route.name): batch.came_back,
            FORGIVEN.of(route.name): batch.forgiven,
        }
    )
