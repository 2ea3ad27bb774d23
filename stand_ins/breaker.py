"""The forwarder's circuit breaker, as the fields that it keeps in Redis."""

from dataclasses import dataclass

from stand_ins import facts

CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"

PREFIX = "mutt:circuit_breaker:moogsoft:"
STATE, FAILURES, OPEN_TIME = PREFIX + "state", PREFIX + "failures", PREFIX + "open_time"
KEYS = (STATE, FAILURES, OPEN_TIME)

THRESHOLD = 10
REST_SECONDS = 300.0


@dataclass
class Breaker:
    """Opens after `threshold` failures in a row; `rest` seconds later a look makes it HALF_OPEN.

    HALF_OPEN stops nothing: everything passes until a success closes the breaker or a failure
    opens it again. Nothing changes by itself, only when a forwarder looks. A field that is None
    is not in Redis. Moments are seconds since 1970.
    """

    threshold: int = THRESHOLD
    rest: float = REST_SECONDS
    state: str | None = None
    failures: int | None = None
    open_time: float | None = None

    def is_open(self, now: float) -> bool:
        """Whether a forwarder that looks now counts its alert as failed without a POST."""
        return self._look(now) == OPEN

    def answered(self, status: int, now: float) -> None:
        """A POST was answered so; an answer that is neither success nor failure changes nothing."""
        if status in facts.DELIVERED:
            self.succeeded(now)
        elif facts.counts_for_breaker(status):
            self.failed(now)

    def succeeded(self, now: float) -> None:
        """A POST was answered with 200 or 201."""
        state = self._look(now)
        self.failures = 0
        if state == HALF_OPEN:
            self.state, self.open_time = CLOSED, None

    def failed(self, now: float) -> None:
        """A POST was answered with 429 or 5xx, or not at all."""
        if self._look(now) != HALF_OPEN:
            self.failures = (self.failures or 0) + 1
            if self.failures < self.threshold:
                return
        self.state, self.open_time = OPEN, now

    def fields(self) -> dict[str, str | None]:
        """The values of its keys in Redis; None where there is no key."""
        failures = None if self.failures is None else str(self.failures)
        open_time = None if self.open_time is None else repr(self.open_time)
        return {STATE: self.state, FAILURES: failures, OPEN_TIME: open_time}

    def _look(self, now: float) -> str:
        if self.state is None:
            self.state = CLOSED
        has_rested = self.open_time is not None and now - self.open_time >= self.rest
        if self.state == OPEN and has_rested:
            self.state = HALF_OPEN
        return self.state
