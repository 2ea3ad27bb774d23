"""The live events that reach the alerter."""

from collections.abc import Callable
from random import Random

from benchmarks.recovery_model.books import Books
from benchmarks.recovery_model.clock import EPOCH, Clock
from benchmarks.recovery_model.message import Kind, Message
from benchmarks.recovery_model.mirror import MirroredQueue
from benchmarks.recovery_model.scenario import EVEN, Scenario


class Live:
    """Live events, pushed onto the ingest queue until `stop`."""

    def __init__(
        self,
        *,
        scenario: Scenario,
        clock: Clock,
        books: Books,
        ingest: MirroredQueue,
        arrived: Callable[[], None],
        random: Random,
    ) -> None:
        self._scenario, self._clock, self._books = scenario, clock, books
        self._ingest, self._arrived, self._random = ingest, arrived, random
        self._stopped = False
        self._schedule()

    def stop(self) -> None:
        """No more events from now on."""
        self._stopped = True

    def _schedule(self) -> None:
        now = self._clock.now
        while True:
            rate, until = self._scenario.live_rate_at(now)
            gap = float("inf")
            if rate > 0:
                bursts = rate / self._scenario.live_burst
                is_even = self._scenario.live_pattern == EVEN
                gap = 1 / bursts if is_even else self._random.expovariate(bursts)
            if now + gap < until or until == float("inf"):
                break
            now = until  # another rate from there on; arrivals have no memory
        if gap < float("inf"):
            self._clock.at(now + gap, self._arrive)

    def _arrive(self) -> None:
        if self._stopped:
            return
        now = self._clock.now
        for _ in range(self._scenario.live_burst):
            kind = self._kind()
            self._ingest.push(Message(self._books.appear(now, kind), EPOCH + now, kind))
        self._arrived()
        self._schedule()

    def _kind(self) -> Kind:
        shares = self._scenario.live_shares
        # Without odd ones no chance is asked, so that a seed keeps its arrivals.
        dice = self._random.random() if shares else 1.0
        for kind, share in shares:
            dice -= share
            if dice < 0:
                return Kind[kind]
        return Kind.GOOD
