"""Operators' jobs among all that can happen: each message is somewhere once, as the numbers say.

Hypothesis draws a story: producers push, consumers take and give back, somebody removes messages,
operators submit, cancel and undo jobs, cycles run and are struck at any Redis command. Every
message has a number of its own, so that nothing can be lost, doubled or done by the wrong job
unseen.
"""

import json
from collections import Counter
from typing import Any, ClassVar

import redis
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from redis.backoff import NoBackoff
from redis.retry import Retry

from mutt_tasks import cycle as steps
from mutt_tasks.core.jobs import ACTIVE, TRASHING
from mutt_tasks.core.plan import Verb
from mutt_tasks.cycle import Trigger
from mutt_tasks.errors import Refused
from mutt_tasks.operations import jobs
from mutt_tasks.operations.jobs import Order
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import ScanBounds, Surroundings, new_id
from tests.jobs import plan_of
from tests.model.faults import Dead, Fault, struck_by
from tests.pipeline import DEAD, DLQ, HEALTHY, INGEST, event, lying_in, settings_of
from tests.redis_server import RedisServer

OURS = "mutt:remediation:"
LEASE = OURS + "lease"
ELSEWHERE = "lab:queue"
KEYS = {"alerter": DLQ, "dead": DEAD}
HEADER = {"replays": 5, "forgiven": 0, "route": "alerter", "reason": "poison"}
# So short a list is deep already, so that every way through it is taken.
SCAN = ScanBounds(messages=50, deep=4)

faults = st.builds(
    Fault,
    st.sampled_from(["before", "within", "after", "after", "lost", "lost"]),
    st.integers(0, 40),
    st.booleans(),
)
places = st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True)
verbs = st.sampled_from(
    [
        *((Verb.REPLAY, "alerter"), (Verb.REPLAY, "alerter"), (Verb.REQUEUE, "dead")),
        *((Verb.DISCARD, "alerter"), (Verb.DISCARD, "dead"), (Verb.REDIRECT, "alerter")),
    ]
)


def number_of(raw: bytes) -> int:
    """The number that a message keeps wherever it goes."""
    return int(json.loads(raw)["number"])


