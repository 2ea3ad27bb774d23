"""What a run puts the pipeline through: an outage of Moogsoft while live events go on coming."""

from demo.live import LiveTraffic
from demo.outage import Outage
from demo.pipeline import Pipeline
from demo.reckoning import Forwarding, destroyed
from demo.status import Status
from mutt_tasks.settings import Settings

# Live events go on for so long after the return, to be seen delivered beside the replays.
AFTER_RETURN_SECONDS = 5.0


class Strain:
    """The outage and, where the pipeline is the demo's own, the live events around it."""

    def __init__(
        self,
        outage: Outage,
        live: LiveTraffic | None,
        pipeline: Pipeline | None,
        settings: Settings,
    ) -> None:
        self.outage, self.live = outage, live
        self._pipeline, self._forwarder = pipeline, settings.forwarder
        self._live_until: float | None = None
        self._would_be_destroyed: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether no more live events come."""
        return self.live is None or self.live.has_ended

    def step(self, status: Status) -> list[str]:
        """Do what is due now; returns what was done, in words."""
        news = [self.outage.step(status)]
        if self.live and not self.is_over and self.outage.up_at is not None:
            if self._live_until is None:
                self._live_until = status.elapsed + AFTER_RETURN_SECONDS
            elif status.elapsed >= self._live_until:
                self.live.stop()
                news.append(f"the live events end: {self.live.sent.total():,} came")
        return [words for words in news if words]

    def would_be_destroyed(self) -> int | None:
        """How many live alerts MUTT alone would have destroyed; None while live events come.

        It is reckoned once, at the forwarder's speed until then. None as well where Moogsoft has
        not come back yet: nothing is destroyed before that.
        """
        if self._would_be_destroyed is None and self.is_over:
            self._would_be_destroyed = self._reckoned()
        return self._would_be_destroyed

    def _reckoned(self) -> int | None:
        outage, live, pipeline = self.outage, self.live, self._pipeline
        if live is None or pipeline is None or outage.down_at is None or outage.up_at is None:
            return None
        forwarder, limits = pipeline.forwarder, self._forwarder
        if not forwarder.delivered:
            return None
        seconds = forwarder.seconds / forwarder.delivered
        forwarding = Forwarding(forwarder.waits, seconds, limits.rate_limit, limits.rate_period)
        return destroyed(tuple(live.moments), outage.down_at, outage.up_at, forwarding)
