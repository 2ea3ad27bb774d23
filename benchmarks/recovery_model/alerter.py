"""The alerter and the live events that reach it."""

from collections.abc import Callable
from random import Random

from benchmarks.recovery_model.books import Books
from benchmarks.recovery_model.clock import EPOCH, Clock
from benchmarks.recovery_model.message import Message
from benchmarks.recovery_model.mirror import MirroredQueue
from benchmarks.recovery_model.scenario import EVEN, Scenario


class Live:
    """Live events, pushed onto the ingest queue until `stop`."""

    def __init__(
        self,
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
                is_even = self._scenario.live_pattern == EVEN
                gap = 1 / rate if is_even else self._random.expovariate(rate)
            if now + gap < until or until == float("inf"):
                break
            now = until  # another rate from there on; arrivals have no memory
        if gap < float("inf"):
            self._clock.at(now + gap, self._arrive)

    def _arrive(self) -> None:
        if self._stopped:
            return
        now, share = self._clock.now, self._scenario.live_poison
        poison = share > 0 and self._random.random() < share
        self._ingest.push(Message(self._books.appear(now, poison), EPOCH + now, poison))
        self._arrived()
        self._schedule()


class Alerter:
    """Serial: takes the oldest event, wraps it and passes it on, or fails, or sheds it.

    `give_up` takes what goes to its dead letter queue; `passed_on` says that an alert was pushed.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        ingest: MirroredQueue,
        alerts: MirroredQueue,
        give_up: Callable[[Message], None],
        passed_on: Callable[[], None],
    ) -> None:
        self.in_hand: list[Message] = []
        self._scenario, self._clock = scenario, clock
        self._ingest, self._alerts = ingest, alerts
        self._give_up, self._passed_on = give_up, passed_on

    def wake(self) -> None:
        """Something was pushed onto the ingest queue."""
        if self.in_hand or not self._ingest.messages:
            return
        scenario = self._scenario
        message = self._ingest.take()
        self.in_hand.append(message)
        if message.tries > scenario.alerter_retries:
            action = self._refuse
        elif len(self._alerts.messages) > scenario.shed_above:
            action = self._shed
        else:
            action = self._try
        self._clock.after(scenario.alerter_seconds, action)

    def _refuse(self) -> None:
        self._give_up(self.in_hand.pop())
        self.wake()

    def _shed(self) -> None:
        message = self.in_hand.pop()
        message.shed()
        self._give_up(message)
        self.wake()

    def _try(self) -> None:
        message = self.in_hand.pop()
        if message.poison or self._scenario.in_trouble(self._clock.now, "alerter"):
            message.tries += 1
            self._ingest.push(message)
        else:
            message.wrapped = True
            self._alerts.push(message)
            self._passed_on()
        self.wake()
