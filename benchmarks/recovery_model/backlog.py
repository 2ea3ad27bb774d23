"""The dead letter queues, and what lies in them before a run."""

from random import Random
from typing import Any

from benchmarks.recovery_model.books import Books
from benchmarks.recovery_model.clock import EPOCH, Clock
from benchmarks.recovery_model.message import Kind, Message
from benchmarks.recovery_model.mirror import CHUNK
from benchmarks.recovery_model.scenario import Scenario
from stand_ins.facts import MOOG_DLQ


class DeadLetters:
    """A dead letter queue: it lives in Redis alone, the services only push."""

    def __init__(self, key: str, clock: Clock, books: Books) -> None:
        self.key = key
        self._clock, self._books = clock, books
        self._pushed: list[str] = []

    def give_up(self, message: Message) -> None:
        """LPUSH."""
        self._books.enter_dlq(message.number, self._clock.now)
        self._pushed.append(message.encoded())

    def send(self, pipeline: Any) -> None:
        """Add the commands to a pipeline that push what Redis does not have yet."""
        for start in range(0, len(self._pushed), CHUNK):
            pipeline.lpush(self.key, *self._pushed[start : start + CHUNK])
        self._pushed.clear()


def fill(
    scenario: Scenario, dlqs: tuple[DeadLetters, DeadLetters], books: Books, random: Random
) -> None:
    """Put in what alerter and forwarder (in this order) gave up before the run."""

    def put(dlq: DeadLetters, kind: Kind) -> None:
        message = Message(books.appear(0.0, kind), EPOCH, kind)
        if dlq.key == MOOG_DLQ:
            message.wrapped, message.posts = True, scenario.forwarder_retries + 1
        elif kind != Kind.INCOMPLETE:  # which was shed: the alerter gives none up
            message.tries = scenario.alerter_retries + 1
        dlq.give_up(message)

    events, alerts = dlqs
    amounts = (scenario.backlog_alerter, scenario.backlog_moog)
    shares = (scenario.backlog_poison, scenario.backlog_moog_poison)
    for dlq, amount, share in zip(dlqs, amounts, shares, strict=True):
        for _ in range(amount):
            put(dlq, Kind.POISON if random.random() < share else Kind.GOOD)
    for _ in range(scenario.backlog_incomplete):
        put(events, Kind.INCOMPLETE)
    for _ in range(scenario.backlog_unmatched):
        put(events, Kind.UNMATCHED)
    for _ in range(scenario.suspects):
        put(alerts, Kind.SUSPECT)
