"""Moogsoft, the forwarder's breaker and its limiter: what stands behind the two queues."""

from collections import deque

from benchmarks.recovery_model.scenario import Scenario

CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"


class Moogsoft:
    """Takes alerts while it is up, and only so many a second once the trouble is over."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._tokens = scenario.moogsoft_rate
        self._at = 0.0

    def takes(self, now: float) -> bool:
        """Whether it answers 200 to an alert; now in seconds since the start."""
        scenario = self._scenario
        if not scenario.moogsoft_is_up(now):
            return False
        rate = scenario.moogsoft_rate
        if not rate or now < scenario.trouble_to:
            return True
        self._tokens = min(rate, self._tokens + rate * (now - self._at))
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Breaker:
    """The forwarder's circuit breaker, as it stands in Redis."""

    def __init__(self, failures: int, rest: float) -> None:
        self.state = CLOSED
        self._failures = failures
        self._rest = rest
        self._in_a_row = 0
        self._opened_at = 0.0

    def lets_through(self, now: float) -> bool:
        """Whether a forwarder may try; an open one that has rested lets one try through."""
        if self.state == OPEN and now >= self._opened_at + self._rest:
            self.state = HALF_OPEN
            return True
        return self.state == CLOSED

    def succeeded(self) -> None:
        """A POST was taken."""
        self._in_a_row = 0
        self.state = CLOSED

    def failed(self, now: float) -> None:
        """A POST was not taken, at a moment in seconds since the start."""
        self._in_a_row += 1
        if self.state == HALF_OPEN or self._in_a_row >= self._failures:
            self.state = OPEN
            self._opened_at = now


class Limiter:
    """The forwarder's sliding window: a sorted set of moments in epoch milliseconds.

    `added` and `forget_to` are what Redis does not know yet.
    """

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self.added: list[tuple[str, int]] = []
        self.forget_to = -1
        self._period_ms = round(period * 1000)
        self._window: deque[int] = deque()
        self._members = 0

    def admits(self, epoch: float) -> bool:
        """Whether the window has room at a moment (seconds since 1970); takes a place if so."""
        now_ms = int(epoch * 1000)
        window = self._window
        oldest = now_ms - self._period_ms
        while window and window[0] <= oldest:
            window.popleft()
        self.forget_to = oldest
        if len(window) >= self.limit:
            return False
        window.append(now_ms)
        self._members += 1
        self.added.append((f"{now_ms}-{self._members}", now_ms))
        return True

    def taken(self) -> tuple[int, dict[str, int]]:
        """What Redis does not know yet: up to which moment to forget, and what to add."""
        known = {member: score for member, score in self.added if score > self.forget_to}
        forget, self.forget_to, self.added = self.forget_to, -1, []
        return forget, known
