"""Moogsoft and the forwarder's limiter in virtual time: what stands behind the two queues."""

from collections import deque

from benchmarks.recovery_model.message import Kind
from benchmarks.recovery_model.scenario import Scenario
from stand_ins import limiter


class Moogsoft:
    """Takes alerts while it is up, and only so many a second once the trouble is over."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._tokens = scenario.moogsoft_rate
        self._at = 0.0

    def answer(self, now: float, kind: Kind) -> int:
        """The status that an alert is answered with; now in seconds since the start."""
        if not self._takes(now):
            return 503
        if kind == Kind.SUSPECT:
            return 500
        return 400 if kind == Kind.POISON else self._scenario.moogsoft_status

    def _takes(self, now: float) -> bool:
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


class Limiter:
    """The forwarder's sliding window: a sorted set of moments in epoch milliseconds.

    `collides` says whether alerts of the same millisecond are one member, and take one place.
    """

    def __init__(self, collides: bool = True) -> None:
        self._collides = collides
        self._window: deque[int] = deque()
        self._members = 0
        self._added: list[tuple[str, int]] = []  # Redis does not know them yet
        self._forget_to = -1  # nor that everything up to here is gone
        self._expires_ms = 0

    def admits(self, epoch: float, limit: int, period_ms: int) -> bool:
        """Whether the window has room at a moment (seconds since 1970); takes a place if so."""
        now_ms = int(epoch * 1000)
        window = self._window
        oldest = now_ms - period_ms
        while window and window[0] <= oldest:
            window.popleft()
        self._forget_to = max(self._forget_to, oldest)
        if len(window) >= limit:
            return False
        self._expires_ms = now_ms + 1000 * limiter.expiry(period_ms)
        if self._collides and window and window[-1] == now_ms:
            return True
        window.append(now_ms)
        self._members += 1
        member = limiter.member(now_ms) if self._collides else f"{now_ms}:{self._members}"
        self._added.append((member, now_ms))
        return True

    def taken(self, epoch: float) -> tuple[int, dict[str, int]]:
        """What Redis does not know yet: up to which moment to forget, and what to add."""
        if self._window and epoch * 1000 >= self._expires_ms:
            self._window.clear()
            self._forget_to = self._expires_ms
        added = {member: score for member, score in self._added if score > self._forget_to}
        forget, self._forget_to, self._added = self._forget_to, -1, []
        return forget, added
