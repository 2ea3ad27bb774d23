"""What fails: how many of our replays come back, and whether others fail too.

If first-time failures arrive as well, the trouble is general: it says nothing of our replays, and
what was sent meanwhile is forgiven.
"""

from dataclasses import dataclass, replace
from math import exp

# Looks fade: of what was sent and came back, this share still counts at the next look.
FADING = 0.8

# The trouble is general if first-time failures are at least this share of live traffic. A
# forwarder's retries count as traffic, up to six for one failure, so it must be below 1/7.
GENERAL_SHARE = 0.1
# ... both averaged over about this many seconds; fewer failures in that time say nothing.
GENERAL_SECONDS, FEWEST_FAILURES = 30.0, 2.5
# Failures have stopped when none has come for this many seconds, in which this many should have.
QUIET_SECONDS, EXPECTED_FAILURES = 5.0, 3.0

# General trouble is remembered for a day, in seconds, in so many stretches: a long queue is looked
# at late.
SPAN_SECONDS, _SPANS_KEPT = 86_400.0, 32

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Failures:
    """Moments are seconds since 1970, rates are messages a second.

    `sent` replays and how many of them `returned` fade from look to look. The last first-time
    failure came at `fresh_at`; `fresh_rate` is how many come, `live_rate` how many live alerts
    pass, and `live_now` the newest number of them. `spans` are stretches of general trouble.
    """

    sent: float = 0.0
    returned: float = 0.0
    fresh_at: float = 0.0
    fresh_rate: float = 0.0
    live_rate: float = 0.0
    live_now: float = 0.0
    spans: Spans = ()

    @property
    def share(self) -> float:
        """The share of what was sent that came back."""
        return self.returned / max(self.sent, self.returned, 1.0)

    def looked(
        self, sent: int, returned: int, fresh: int, live: float, moments: "Moments"
    ) -> "Failures":
        """After a look that found these."""
        now, elapsed = moments.at, moments.elapsed
        weight = 1 - exp(-elapsed / GENERAL_SECONDS)
        return replace(
            self,
            sent=FADING * self.sent + sent,
            returned=FADING * self.returned + returned,
            fresh_at=now if fresh >= 1 else min(self.fresh_at, now),
            fresh_rate=self.fresh_rate + weight * (fresh / elapsed - self.fresh_rate),
            live_now=live,
            live_rate=self.live_rate + weight * (live - self.live_rate),
        )

    def is_general(self, now: float) -> bool:
        """Whether others fail too: first-time failures arrive."""
        failures = self.fresh_rate * GENERAL_SECONDS
        has_just_failed = now - self.fresh_at <= QUIET_SECONDS and failures >= FEWEST_FAILURES
        traffic = self.fresh_rate + self.live_rate
        return has_just_failed and self.fresh_rate >= GENERAL_SHARE * traffic

    def have_stopped(self, now: float) -> bool:
        """Whether no failure arrives any more while live alerts flow.

        So long a silence is no chance: at the rate of before, some failures would have come.
        """
        quiet = now - self.fresh_at
        is_quiet = quiet >= QUIET_SECONDS and quiet * self.fresh_rate >= EXPECTED_FAILURES
        return is_quiet and self.live_now > 0

    def forgiving(self, start: float, now: float) -> "Failures":
        """The same, which forgives what was sent between two moments."""
        kept = [span for span in self.spans if now - SPAN_SECONDS < span[1] <= now]
        if kept and start <= kept[-1][1]:
            start = min(start, kept.pop()[0])
        return replace(self, spans=(*kept, (start, now))[-_SPANS_KEPT:])

    def forgotten(self) -> "Failures":
        """Without what was sent and came back."""
        return replace(self, sent=0.0, returned=0.0)


@dataclass(frozen=True)
class Moments:
    """A look `at` a moment, `elapsed` seconds after the last one."""

    at: float
    elapsed: float

    @classmethod
    def of(cls, looked_at: float, now: float) -> "Moments":
        """The first look, and one behind a clock that went back, count as half a minute."""
        return cls(now, now - looked_at if 0 < looked_at < now else GENERAL_SECONDS)
