"""A route's run: its batch in one cycle, slice by slice, each admitted, selected and committed.

A run begins when a cycle takes up a route and ends with the cycle. It learns once what became of
earlier replays, and then sends its batch in slices, so that the batch is no burst. Nothing leaves
the source before the commit of its slice, and the commit does all at once.
"""

from dataclasses import replace

from mutt_tasks.core import limits
from mutt_tasks.core.breaker import BREAKER_OPEN, judged
from mutt_tasks.core.failures import QUIET_SECONDS
from mutt_tasks.core.limits import Allowance
from mutt_tasks.core.policy import SUSPECT
from mutt_tasks.core.routes import Route
from mutt_tasks.replay import forward
from mutt_tasks.replay.cycle_context import CycleContext, Health
from mutt_tasks.replay.feedback import Learnt, canary_delay, learn
from mutt_tasks.replay.looking import Look, look_at
from mutt_tasks.replay.paced_job import PacedJob
from mutt_tasks.replay.paced_jobs import PacedJobs
from mutt_tasks.replay.result import (
    CONTENDED,
    HELD,
    JOB,
    PAUSED,
    REPLAYED,
    UNHEALTHY,
    WAITING,
    Pending,
)
from mutt_tasks.replay.route_books import RouteBooks, Sending
from mutt_tasks.replay.selection import Selection, Wanted, policy_of, select
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.store.batch import Batch, Moved

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


def started(
    context: CycleContext,
    route: Route,
    traffic: Traffic,
    health: Health,
    jobs: PacedJobs,
) -> "RouteRun":
    """A route's run after its first slice, which goes by the same look as what was learnt."""
    look = look_at(context, route, traffic)
    learnt = learn(context, route, traffic, look, health.is_healthy)
    job = jobs.on(route)
    if job is not None:
        learnt = replace(learnt, result=replace(learnt.result, more=True))
    run = RouteRun(context, route, traffic, learnt, job)
    if route.name in jobs.busy:
        run.hold(JOB)
    elif health.is_healthy:
        run.send(look)
    else:
        run.hold(BREAKER_OPEN if health.reason == BREAKER_OPEN else UNHEALTHY)
    return run


