"""How much a route may move now, and what became of what it moved: pure arithmetic.

A batch is as large as the smallest of window, credit and rate allows. The window begins with a
canary and doubles while what was sent sticks; it shrinks to what the consumer takes when the target
fills, and to a canary when most of what was sent came back. If first-time failures arrive as well,
the trouble is general: the route's breaker opens and what was sent meanwhile is forgiven.
"""

from dataclasses import dataclass, replace

from mutt_tasks.core.failures import SPAN_SECONDS, Failures, Moments, Spans
from mutt_tasks.core.in_flight import STICK_SECONDS, InFlight
from mutt_tasks.core.limits import BACKOFF, NOT_TAKEN, WINDOW, Allowance
from mutt_tasks.core.route_breaker import Breaker
from mutt_tasks.core.window import Bounds, Window

# A canary is left alone for this many seconds, or for a drain's interval if that is shorter.
CANARY_SECONDS = 1.0
# After this many seconds without a replay the next one is a canary again; later where the last
# batch was not looked at meanwhile, as with one batch a tick.
IDLE_SECONDS, LONGEST_IDLE = 60.0, 7200.0
# A consumer that has taken nothing for this many seconds is away, not slow.
SILENCE_SECONDS = 10.0
# While nobody takes anything the next look comes after this share of the time that it has been so,
# or after so many seconds.
PATIENCE_SHARE, LONGEST_PATIENCE = 0.25, 15.0
# Shares of what was sent that came back: from here on the window halves, or all is trouble.
SOME, MOST = 0.1, 0.5


@dataclass(frozen=True)
class Landing:
    """What a look between two batches found.

    `fresh`, `returned` and `shed` are how many messages came into the source since the last look:
    for the first time, as replays that failed, and shed by the alerter; `in_flight` is how many
    replays still lie in the queues, and `live` how many live alerts a second the forwarder takes.
    """

    source: int
    fresh: int = 0
    returned: int = 0
    shed: int = 0
    in_flight: int = 0
    live: float = 0.0


@dataclass(frozen=True)
class Flow:
    """A route's state between batches.

    `depth` is the source's length as we left it, None when unknown; the last look was at
    `looked_at`, and nobody has taken anything since `held_since` (seconds since 1970, 0 for never).
    """

    window: Window = Window()
    in_flight: InFlight = InFlight()
    failures: Failures = Failures()
    breaker: Breaker = Breaker()
    depth: int | None = None
    looked_at: float = 0.0
    held_since: float = 0.0

    @property
    def spans(self) -> Spans:
        """Stretches of general trouble: replays sent in them are forgiven."""
        return self.failures.spans

    def moved(self, replays: int, total: int, now: float) -> "Flow":
        """The flow after `replays` went to the target; `total` messages left the source."""
        depth = None if self.depth is None else self.depth - total
        in_flight = self.in_flight.sent(replays, now) if replays else self.in_flight
        return replace(self, depth=depth, in_flight=in_flight, held_since=0.0)

    def patience(self, now: float) -> float:
        """In how many seconds it is worth looking again while nobody takes anything.

        The longer that has lasted, the later: what it costs Redis to wait stays small, and an end
        is seen late by a share of what was lost already. A cycle goes by what it found when it
        began, so in the first one that is held every slice looks.
        """
        if not 0 < self.held_since < now:
            return 0.0
        return min(LONGEST_PATIENCE, PATIENCE_SHARE * (now - self.held_since))

    def held(self, is_untaken: bool, now: float) -> "Flow":
        """The flow while it may send nothing; `is_untaken`: until somebody takes something."""
        return replace(self, held_since=(self.held_since or now) if is_untaken else 0.0)

    def as_canary(self, bounds: Bounds) -> "Flow":
        """The flow that begins anew, carefully."""
        return replace(self, window=Window.canary(bounds))


@dataclass(frozen=True)
class Settled:
    """The flow after a look.

    `landed` replays have stayed away from the dead letter queue for good; `has_tripped` says that
    the breaker opened just now.
    """

    flow: Flow
    landed: int
    has_tripped: bool


@dataclass(frozen=True)
class Trouble:
    """What is known of others' trouble at a look.

    While Moogsoft is not healthy, the gate already holds the route, so that its breaker need not.
    While the forwarder drops what it is sent (`is_dropping`), what goes next is a canary.
    """

    moogsoft_is_healthy: bool = True
    is_dropping: bool = False


def settle(flow: Flow, landing: Landing, bounds: Bounds, trouble: Trouble, now: float) -> Settled:
    """Learn from a look: what landed, how wide the window is, whether the trouble is general."""
    sent_since = _oldest_that_may_return(flow, now)
    flow = _looked(_awake(flow, landing, bounds, now), landing, now)
    came_back = landing.returned + landing.shed
    in_flight, landed = flow.in_flight.aged(landing.in_flight, came_back, now)
    flow = replace(flow, in_flight=in_flight)
    if flow.breaker.may_close_early(now) and flow.failures.have_stopped(now):
        flow = replace(flow, breaker=flow.breaker.closed_early(now))
    is_down = not trouble.moogsoft_is_healthy
    has_tripped = not is_down and _trips(flow, landing, now)
    if is_down:
        flow = _while_moogsoft_is_down(flow, landing, bounds, sent_since, now)
    elif has_tripped:
        failures = flow.failures.forgiving(sent_since, now).forgotten()
        breaker = flow.breaker.tripped(bounds.backoff, now)
        flow = replace(flow, failures=failures, breaker=breaker).as_canary(bounds)
    else:
        flow = _with_window(flow, landing, bounds, now)
    if trouble.is_dropping:
        flow = flow.as_canary(bounds)
    flow = replace(flow, in_flight=flow.in_flight.after_look(landing.in_flight))
    return Settled(flow, landed, has_tripped)


