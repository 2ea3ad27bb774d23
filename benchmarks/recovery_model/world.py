"""The pipeline as one world: services in virtual time, and a real Redis for the policies."""

from random import Random
from typing import Any

from benchmarks.recovery_model.alerter import Alerter, Live
from benchmarks.recovery_model.books import Books, Dead
from benchmarks.recovery_model.clock import EPOCH, Clock
from benchmarks.recovery_model.forwarder import Forwarder
from benchmarks.recovery_model.message import Message, decoded, identity
from benchmarks.recovery_model.mirror import CHUNK, MirroredQueue
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.services import CLOSED, Breaker, Limiter, Moogsoft
from mutt_tasks.store.keys import BREAKER

INGEST, ALERTS = "mutt:ingest_queue", "mutt:alert_queue"
ALERTER_DLQ, MOOG_DLQ, DEAD = "mutt:dlq:alerter", "mutt:dlq:moog", "mutt:dlq:dead"
WINDOW = "mutt:rate_limit:moog"

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
        self.limiter = Limiter(scenario.limit, scenario.period)
        self.ingest, self.alerts = MirroredQueue(INGEST), MirroredQueue(ALERTS)
        self.dlqs = tuple(DeadLetters(k, self.clock, self.books) for k in (ALERTER_DLQ, MOOG_DLQ))
        to_alerter_dlq, to_moog_dlq = (dlq.give_up for dlq in self.dlqs)
        self.forwarders = [
            Forwarder(
                *(scenario, self.clock, self.books, self.alerts, self.breaker, self.limiter),
                *(self.moogsoft, to_moog_dlq),
            )
            for _ in range(scenario.forwarders)
        ]
        self.alerter = Alerter(
            scenario, self.clock, self.ingest, self.alerts, to_alerter_dlq, self._wake_forwarders
        )
        self._breaker_sent, self._dead_seen, self._sample = CLOSED, 0, sample
        random = Random(seed)
        self._fill(random)
        self.live = Live(
            scenario,
            self.clock,
            self.books,
            self.ingest,
            self.alerter.wake,
            Random(random.random()),
        )
        self._take_sample()
        self._is_shown = False
        client.set(BREAKER, CLOSED)
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
            forget, added = self.limiter.taken()
            if forget >= 0:
                pipeline.zremrangebyscore(WINDOW, 0, forget)
            if added:
                pipeline.zadd(WINDOW, added)
            if self.breaker.state != self._breaker_sent:
                self._breaker_sent = self.breaker.state
                pipeline.set(BREAKER, self.breaker.state)
            if len(pipeline):
                pipeline.execute()

    def receive(self) -> None:
        """Take over what a policy changed in Redis since it was last made equal."""
        if not self._is_shown:
            return
        self._is_shown = False
        with self.client.pipeline(transaction=False) as pipeline:
            for key in (INGEST, ALERTS, DEAD):
                pipeline.llen(key)
            ingest, alerts, dead = pipeline.execute()
        for queue, length in ((self.ingest, ingest), (self.alerts, alerts)):
            for number in queue.receive(self.client, length, self._decoded):
                self.books.leave_dlq(number)
        if dead > self._dead_seen:
            for raw in self.client.lrange(DEAD, 0, dead - self._dead_seen - 1):
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
        return decoded(number, fields, EPOCH + books.born[number], bool(books.poison[number]))

    def _wake_forwarders(self) -> None:
        for forwarder in self.forwarders:
            forwarder.wake()

    def _take_sample(self) -> None:
        self.books.depths.append((self.now, self.books.depth))
        self.clock.after(self._sample, self._take_sample)

    def _fill(self, random: Random) -> None:
        """The backlog: what the services gave up before the run."""
        scenario = self.scenario
        amounts = (scenario.backlog_alerter, scenario.backlog_moog)
        shares = (scenario.backlog_poison, scenario.backlog_moog_poison)
        for dlq, amount, share in zip(self.dlqs, amounts, shares, strict=True):
            is_alert = dlq.key == MOOG_DLQ
            for _ in range(amount):
                poison = random.random() < share
                message = Message(self.books.appear(0.0, poison), EPOCH, poison)
                if is_alert:
                    message.wrapped, message.posts = True, scenario.forwarder_retries + 1
                else:
                    message.tries = scenario.alerter_retries + 1
                dlq.give_up(message)


def _dead(raw: bytes) -> Dead:
    number, fields = identity(raw)
    header = fields.get("_remediation", {})
    counted = header.get("replays", 0) - header.get("forgiven", 0)
    return Dead(number, header.get("reason", "unknown"), counted)
