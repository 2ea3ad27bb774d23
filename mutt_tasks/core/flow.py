"""How much a route may move now, and what became of what it moved: pure arithmetic.

A batch is as large as the smallest of window, credit and rate allows. The window begins with a
canary and doubles while what was sent sticks; it shrinks to what the consumer takes when the target
fills, and to a canary when most of what was sent came back. If first-time failures arrive as well,
the trouble is general: the route's breaker opens and what was sent meanwhile is forgiven.
"""

from dataclasses import dataclass, replace
from math import exp

from mutt_tasks.core.limits import BACKOFF, NOT_TAKEN, WINDOW, Allowance

# A canary is let alone for so many seconds, or for a drain's interval if that is shorter.
CANARY_SECONDS = 1.0
# After so many seconds without a replay the next one is a canary again; later where the last batch
# was not looked at meanwhile, as with one batch a tick.
IDLE_SECONDS, LONGEST_IDLE = 60.0, 7200.0
# A consumer that has taken nothing for this many seconds is away, not slow.
SILENCE_SECONDS = 10.0
# A forwarder retries for about a minute before it gives up, and its queue has to move meanwhile:
# what has not come back after so many seconds has landed.
STICK_SECONDS = 120.0

# Looks fade: of what was sent and came back, this share still counts at the next look.
FADING = 0.8
# Shares of what was sent that came back: from here on the window halves, or all is trouble.
SOME, MOST = 0.1, 0.5
# The trouble is general if first-time failures are at least this share of live traffic. A
# forwarder's retries count as traffic, up to six for one failure, so it must be below 1/7.
GENERAL_SHARE = 0.1
# ... both averaged over about so many seconds; fewer failures in that time say nothing.
GENERAL_SECONDS, FEWEST_FAILURES = 30.0, 2.5

# The route's breaker: the longest that it stays open, and when it may close early because
# failures have stopped while live traffic flows (seconds).
LONGEST_BACKOFF = 3600.0
EARLIEST_CLOSE, QUIET_SECONDS, EXPECTED_FAILURES = 10.0, 5.0, 3.0

# General trouble is remembered for a day: a long queue is looked at late.
_SPANS_KEPT, _SPAN_SECONDS = 32, 86_400.0
_COHORTS_KEPT, _COHORT_SECONDS = 48, 5.0

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Landing:
    """What a look between two batches found.

    `fresh`, `returned` and `shed` are how many messages came into the source since the last look:
    for the first time, as replays that failed, and shed by the alerter; `under_way` is how many
    replays still lie in the queues, and `live` how many live alerts a second the forwarder takes.
    """

    source: int
    fresh: int = 0
    returned: int = 0
    shed: int = 0
    under_way: int = 0
    live: float = 0.0


@dataclass(frozen=True)
class Bounds:
    """Numbers of the settings.

    `canary` and `largest` are the first and the largest batch, in messages; `backoff` is how long
    the breaker stays open at first, and `rest` how long a canary is left alone, in seconds.
    `awaits_canary` says that nothing follows a canary that still lies in a queue.
    """

    canary: int
    largest: int
    backoff: float
    rest: float = CANARY_SECONDS
    awaits_canary: bool = True


@dataclass(frozen=True)
class Flow:
    """A route's state between batches; moments in seconds since 1970, 0 for never.

    `window` is 0 before the first batch; doubling ends at `steady` (0: not known yet), and while
    `is_canary` nothing has stuck yet. `batch` counts replays since the last look, `sent` and
    `returned` fade from look to look. `depth` is the source's length as we left it, None when
    unknown. `progress_at` is when the consumer was last seen to take replays. `cohorts` holds
    moments and numbers of replays whose fate is open, `owed` how many have come back that belong
    to them. The breaker, opened at `tripped_at`, stays open until `closed_until`; it did so `trips`
    times in a row. `spans` are stretches of general trouble: replays sent in them are forgiven.
    """

    window: int = 0
    steady: int = 0
    is_canary: bool = True
    batch: int = 0
    sent: float = 0.0
    returned: float = 0.0
    under_way: int = 0
    depth: int | None = None
    sent_at: float = 0.0
    looked_at: float = 0.0
    progress_at: float = 0.0
    fresh_at: float = 0.0
    fresh_rate: float = 0.0
    live_rate: float = 0.0
    live_now: float = 0.0
    cohorts: tuple[tuple[float, float], ...] = ()
    owed: float = 0.0
    trips: int = 0
    tripped_at: float = 0.0
    closed_until: float = 0.0
    spans: Spans = ()

    def moved(self, replays: int, total: int, now: float) -> "Flow":
        """The flow after `replays` went to the target; `total` messages left the source."""
        depth = None if self.depth is None else self.depth - total
        if not replays:
            return replace(self, depth=depth)
        cohorts = self.cohorts
        if cohorts and 0 <= now - cohorts[-1][0] < _COHORT_SECONDS:
            cohorts = (*cohorts[:-1], (cohorts[-1][0], cohorts[-1][1] + replays))
        else:
            cohorts = (*cohorts, (now, float(replays)))
        return replace(self, batch=self.batch + replays, depth=depth, sent_at=now, cohorts=cohorts)