def quota(flow: Flow, bounds: Bounds, now: float) -> Allowance:
    """How many messages the next batch may hold, before credit and rate have a say."""
    if flow.breaker.is_open(now):
        return Allowance(0, BACKOFF, flow.breaker.open_until - now)
    window, in_flight = flow.window, flow.in_flight
    since = now - in_flight.sent_at
    if window.is_canary and bounds.awaits_canary and in_flight.in_queues:
        # Whoever comes back to a queue works it off as fast as it can, and the forwarder's limiter
        # drops what is too fast: nothing more may lie there until somebody takes it.
        return Allowance(0, NOT_TAKEN, bounds.canary_delay)
    if window.is_canary and 0 <= since < bounds.canary_delay:
        return Allowance(0, WINDOW, bounds.canary_delay - since)
    # Without a limit on the rate a consumer that was never seen to take any gets a canary at a
    # time, until the high-water mark is reached.
    left = window.size - (in_flight.in_queues if in_flight.progress_at else 0)
    return Allowance(max(0, left), WINDOW)


def _awake(flow: Flow, landing: Landing, bounds: Bounds, now: float) -> Flow:
    """The flow, started anew after a silence, a first time, or a clock that jumped back."""
    # A batch that nobody has looked at yet still tells how wide the window may be.
    in_flight = flow.in_flight
    idle = LONGEST_IDLE if in_flight.batch else IDLE_SECONDS
    if flow.window.size and -1.0 <= now - in_flight.sent_at < idle:
        return replace(flow, window=flow.window.within(bounds))
    seen_at = in_flight.progress_at if landing.in_flight else 0.0
    return replace(
        flow,
        in_flight=replace(in_flight, progress_at=seen_at),
        failures=flow.failures.forgotten(),
    ).as_canary(bounds)


def _looked(flow: Flow, landing: Landing, now: float) -> Flow:
    """The flow with this look's numbers in its averages."""
    batch, returned = flow.in_flight.batch, landing.returned
    return replace(
        flow,
        depth=landing.source,
        looked_at=now,
        in_flight=flow.in_flight.looked(landing.in_flight, returned, now),
        failures=flow.failures.looked(
            batch, returned, landing.fresh, landing.live, Moments.of(flow.looked_at, now)
        ),
    )


def _trips(flow: Flow, landing: Landing, now: float) -> bool:
    """Whether most of what was sent came back, and others fail for the first time.

    What came back was taken, so that a queue that stands still is no sign of it.
    """
    most = landing.returned >= 1 and flow.failures.share > MOST
    return most and flow.failures.is_general(now)


def _while_moogsoft_is_down(
    flow: Flow, landing: Landing, bounds: Bounds, sent_since: float, now: float
) -> Flow:
    """What was sent lately meets trouble that is not its own: it is forgiven."""
    in_flight = flow.in_flight
    is_recent = now - in_flight.sent_at < STICK_SECONDS
    if not (is_recent or in_flight.batch or landing.returned >= 1):
        return flow
    return replace(flow, failures=flow.failures.forgiving(sent_since, now)).as_canary(bounds)


def _with_window(flow: Flow, landing: Landing, bounds: Bounds, now: float) -> Flow:
    """The flow with as wide a window as what became of the last batch allows."""
    window, in_flight = flow.window, flow.in_flight
    came_back, share = landing.returned >= 1, flow.failures.share
    if came_back and share > MOST:
        return flow.as_canary(bounds)
    if came_back and share > SOME and flow.failures.is_general(now):
        return replace(flow, window=window.halved())
    silence = now - max(in_flight.progress_at, in_flight.sent_at)
    if landing.in_flight and silence > SILENCE_SECONDS:
        return flow.as_canary(bounds)  # the consumer is away: what lies there has to go first
    if in_flight.batch and window.is_piling_up(landing.in_flight):
        taken = in_flight.taken(landing.in_flight, landing.returned)
        return replace(flow, window=window.narrowed(taken, bounds))
    if in_flight.batch:
        widened = window.widened(in_flight.batch, landing.in_flight, bounds)
        return replace(flow, window=widened, breaker=flow.breaker.calmed(STICK_SECONDS, now))
    if window.is_canary and in_flight.in_queues and not landing.in_flight and not came_back:
        # A slow consumer has taken the canary at last.
        return replace(flow, window=replace(window, is_canary=False))
    return flow


def _oldest_that_may_return(flow: Flow, now: float) -> float:
    """When the oldest replay was sent that can have come back since the last look."""
    looked_at = flow.looked_at if 0 < flow.looked_at < now else now
    sent = (sent_at for sent_at, _ in flow.in_flight.cohorts if 0 < sent_at < now)
    return max(min([looked_at, *sent]) - STICK_SECONDS, now - SPAN_SECONDS)
