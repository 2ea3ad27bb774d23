"""What MUTT's forwarder alone would have destroyed: the same arrivals and outage, without shelter.

It is a reckoning in virtual time with the stand-ins' own steps, limiter and breaker. It errs on the
low side: replays are left out, and an alert takes as long to destroy as to deliver.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from demo.forwarder import Waits
from stand_ins import facts, forwarder
from stand_ins.breaker import Breaker
from stand_ins.forwarder import Fate
from stand_ins.limiter import Window


@dataclass(frozen=True)
class Forwarding:
    """How a forwarder works: its waits, the `seconds` that an alert takes, and its limiter.

    The limiter admits `limit` alerts in a `period` of seconds.
    """

    waits: Waits
    seconds: float
    limit: int
    period: float


def destroyed(arrivals: Sequence[float], down: float, up: float, forwarding: Forwarding) -> int:
    """How many alerts the full window destroys, of those that arrive at these moments, in order.

    Moogsoft refuses everything from `down` to `up`; all are moments of one clock, in seconds.
    """
    model = _Model(down, up, forwarding)
    coming = deque(arrivals)
    while coming or model.queue:
        if not model.queue:
            model.now = max(model.now, coming[0])
        while coming and coming[0] <= model.now:
            coming.popleft()
            model.queue.append(0)
        model.step()
    return model.destroyed


class _Model:
    """One forwarder with its queue; an alert is no more than how often it has failed."""

    def __init__(self, down: float, up: float, forwarding: Forwarding) -> None:
        self._down, self._up, self._forwarding = down, up, forwarding
        self._breaker = Breaker(rest=forwarding.waits.breaker)
        self._window = Window()
        self.queue: deque[int] = deque()
        self.now = 0.0
        self.destroyed = 0

    def step(self) -> None:
        """Handle the oldest alert of the queue."""
        failed = self.queue.popleft()
        fate = forwarder.before_the_post(
            failed, self._has_place, lambda: self._breaker.is_open(self.now)
        )
        self.now += self._forwarding.seconds
        if fate is Fate.POSTED:
            status = 503 if self._down <= self.now < self._up else 200
            self._breaker.answered(status, self.now)
            fate = forwarder.answered(status)
        if fate is Fate.TRIED_AGAIN:
            waits = self._forwarding.waits
            self.now += facts.retry_delay(failed, waits.first, waits.longest)
            self.queue.append(failed + 1)
        self.destroyed += fate is Fate.DESTROYED

    def _has_place(self) -> bool:
        limit, period_ms = self._forwarding.limit, round(self._forwarding.period * 1000)
        return self._window.takes(limit, period_ms, int(self.now * 1000))
