"""The alerter."""

from collections.abc import Callable
from functools import partial

from benchmarks.recovery_model.books import Books
from benchmarks.recovery_model.clock import Clock
from benchmarks.recovery_model.message import Kind, Message
from benchmarks.recovery_model.mirror import MirroredQueue
from benchmarks.recovery_model.scenario import Scenario
from stand_ins import alerter, facts
from stand_ins.alerter import Fate
from stand_ins.runtime import RuntimeConfig


class Alerter:
    """Serial: looks at the alert queue, then handles the oldest event, or sheds it.

    `give_up` takes what goes to its dead letter queue; `passed_on` says that an alert was pushed.
    """

    def __init__(
        self,
        *,
        scenario: Scenario,
        clock: Clock,
        books: Books,
        config: RuntimeConfig,
        ingest: MirroredQueue,
        alerts: MirroredQueue,
        give_up: Callable[[Message], None],
        passed_on: Callable[[], None],
    ) -> None:
        self.in_hand: list[Message] = []
        self._scenario, self._clock, self._books = scenario, clock, books
        self._config = config
        self._ingest, self._alerts = ingest, alerts
        self._give_up, self._passed_on = give_up, passed_on
        self._is_waiting, self._waits = False, 0
        self._round()

    def wake(self) -> None:
        """Something was pushed onto the ingest queue."""
        # It looked at the alert queue before it began to wait, and does not look again.
        if self._is_waiting and self._ingest.messages:
            self._take()

    def _round(self) -> None:
        """Look whether too many alerts wait; if not, work, or wait for something to work on."""
        self._is_waiting = False
        pressure = alerter.pressure(len(self._alerts), self._config, self._scenario.shed_above)
        if pressure:
            if pressure.sheds and self._ingest.messages:
                self._shed(pressure)
            self._clock.after(pressure.seconds, self._round)
        elif self._ingest.messages:
            self._take()
        else:
            self._is_waiting = True
            self._waits += 1
            self._clock.after(facts.BLOCK_SECONDS, partial(self._waited, self._waits))

    def _waited(self, wait: int) -> None:
        """Nothing came for as long as it waits; no news if that wait has ended already."""
        if self._is_waiting and wait == self._waits:
            self._round()

    def _shed(self, pressure: alerter.Pressure) -> None:
        message = self._ingest.take()
        message.shed(pressure.depth, pressure.threshold)
        self._books.shed.append(message.number)
        self._give_up(message)

    def _take(self) -> None:
        self._is_waiting = False
        self.in_hand.append(self._ingest.take())
        self._clock.after(self._scenario.alerter_seconds, self._handle)

    def _handle(self) -> None:
        message, now = self.in_hand.pop(), self._clock.now
        fate = alerter.fate(
            message.tries,
            is_complete=message.is_complete,
            fails=message.kind == Kind.POISON or self._scenario.in_trouble(now, "alerter"),
            is_matched=message.kind != Kind.UNMATCHED,
            most=self._scenario.alerter_retries,
        )
        if fate is Fate.GIVEN_UP:
            self._give_up(message)
        elif fate is Fate.DESTROYED:
            self._books.destroy(message.number, now)
        elif fate is Fate.TRIED_AGAIN:
            message.tries += 1
            self._ingest.push(message)
        elif fate is Fate.ENDED:
            self._books.finish(message.number, now)
        else:
            message.wrapped = True
            self._alerts.push(message)
            self._passed_on()
        self._round()
