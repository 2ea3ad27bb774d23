"""A forwarder: alerts to Moogsoft, through the breaker and the limiter."""

from collections.abc import Callable

from benchmarks.recovery_model.books import Books
from benchmarks.recovery_model.clock import Clock
from benchmarks.recovery_model.message import Message
from benchmarks.recovery_model.mirror import MirroredQueue
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.services import Breaker, Limiter, Moogsoft

OPEN_SLEEP = 1.0


class Forwarder:
    """Serial; several of them share the queue, the breaker and the limiter.

    `give_up` takes what goes to its dead letter queue.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        books: Books,
        alerts: MirroredQueue,
        breaker: Breaker,
        limiter: Limiter,
        moogsoft: Moogsoft,
        give_up: Callable[[Message], None],
    ) -> None:
        self.in_hand: list[Message] = []
        self._scenario, self._clock, self._books = scenario, clock, books
        self._alerts, self._give_up = alerts, give_up
        self._breaker, self._limiter, self._moogsoft = breaker, limiter, moogsoft
        self._is_free = True

    def wake(self) -> None:
        """Something was pushed onto the alert queue."""
        if self._is_free and self._alerts.messages:
            self._is_free = False
            self._next()

    def _free(self) -> None:
        self._is_free = True
        self.wake()

    def _next(self) -> None:
        clock, scenario = self._clock, self._scenario
        message = self._alerts.messages[-1]
        if message.posts > scenario.forwarder_retries:
            self._give_up(self._alerts.take())
            clock.after(scenario.pass_seconds, self._free)
        elif not self._breaker.lets_through(clock.now):
            # Taken and pushed back at once, so it has not moved.
            clock.after(OPEN_SLEEP, self._free)
        elif not self._limiter.admits(clock.epoch):
            self._books.drop(self._alerts.take().number, clock.now)
            clock.after(scenario.pass_seconds, self._free)
        else:
            self.in_hand.append(self._alerts.take())
            clock.after(scenario.post_seconds, self._answered)

    def _answered(self) -> None:
        clock, message = self._clock, self.in_hand[0]
        if self._moogsoft.takes(clock.now):
            self._breaker.succeeded()
            self.in_hand.clear()
            if message.poison:
                self._give_up(message)  # a 4xx, whatever it is sent with
            else:
                self._books.deliver(message.number, clock.now)
        else:
            self._breaker.failed(clock.now)
            clock.after(2.0**message.posts, self._slept)
            return
        self._free()

    def _slept(self) -> None:
        message = self.in_hand.pop()
        message.posts += 1
        self._alerts.push(message)
        self._free()
