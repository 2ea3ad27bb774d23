"""The pipeline as one world: services in virtual time, and a real Redis for the policies."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from benchmarks.recovery_model.alerter import Alerter
from benchmarks.recovery_model.books import Books, Dead
from benchmarks.recovery_model.clock import EPOCH, Clock
from benchmarks.recovery_model.forwarder import Forwarder
from benchmarks.recovery_model.live import Live
from benchmarks.recovery_model.message import Kind, Message, decoded, identity
from benchmarks.recovery_model.mirror import CHUNK, MirroredQueue
from benchmarks.recovery_model.scenario import Change, Scenario
from benchmarks.recovery_model.services import Limiter, Moogsoft
from benchmarks.recovery_model.traces import Traces
from stand_ins import runtime
from stand_ins.breaker import Breaker
from stand_ins.facts import ALERT_QUEUE, ALERTER_DLQ, DEAD_LIST, INGEST_QUEUE, MOOG_DLQ
from stand_ins.limiter import Limits
from stand_ins.runtime import RuntimeConfig

# A run is over when nothing is left to recover and the queues are as short as usual.
SHORT = 100


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


class World:
    """One run's pipeline; policies act on Redis and let time pass with `wait`.

    `sample` is the time in seconds between two points of the backlog's curve.
    """

    def __init__(self, scenario: Scenario, client: Any, seed: int, sample: float = 10.0) -> None:
        self.scenario, self.client = scenario, client
        self.clock, self.books = Clock(), Books()
        self.moogsoft = Moogsoft(scenario)
        self.breaker = Breaker(scenario.breaker_failures, scenario.breaker_rest)
        self.limiter = Limiter(scenario.window_collides)
        self.traces = Traces(self.breaker, self.limiter)
        self._configs: list[RuntimeConfig] = []
        self.ingest, self.alerts = MirroredQueue(INGEST_QUEUE), MirroredQueue(ALERT_QUEUE)
        self.dlqs = tuple(DeadLetters(k, self.clock, self.books) for k in (ALERTER_DLQ, MOOG_DLQ))
        to_alerter_dlq, to_moog_dlq = (dlq.give_up for dlq in self.dlqs)
        self.forwarders = [self._forwarder(to_moog_dlq) for _ in range(scenario.forwarders)]
        self.alerter = Alerter(
            scenario=scenario,
            clock=self.clock,
            books=self.books,
            config=self._config(),
            ingest=self.ingest,
            alerts=self.alerts,
            give_up=to_alerter_dlq,
            passed_on=self._wake_forwarders,
        )
        self.traces.watch("alerter:0", self.alerter.in_hand)
        self.clock.at(scenario.forwarder_from, self._show_forwarders)
        self._dead_seen, self._sample = 0, sample
        random = Random(seed)
        self._fill(random)
        self.live = Live(
            scenario=scenario,
            clock=self.clock,
            books=self.books,
            ingest=self.ingest,
            arrived=self.alerter.wake,
            random=Random(random.random()),
        )
        for change in scenario.changes:
            self.clock.at(change.at, partial(self._change, change))
        self._take_sample()
        self._is_shown = False
        self.clock.advance_to(0.0)
        self.send()

    @property
    def now(self) -> float:
        """Virtual time in seconds since the start."""
        return self.clock.now

    @property
    def is_recovered(self) -> bool:
        """Whether the trouble is over and nothing is left to recover."""
        queued = len(self.ingest) + len(self.alerts)
        return self.now > self.scenario.trouble_to and queued < SHORT and not self.books.to_recover

    def wait(self, seconds: float) -> None:
        """Take over what the policy did, let time pass, show the policy what happened."""
        self.advance_to(self.now + seconds)

    def advance_to(self, moment: float) -> None:
        """As `wait`, up to a moment in seconds since the start."""
        self.receive()
        self.clock.advance_to(moment)
        self.send()

    def idle(self, seconds: float) -> None:
        """As `wait`, where the policy has changed no list since it was last shown them."""
        self.clock.advance_to(self.now + seconds)
        self.send()

    def send(self) -> None:
        """Make Redis hold what the pipeline holds now."""
        self._is_shown = True
        with self.client.pipeline(transaction=False) as pipeline:
            for queue in (self.ingest, self.alerts):
                queue.send(pipeline)
            for dlq in self.dlqs:
                dlq.send(pipeline)
            self.traces.send(pipeline, self.clock.epoch)
            if len(pipeline):
                pipeline.execute()

    def receive(self) -> None:
        """Take over what a policy changed in Redis since it was last made equal."""
        if not self._is_shown:
            return
        self._is_shown = False
        with self.client.pipeline(transaction=False) as pipeline:
            for key in (INGEST_QUEUE, ALERT_QUEUE, DEAD_LIST):
                pipeline.llen(key)
            ingest, alerts, dead = pipeline.execute()
        for queue, length in ((self.ingest, ingest), (self.alerts, alerts)):
            for number in queue.receive(self.client, length, self._decoded):
                self.books.leave_dlq(number)
        if dead > self._dead_seen:
            for raw in self.client.lrange(DEAD_LIST, 0, dead - self._dead_seen - 1):
                self.books.bury(_dead(raw), self.now)
            self._dead_seen = dead
        self.alerter.wake()
        self._wake_forwarders()

    def left(self) -> list[int]:
        """The numbers of all messages in lists and in services' hands, DLQs as Redis has them."""
        held = [*self.ingest.messages, *self.alerts.messages, *self.alerter.in_hand]
        held += [message for forwarder in self.forwarders for message in forwarder.in_hand]
        numbers = [message.number for message in held]
        for dlq in self.dlqs:
            numbers += [identity(raw)[0] for raw in self.client.lrange(dlq.key, 0, -1)]
        return numbers

    def _decoded(self, raw: bytes) -> Message:
        number, fields = identity(raw)
        books = self.books
        return decoded(number, fields, EPOCH + books.born[number], Kind(books.kinds[number]))

    def _forwarder(self, give_up: Callable[[Message], None]) -> Forwarder:
        scenario = self.scenario
        return Forwarder(
            scenario=scenario,
            clock=self.clock,
            books=self.books,
            alerts=self.alerts,
            breaker=self.breaker,
            limiter=self.limiter,
            limits=Limits(self._config(), scenario.limit, scenario.period),
            moogsoft=self.moogsoft,
            give_up=give_up,
        )

    def _show_forwarders(self) -> None:
        for at, forwarder in enumerate(self.forwarders):
            self.traces.watch(f"moog:{at}", forwarder.in_hand)

    def _config(self) -> RuntimeConfig:
        """One consumer's view of the runtime configuration; nothing, if they do not read it."""
        if not self.scenario.reads_config:
            return runtime.none(lambda: self.clock.now)
        self._configs.append(RuntimeConfig(self.traces.config.get, lambda: self.clock.now))
        return self._configs[-1]

    def _change(self, change: Change) -> None:
        """Somebody changes one of the pipeline's limits."""
        if change.secretly:
            field = {runtime.RATE_LIMIT: "limit", runtime.RATE_PERIOD: "period"}[change.name]
            for forwarder in self.forwarders:
                setattr(forwarder.limits, field, int(change.value))
            return
        self.traces.config[runtime.PREFIX + change.name] = change.value
        for config in self._configs if change.announced else ():
            config.forget(change.name)

    def _wake_forwarders(self) -> None:
        for forwarder in self.forwarders:
            forwarder.wake()

    def _take_sample(self) -> None:
        self.books.depths.append((self.now, self.books.depth))
        self.clock.after(self._sample, self._take_sample)

    def _fill(self, random: Random) -> None:
        """The backlog: what the services gave up before the run."""
        scenario = self.scenario
        events, alerts = self.dlqs
        amounts = (scenario.backlog_alerter, scenario.backlog_moog)
        shares = (scenario.backlog_poison, scenario.backlog_moog_poison)
        for dlq, amount, share in zip(self.dlqs, amounts, shares, strict=True):
            for _ in range(amount):
                self._put(dlq, Kind.POISON if random.random() < share else Kind.GOOD)
        for _ in range(scenario.backlog_incomplete):
            self._put(events, Kind.INCOMPLETE)
        for _ in range(scenario.backlog_unmatched):
            self._put(events, Kind.UNMATCHED)
        for _ in range(scenario.suspects):
            self._put(alerts, Kind.SUSPECT)

    def _put(self, dlq: DeadLetters, kind: Kind) -> None:
        message = Message(self.books.appear(0.0, kind), EPOCH, kind)
        if dlq.key == MOOG_DLQ:
            message.wrapped, message.posts = True, self.scenario.forwarder_retries + 1
        elif kind != Kind.INCOMPLETE:  # which was shed: the alerter gives none up
            message.tries = self.scenario.alerter_retries + 1
        dlq.give_up(message)


def _dead(raw: bytes) -> Dead:
    number, fields = identity(raw)
    header = fields.get("_remediation", {})
    counted = header.get("replays", 0) - header.get("forgiven", 0)
    return Dead(number, header.get("reason", "unknown"), counted)
