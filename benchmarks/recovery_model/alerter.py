"""The alerter."""

from collections.abc import Callable
from functools import partial

from benchmarks.recovery_model.books import Books
from benchmarks.recovery_model.clock import Clock
from benchmarks.recovery_model.message import Kind, Message
from benchmarks.recovery_model.mirror import MirroredQueue
from benchmarks.recovery_model.scenario import Scenario
from stand_ins import facts, runtime
from stand_ins.runtime import RuntimeConfig


class Alerter:
    """Serial: looks at the alert queue, then wraps the oldest event, or fails at it, or sheds it.

    `give_up` takes what goes to its dead letter queue; `passed_on` says that an alert was pushed.
    Without `config` it does not read the runtime configuration.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        books: Books,
        config: RuntimeConfig | None,
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
        pause = self._back_pressure()
        if pause:
            self._clock.after(pause, self._round)
        elif self._ingest.messages:
            self._take()
        else:
            self._is_waiting = True
            self._waits += 1
            self._clock.after(facts.BLOCK_SECONDS, partial(self._waited, self._waits))

    def _waited(self, wait: int) -> None:
        """Nothing came for so long; no news if that wait has ended already."""
        if self._is_waiting and wait == self._waits:
            self._round()

    def _back_pressure(self) -> float:
        """Shed or defer while too many alerts wait; returns for how many seconds, 0 for neither."""
        depth, threshold = len(self._alerts), self._scenario.shed_above
        mode, defer = facts.SHED_TO_DLQ, facts.DEFER_SECONDS
        if self._config:
            threshold = self._config.number(runtime.SHED_THRESHOLD, threshold)
        if depth <= threshold:
            return 0.0
        if self._config:
            mode = self._config.text(runtime.SHED_MODE, mode)
            defer = self._config.number(runtime.DEFER_MS, round(defer * 1000)) / 1000
        if mode == facts.SHED_BY_DEFERRING:
            return defer + facts.AFTER_SHEDDING_SECONDS
        if mode != facts.SHED_TO_DLQ:
            return 0.0
        if self._ingest.messages:
            message = self._ingest.take()
            message.shed(depth, threshold)
            self._books.shed.append(message.number)
            self._give_up(message)
        return facts.AFTER_SHEDDING_SECONDS

    def _take(self) -> None:
        self._is_waiting = False
        self.in_hand.append(self._ingest.take())
        self._clock.after(self._scenario.alerter_seconds, self._handle)

    def _handle(self) -> None:
        message, now = self.in_hand.pop(), self._clock.now
        if message.tries > self._scenario.alerter_retries:
            self._give_up(message)
        elif not message.is_complete:
            self._books.destroy(message.number, now)
        elif message.kind == Kind.POISON or self._scenario.in_trouble(now, "alerter"):
            message.tries += 1
            self._ingest.push(message)
        elif message.kind == Kind.UNMATCHED:
            self._books.finish(message.number, now)
        else:
            message.wrapped = True
            self._alerts.push(message)
            self._passed_on()
        self._round()
