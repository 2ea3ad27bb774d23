"""A forwarder: alerts to Moogsoft, through the limiter and the breaker."""

from collections.abc import Callable

from benchmarks.recovery_model.books import Books
from benchmarks.recovery_model.clock import Clock
from benchmarks.recovery_model.message import Message
from benchmarks.recovery_model.mirror import MirroredQueue
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.services import Limiter, Moogsoft
from stand_ins import facts, forwarder
from stand_ins.breaker import Breaker
from stand_ins.forwarder import Fate
from stand_ins.limiter import Limits


class Forwarder:
    """One thread; several forwarders share the queue, the breaker and the limiter.

    It works from `scenario.forwarder_from` on. `give_up` takes what goes to its dead letter queue.
    """

    def __init__(
        self,
        *,
        scenario: Scenario,
        clock: Clock,
        books: Books,
        alerts: MirroredQueue,
        breaker: Breaker,
        limiter: Limiter,
        limits: Limits,
        moogsoft: Moogsoft,
        give_up: Callable[[Message], None],
    ) -> None:
        self.in_hand: list[Message] = []
        self.limits = limits
        self._scenario, self._clock, self._books = scenario, clock, books
        self._alerts, self._give_up = alerts, give_up
        self._breaker, self._limiter, self._moogsoft = breaker, limiter, moogsoft
        self._is_free = False
        clock.at(scenario.forwarder_from, self._free)

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
        message, epoch = self._alerts.take(), clock.epoch
        fate = forwarder.before_the_post(
            message.posts,
            has_place=lambda: self._limiter.admits(epoch, *self.limits.now()),
            breaker_is_open=lambda: self._breaker.is_open(epoch),
            most=scenario.forwarder_retries,
        )
        if fate is Fate.GIVEN_UP:
            self._give_up(message)
            clock.after(scenario.pass_seconds, self._free)
        elif fate is Fate.DESTROYED:
            self._books.drop(message.number, clock.now)
            clock.after(scenario.pass_seconds, self._free)
        elif fate is Fate.TRIED_AGAIN:
            self._sleep(message)
        else:
            self.in_hand.append(message)
            clock.after(scenario.post_seconds, self._answered)

    def _answered(self) -> None:
        clock, message = self._clock, self.in_hand.pop()
        status = self._moogsoft.answer(clock.now, message.kind)
        self._breaker.answered(status, clock.epoch)
        fate = forwarder.answered(status)
        if fate is Fate.TRIED_AGAIN:
            self._sleep(message)
            return
        if fate is Fate.DELIVERED:
            self._books.deliver(message.number, clock.now)
        else:
            self._give_up(message)
        self._free()

    def _sleep(self, message: Message) -> None:
        self.in_hand.append(message)
        self._clock.after(facts.retry_delay(message.posts), self._slept)

    def _slept(self) -> None:
        message = self.in_hand.pop()
        message.posts += 1
        self._alerts.push(message)
        self._free()
