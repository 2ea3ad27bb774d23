"""The pipeline as one world: services in virtual time, and a real Redis for the policies."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from benchmarks.recovery_model.alerter import Alerter
from benchmarks.recovery_model.backlog import DeadLetters, fill
from benchmarks.recovery_model.books import Books, Dead
from benchmarks.recovery_model.clock import EPOCH, Clock
from benchmarks.recovery_model.configuration import Configuration
from benchmarks.recovery_model.forwarder import Forwarder
from benchmarks.recovery_model.live import Live
from benchmarks.recovery_model.message import Kind, Message, decoded, identity
from benchmarks.recovery_model.mirror import MirroredQueue
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.services import Limiter, Moogsoft
from benchmarks.recovery_model.traces import Traces
from mutt_tasks.store import keys
from mutt_tasks.store.counters import SHELTERED
from stand_ins.breaker import Breaker
from stand_ins.facts import ALERT_QUEUE, ALERTER_DLQ, DEAD_LIST, INGEST_QUEUE, MOOG_DLQ
from stand_ins.limiter import Limits

# How long the lists are that a policy changes, and how many alerts it has sheltered. A run looks
# fifty times a second, so it is one script and not four commands.
_LOOK = """
return {redis.call('LLEN', KEYS[1]), redis.call('LLEN', KEYS[2]), redis.call('LLEN', KEYS[3]),
  redis.call('HGET', KEYS[4], ARGV[1])}
"""
_WATCHED = [INGEST_QUEUE, ALERT_QUEUE, DEAD_LIST, keys.STATS]

# A run is over when nothing is left to recover and the queues are as short as usual.
SHORT = 100


class World:
    """One run's pipeline; policies act on Redis and let time pass with `wait`.

    `sample` is the time in seconds between two points of the backlog's curve.
    """

    def __init__(self, scenario: Scenario, client: Any, seed: int, sample: float = 10.0) -> None:
        self.scenario, self.client = scenario, client
        self._look = client.register_script(_LOOK)
        self.clock, self.books = Clock(), Books()
        self.moogsoft = Moogsoft(scenario)
        self.breaker = Breaker(scenario.breaker_failures, scenario.breaker_rest)
        self.limiter = Limiter(scenario.window_collides)
        self.traces = Traces(self.breaker, self.limiter)
        self._configuration = Configuration(self.traces.config, self.clock, scenario.reads_config)
        self.ingest, self.alerts = MirroredQueue(INGEST_QUEUE), MirroredQueue(ALERT_QUEUE)
        self.dlqs = (
            DeadLetters(ALERTER_DLQ, self.clock, self.books),
            DeadLetters(MOOG_DLQ, self.clock, self.books),
        )
        to_alerter_dlq, to_moog_dlq = (dlq.give_up for dlq in self.dlqs)
        self.forwarders = [self._forwarder(to_moog_dlq) for _ in range(scenario.forwarders)]
        self.alerter = self._alerter(to_alerter_dlq)
        self.traces.watch("alerter:0", self.alerter.in_hand)
        self.clock.at(scenario.forwarder_from, self._show_forwarders)
        self._dead_seen, self._sample = 0, sample
        self._sheltered_seen: bytes | None = None
        random = Random(seed)
        fill(scenario, self.dlqs, self.books, random)
        self.live = Live(
            scenario=scenario,
            clock=self.clock,
            books=self.books,
            ingest=self.ingest,
            arrived=self.alerter.wake,
            random=Random(random.random()),
        )
        for change in scenario.changes:
            self.clock.at(change.at, partial(self._configuration.change, change, self.forwarders))
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
        ingest, alerts, dead, sheltered = self._look(keys=_WATCHED, args=[SHELTERED.of("moog")])
        came = self.ingest.receive(self.client, ingest, self._decoded)
        if sheltered == self._sheltered_seen:
            came += self.alerts.receive(self.client, alerts, self._decoded)
        else:
            pushed, taken = self.alerts.reread(self.client, self._decoded)
            came += pushed
            for number in taken:
                self.books.enter_dlq(number, self.now)
            self._sheltered_seen = sheltered
        for number in came:
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

    def _alerter(self, give_up: Callable[[Message], None]) -> Alerter:
        return Alerter(
            scenario=self.scenario,
            clock=self.clock,
            books=self.books,
            config=self._configuration.view(),
            ingest=self.ingest,
            alerts=self.alerts,
            give_up=give_up,
            passed_on=self._wake_forwarders,
        )

    def _forwarder(self, give_up: Callable[[Message], None]) -> Forwarder:
        scenario = self.scenario
        return Forwarder(
            scenario=scenario,
            clock=self.clock,
            books=self.books,
            alerts=self.alerts,
            breaker=self.breaker,
            limiter=self.limiter,
            limits=Limits(self._configuration.view(), scenario.limit, scenario.period),
            moogsoft=self.moogsoft,
            give_up=give_up,
        )

    def _show_forwarders(self) -> None:
        for at, forwarder in enumerate(self.forwarders):
            self.traces.watch(f"moog:{at}", forwarder.in_hand)

    def _wake_forwarders(self) -> None:
        for forwarder in self.forwarders:
            forwarder.wake()

    def _take_sample(self) -> None:
        self.books.depths.append((self.now, self.books.depth))
        self.clock.after(self._sample, self._take_sample)


def _dead(raw: bytes) -> Dead:
    number, fields = identity(raw)
    header = fields.get("_remediation", {})
    counted = header.get("replays", 0) - header.get("forgiven", 0)
    return Dead(number, header.get("reason", "unknown"), counted)