class RouteRun:
    """One route during one cycle; `result` is what it did so far.

    All runs of a cycle share what it knows of the `traffic`. A `job` says which messages go first.
    `is_done` says that no further slice can follow.
    """

    def __init__(
        self,
        context: CycleContext,
        route: Route,
        traffic: Traffic,
        learnt: Learnt,
        job: PacedJob | None = None,
    ) -> None:
        self._context, self._traffic, self._job = context, traffic, job
        self._books, self._left = RouteBooks(context, route, traffic, learnt), learnt.left
        self._canary_delay = canary_delay(context.settings)
        self.route, self.passed_at = route, learnt.passed_at
        self.result, self.is_done = learnt.result, False

    @property
    def pending(self) -> Pending:
        """What is unwritten."""
        return self._books.pending

    def take_back(self, sheltered: int, undone: int) -> None:
        """Alerts were moved into the source, so many of them replays of this route, untried."""
        self._books.take_back(undone)
        self.result = replace(self.result, sheltered=self.result.sheltered + sheltered, more=True)

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
            there = max(look.reading.depths.source, self._job.left if self._job else 0)
            allowed = _admitted(self._context, self._traffic, self._left, look, there)
            self.result = replace(self.result, limit=allowed.limit)
            if not allowed.messages:
                self._hold_for_now(allowed, look.now)
                return
            sent = self._send_of_job(look, allowed.messages)
            if sent:
                return
            if sent is False:
                tries, look = tries - 1, None
                continue
            wanted = _wanted(self._books, self._traffic, look, allowed.messages, late_at)
            selection = select(self._context, self.route, look, wanted)
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

    def _send_of_job(self, look: Look, most: int) -> bool | None:
        """Send messages of the job; False when somebody changed their list since the look.

        None when none of them can go now: then others may.
        """
        job = self._job
        if job is None or not job.left:
            return None
        wanted = _wanted(self._books, self._traffic, look, most, 0.0)
        policy = policy_of(self._context.settings, wanted)
        choice = job.choose(policy, self._books.suspects, most, look.now)
        if choice is None:
            # With nothing else to send a job that keeps to a rate of its own goes on in a moment.
            return True if job.left and not look.reading.depths.source else None
        moved = self._books.commit(look, choice.sending)
        if moved is None:
            return False
        job.moved(choice)
        self._note(moved, choice.found.batch)
        return True

    def _commit(self, look: Look, selection: Selection) -> bool:
        """Move the selected messages; False when somebody changed the queue since the look."""
        batch, now = selection.batch, look.now
        suspects = selection.suspects.moved(batch.places, selection.sends_suspect, now)
        sending = Sending(batch, self.route, selection.state, suspects)
        moved = self._books.commit(look, sending)
        if moved is None:
            return False
        self._note(moved, batch)
        self.is_done = self.is_done or selection.saw_all
        self.result = replace(
            self.result,
            waiting=selection.waiting,
            suspects=suspects.waiting,
            delay=_delay(selection, self._canary_delay, self._books.is_canary, now),
        )
        return True

    def _note(self, moved: Moved, batch: Batch) -> None:
        """A batch has gone."""
        self._left = replace(self._left, messages=self._left.messages - batch.going)
        self.is_done = self._left.messages <= 0
        self.result = replace(
            self.result,
            outcome=REPLAYED,
            reason="",
            moved=self.result.moved + moved,
            bad_counters=self.result.bad_counters + batch.bad_counters,
            more=True,  # at least a look at what comes back
            delay=self._canary_delay if self._books.is_canary else 0.0,
        )

    def _hold_for_now(self, allowed: Allowance, now: float) -> None:
        """A limit leaves nothing at this moment; the batch is over if that will not change soon."""
        is_untaken = allowed.limit in _UNTIL_TAKEN
        self._books.held(is_untaken, now)
        patience = self._books.flow.patience(now) if is_untaken else 0.0
        delay = max(patience, min(_longest_delay(allowed.limit), allowed.delay))
        is_far = patience > self._canary_delay or delay >= LONGEST_DELAY
        self.is_done = is_far or allowed.limit in _LASTING
        self.result = self.result.bounded(allowed.limit, delay)

    def _wait_out(self, selection: Selection, now: float) -> None:
        """Nothing that was looked at may go yet."""
        self.is_done, suspects = True, selection.suspects.waiting
        forward.want(self._context, self.route, selection.behind)
        self._books.waits(selection.suspects, selection.state, keep=self.result.outcome == HELD)
        self.result = replace(
            self.result.bounded(_why_waiting(selection)),
            waiting=selection.waiting,
            suspects=suspects,
            more=True,
            delay=_delay(selection, self._canary_delay, self._books.is_canary, now),
        )


def _admitted(
    context: CycleContext, traffic: Traffic, left: Allowance, look: Look, there: int
) -> Allowance:
    """How many of the messages that are `there` may go now: gate, then batch, credit and rate."""
    reading, now, settings = look.reading, look.now, context.settings
    if reading.is_paused:
        return Allowance(0, PAUSED)
    if judged(reading.breaker, now, settings.forwarder.breaker_timeout).is_open:
        return Allowance(0, BREAKER_OPEN)
    traffic.look(reading, now)
    if left.limit == limits.BACKOFF:
        return left
    credit = limits.credit(settings.pace.high_water, traffic.shed_above, reading.depths)
    return limits.allowance(left, credit, there, traffic.allowance(reading, now))


def _wanted(books: RouteBooks, traffic: Traffic, look: Look, most: int, late_at: float) -> Wanted:
    may_go = traffic.bears_suspect(books.suspects, look.reading, look.now)
    return Wanted(most, late_at, books.flow.spans, books.suspects, may_go)


def _why_waiting(selection: Selection) -> str:
    if selection.behind:
        return JOB
    return SUSPECT if 0 < selection.suspects.waiting == selection.waiting else WAITING


def _longest_delay(limit: str) -> float:
    # A route's breaker may close early: once failures have stopped for so long.
    return QUIET_SECONDS if limit == limits.BACKOFF else LONGEST_DELAY


def _delay(selection: Selection, canary_delay: float, is_canary: bool, now: float) -> float:
    """How long nothing can go: until replays may be back, or a message's backoff is over."""
    delay = canary_delay if selection.batch.replays else 0.0
    if not selection.saw_all:
        return delay if is_canary else 0.0
    backoff = selection.ready_at - now if selection.waiting else 0.0
    return min(LONGEST_DELAY, max(canary_delay, backoff))