@dataclass(frozen=True)
class Settled:
    """The flow after a look.

    `landed` replays have stayed away from the dead letter queue for good; `has_tripped` says that
    the breaker opened just now.
    """

    flow: Flow
    landed: int
    has_tripped: bool


def settle(
    flow: Flow,
    landing: Landing,
    bounds: Bounds,
    now: float,
    is_open: bool,
    is_dropping: bool = False,
) -> Settled:
    """Learn from a look: what landed, how wide the window is, and whether the trouble is general.

    `is_open` is False while Moogsoft is known to be down: trouble enough, and the gate already
    holds the route, so that its breaker need not. While the forwarder drops what it is sent
    (`is_dropping`), what goes next is a canary.
    """
    sent_since = _oldest_that_may_return(flow, now)
    flow = _looked(_awake(flow, landing, bounds, now), landing, now)
    flow, landed = _aged(flow, landing, now)
    if _may_close_early(flow, now):
        flow = replace(flow, closed_until=now)
    share = flow.returned / max(flow.sent, flow.returned, 1.0)
    came_back = landing.returned >= 1
    has_tripped = False
    if not is_open:
        if now - flow.sent_at < STICK_SECONDS or flow.batch or came_back:
            flow = _as_canary(_forgiving(flow, sent_since, now), bounds)
    elif came_back and share > MOST:
        has_tripped = _is_general(flow, landing, now)
        flow = _as_canary(flow, bounds)
        if has_tripped:
            flow = _tripped(_forgiving(flow, sent_since, now), bounds, now)
    elif came_back and share > SOME and _is_general(flow, landing, now):
        halved = max(1, flow.window // 2)
        flow = replace(flow, window=halved, steady=halved)
    elif landing.under_way and now - max(flow.progress_at, flow.sent_at) > SILENCE_SECONDS:
        flow = _as_canary(flow, bounds)  # the consumer is away: what lies there has to go first
    elif flow.batch:
        flow = _widened(flow, landing, bounds, now)
    elif flow.is_canary and flow.under_way and not landing.under_way and not came_back:
        flow = replace(flow, is_canary=False)  # a slow consumer has taken the canary at last
    if is_dropping:
        flow = _as_canary(flow, bounds)
    return Settled(replace(flow, batch=0, under_way=landing.under_way), landed, has_tripped)


def quota(flow: Flow, bounds: Bounds, now: float) -> Allowance:
    """How many messages the next batch may hold, before credit and rate have a say."""
    if now < flow.closed_until and 0 <= now - flow.tripped_at < LONGEST_BACKOFF:
        return Allowance(0, BACKOFF, flow.closed_until - now)
    since = now - flow.sent_at
    if flow.is_canary and bounds.awaits_canary and flow.under_way:
        # Whoever comes back to a queue works it off as fast as it can, and the forwarder's limiter
        # drops what is too fast: nothing more may lie there until somebody takes it.
        return Allowance(0, NOT_TAKEN, bounds.rest)
    if flow.is_canary and 0 <= since < bounds.rest:
        return Allowance(0, WINDOW, bounds.rest - since)
    # Without a limit on the rate a consumer that was never seen to take any gets a canary at a
    # time, until the high-water mark is reached.
    left = flow.window - (flow.under_way if flow.progress_at else 0)
    return Allowance(max(0, left), WINDOW)


def _awake(flow: Flow, landing: Landing, bounds: Bounds, now: float) -> Flow:
    """The flow, started anew after a pause, a first time, or a clock that jumped back."""
    # A batch that nobody has looked at yet still tells how wide the window may be.
    idle = LONGEST_IDLE if flow.batch else IDLE_SECONDS
    if flow.window and -1.0 <= now - flow.sent_at < idle:
        return replace(flow, window=min(flow.window, bounds.largest))
    seen_at = flow.progress_at if landing.under_way else 0.0
    return replace(_as_canary(flow, bounds), progress_at=seen_at, sent=0.0, returned=0.0)


def _looked(flow: Flow, landing: Landing, now: float) -> Flow:
    """The flow with this look's numbers in its averages."""
    elapsed = now - flow.looked_at if 0 < flow.looked_at < now else GENERAL_SECONDS
    weight = 1 - exp(-elapsed / GENERAL_SECONDS)
    # What came back was taken too.
    is_progress = flow.under_way + flow.batch > landing.under_way or landing.returned >= 1
    return replace(
        flow,
        progress_at=now if is_progress else flow.progress_at,
        depth=landing.source,
        looked_at=now,
        sent=FADING * flow.sent + flow.batch,
        returned=FADING * flow.returned + landing.returned,
        fresh_at=now if landing.fresh >= 1 else min(flow.fresh_at, now),
        fresh_rate=flow.fresh_rate + weight * (landing.fresh / elapsed - flow.fresh_rate),
        live_now=landing.live,
        live_rate=flow.live_rate + weight * (landing.live - flow.live_rate),
    )


def _aged(flow: Flow, landing: Landing, now: float) -> tuple[Flow, int]:
    """The flow without replays whose fate is clear, and how many of them landed.

    What came back is taken off the oldest open replays; what still lies in the queues is the
    youngest, so older ones are not held up by it.
    """
    cohorts, owed, landed = list(flow.cohorts), flow.owed + landing.returned + landing.shed, 0.0
    while cohorts:
        sent_at, sent = cohorts[0]
        younger = sum(n for _, n in cohorts[1:])
        is_over = not 0 <= now - sent_at < STICK_SECONDS or len(cohorts) > _COHORTS_KEPT
        if not is_over or younger < landing.under_way:
            break
        del cohorts[0]
        came_back = min(sent, owed)
        owed -= came_back
        landed += sent - came_back
    owed = min(owed, sum(n for _, n in cohorts))
    return replace(flow, cohorts=tuple(cohorts), owed=owed), round(landed)


def _is_general(flow: Flow, landing: Landing, now: float) -> bool:
    """Whether others fail too: first-time failures arrive, or the queue stands still."""
    traffic = flow.fresh_rate + flow.live_rate
    failures = flow.fresh_rate * GENERAL_SECONDS
    has_just_failed = now - flow.fresh_at <= QUIET_SECONDS and failures >= FEWEST_FAILURES
    if has_just_failed and flow.fresh_rate >= GENERAL_SHARE * traffic:
        return True
    stands_still = flow.progress_at and now - flow.progress_at > EARLIEST_CLOSE
    return bool(landing.under_way and stands_still)


def _widened(flow: Flow, landing: Landing, bounds: Bounds, now: float) -> Flow:
    """The flow after a batch that stuck, or that the consumer has not taken yet."""
    taken = flow.under_way + flow.batch - landing.under_way - landing.returned
    if landing.under_way > max(1, flow.window // 4):
        # The consumer is slower than we are: no more than it takes.
        window = max(1, min(flow.window, round(taken))) if taken > 0 else bounds.canary
        window = min(window, flow.window)
        return replace(flow, window=window, steady=window)
    is_calm = flow.trips and now - flow.closed_until > STICK_SECONDS
    is_canary = flow.is_canary and bounds.awaits_canary and landing.under_way > 0
    flow = replace(flow, is_canary=is_canary, trips=0 if is_calm else flow.trips)
    if 4 * flow.batch < 3 * flow.window:
        return flow  # something else was the limit: nothing is known about a larger one
    if flow.steady and landing.under_way > flow.window // 8:
        return flow  # as much as the consumer takes
    is_doubling = not flow.steady or flow.window < flow.steady
    wider = 2 * flow.window if is_doubling else flow.window + max(1, flow.window // 10)
    return replace(flow, window=min(bounds.largest, wider))


def _as_canary(flow: Flow, bounds: Bounds) -> Flow:
    return replace(flow, window=min(bounds.canary, bounds.largest), steady=0, is_canary=True)


def _tripped(flow: Flow, bounds: Bounds, now: float) -> Flow:
    """The flow with its breaker open: longer each time in a row."""
    trips = flow.trips + 1
    rest = min(LONGEST_BACKOFF, max(1.0, bounds.backoff) * 2.0 ** min(trips - 1, 32))
    return replace(
        flow,
        trips=trips,
        tripped_at=now,
        closed_until=now + rest,
        sent=0.0,
        returned=0.0,
    )


def _oldest_that_may_return(flow: Flow, now: float) -> float:
    """When the oldest replay was sent that can have come back since the last look."""
    looked_at = flow.looked_at if 0 < flow.looked_at < now else now
    oldest = min([looked_at, *(sent_at for sent_at, _ in flow.cohorts if 0 < sent_at < now)])
    return max(oldest - STICK_SECONDS, now - _SPAN_SECONDS)


def _forgiving(flow: Flow, start: float, now: float) -> Flow:
    """The flow that forgives what was sent between two moments."""
    kept = [span for span in flow.spans if now - _SPAN_SECONDS < span[1] <= now]
    if kept and start <= kept[-1][1]:
        start = min(start, kept.pop()[0])
    return replace(flow, spans=(*kept, (start, now))[-_SPANS_KEPT:])


def _may_close_early(flow: Flow, now: float) -> bool:
    """Whether the trouble is visibly over: live alerts flow, and no failure arrives any more."""
    if now >= flow.closed_until:
        return False
    quiet = now - flow.fresh_at
    # So long a silence is no chance: at the rate of before, some failures would have come.
    is_quiet = quiet >= QUIET_SECONDS and quiet * flow.fresh_rate >= EXPECTED_FAILURES
    return now - flow.tripped_at >= EARLIEST_CLOSE and is_quiet and flow.live_now > 0