class JobStory(RuleBasedStateMachine):
    """One story; `meant` says which messages each job may touch."""

    server: ClassVar[RedisServer]

    def __init__(self) -> None:
        super().__init__()
        self.client = self.server.client
        self.client.flushall()
        self.settings = settings_of(
            REMEDIATION_REDIRECT_QUEUES=ELSEWHERE,
            REMEDIATION_DRAIN_INTERVAL=0,
            REMEDIATION_RETRY_BACKOFF=0,
        )
        self.made, self.skipped = 0, 0.0
        self.meant: dict[str, Counter[int]] = {}
        self.start_process()
        self.producers_push(12, DLQ)
        self.producers_push(6, DEAD)

    def start_process(self) -> None:
        """A fresh worker and operator, on a connection of their own."""
        self.process = redis.Redis(
            port=self.server.port, retry=Retry(NoBackoff(), 3), socket_timeout=10
        )
        self.store = Store(self.process)
        self.surroundings = Surroundings(
            now=lambda: self.store.now() + self.skipped, wait=lambda _: None, scan=SCAN
        )

    def teardown(self) -> None:
        self.the_rest_is_done()
        self.process.close()

    # --- the pipeline, and others ---

    @rule(count=st.integers(1, 5), name=st.sampled_from([DLQ, DLQ, DEAD]))
    def producers_push(self, count: int, name: str) -> None:
        for _ in range(count):
            fields = {"_remediation": HEADER} if name == DEAD else {}
            self.client.lpush(name, event(self.made, **fields))
            self.made += 1

    @rule(count=st.integers(1, 6), fails=st.booleans())
    def consumers_take(self, count: int, fails: bool) -> None:
        for _ in range(count):
            if fails:
                self.client.lmove(INGEST, DLQ, "RIGHT", "LEFT")
            else:
                self.client.lmove(INGEST, "delivered", "RIGHT", "LEFT")

    @rule(name=st.sampled_from([DLQ, DEAD]), end=st.sampled_from(["RIGHT", "LEFT"]))
    def somebody_removes(self, name: str, end: str) -> None:
        self.client.lmove(name, "removed", end, "LEFT")

    # --- operators ---

    @rule(what=verbs, which=places, stop_after=st.sampled_from([None, None, 2]))
    def an_operator_submits(
        self, what: tuple[Verb, str], which: list[int], stop_after: int | None
    ) -> None:
        verb, source = what
        there = lying_in(self.client, KEYS[source])
        chosen = [there[at] for at in which if at < len(there)]
        if not chosen:
            return
        destination = ELSEWHERE if verb is Verb.REDIRECT else ""
        plan = plan_of(self.store, verb, {source: chosen}, destination)
        job = jobs.submit(self.store, plan, self.order(stop_after))
        self.meant[job.id] = Counter(map(number_of, chosen))

    @rule(which=st.integers(0, 99))
    def an_operator_cancels_or_takes_back(self, which: int) -> None:
        listed = jobs.listed(self.store, 50)
        if not listed:
            return
        job = listed[which % len(listed)]
        try:
            if job.state in ACTIVE:
                jobs.cancel(self.store, job.id, self.order())
            else:
                jobs.undo(self.store, job.id, self.order())
        except Refused:
            return

    def order(self, stop_after: int | None = None) -> Order:
        """What ann wants."""
        return Order("ann", "--actor", "the story", new_id(), stop_after)

    # --- ourselves ---

    @rule(fault=st.none() | faults, seconds=st.sampled_from([0.0, 0.0, 10.0, 200.0]))
    def a_cycle_runs(self, fault: Fault | None, seconds: float) -> None:
        self.skipped += seconds
        self.client.delete(LEASE)  # whoever had it has been dead for long enough
        try:
            with struck_by(fault):
                self.cycle()
        except Dead:
            self.process.close()
            self.start_process()

    def cycle(self) -> None:
        """What the tasks of one cycle do."""
        cycle = new_id()
        ended = steps.begin(self.store, self.settings, self.surroundings, cycle, Trigger.HAND)
        if ended is None:
            steps.replay(self.store, self.settings, self.surroundings, cycle, HEALTHY)

    def the_rest_is_done(self) -> None:
        """Without further trouble every job comes to its end."""
        for _ in range(30):
            if not any(job.state in ACTIVE for job in jobs.listed(self.store, 100)):
                break
            self.consumers_take(50, fails=False)
            self.a_cycle_runs(fault=None, seconds=200.0)
        self.everything_is_somewhere_once()
        for job in jobs.listed(self.store, 100):
            assert job.state not in ACTIVE, job
            counts = job.counts
            assert counts.done + counts.gone + counts.skipped + counts.left == counts.planned, job
        beside = [key for kind in ("aside", "front") for key in self.client.keys(f"{OURS}{kind}:*")]
        assert beside == []

    @invariant()
    def everything_is_somewhere_once(self) -> None:
        lists = [*KEYS.values(), INGEST, ELSEWHERE, "delivered", "removed"]
        for kind in ("trash", "aside", "front"):
            keys: Any = self.client.keys(f"{OURS}{kind}:*")
            lists += [key.decode() for key in keys]
        found = Counter(number_of(raw) for name in lists for raw in lying_in(self.client, name))
        assert found == Counter(range(self.made))

    @invariant()
    def a_job_touches_only_what_it_means_and_counts_it(self) -> None:
        for job in jobs.listed(self.store, 100):
            assert 0 <= job.counts.done <= job.counts.planned, job
            if job.verb in TRASHING:
                for source in job.sources:
                    trash = lying_in(self.client, f"{OURS}trash:{job.id}:{source}")
                    assert Counter(map(number_of, trash)) <= self.meant[job.id], job
                    assert len(trash) <= job.counts.done, job
        assert self.store.audit.verify().wrong == ""


def test_whatever_happens_jobs_do_each_message_once(redis_server: RedisServer) -> None:
    JobStory.server = redis_server
    # A story that fails is told as it was drawn: to find the shortest one takes minutes.
    told = hypothesis_settings(
        max_examples=60, stateful_step_count=25, phases=[Phase.explicit, Phase.generate]
    )
    run_state_machine_as_test(JobStory, settings=told)
