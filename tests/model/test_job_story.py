"""Operators' jobs among all that can happen: each message is somewhere once, as the numbers say.

Hypothesis draws a story: producers push, consumers of two routes take and give back, somebody
removes messages, operators submit, cancel and undo jobs on one or several lists, cycles run and are
struck at any Redis command. Every message has a number of its own, so that nothing can be lost,
doubled or done by the wrong job unseen.
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
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    HEALTHY,
    INGEST,
    MOOG_DLQ,
    event,
    lying_in,
    settings_of,
)
from tests.redis_server import RedisServer

OURS = "mutt:remediation:"
LEASE = OURS + "lease"
ELSEWHERE = "lab:queue"
KEYS = {"alerter": DLQ, "moog": MOOG_DLQ, "dead": DEAD}
TARGETS = {INGEST: DLQ, ALERTS: MOOG_DLQ}
# The numbers of what edits make begin here.
EDITED = 10_000
# So short a list is deep already, so that every way through it is taken.
SCAN = ScanBounds(messages=50, deep=4)

faults = st.builds(
    Fault,
    st.sampled_from(["before", "within", "after", "after", "lost", "lost"]),
    st.integers(0, 40),
    st.booleans(),
)
places = st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True)
BOTH = ("alerter", "moog")
verbs = st.sampled_from(
    [
        *((Verb.REPLAY, BOTH), (Verb.REPLAY, BOTH), (Verb.REPLAY, ("moog",))),
        *((Verb.REQUEUE, ("dead",)), (Verb.REDIRECT, BOTH)),
        *((Verb.DISCARD, (*BOTH, "dead")), (Verb.DISCARD, ("alerter",))),
    ]
)


def number_of(raw: bytes) -> int:
    """The number that a message keeps wherever it goes."""
    return int(json.loads(raw)["number"])


def header_of(number: int) -> dict[str, Any]:
    """That of a dead letter, of the one route or the other."""
    return {"replays": 5, "forgiven": 0, "route": BOTH[number % 2], "reason": "poison"}


class JobStory(RuleBasedStateMachine):
    """One story; `meant` says which messages each job may touch, `edits` what edits make."""

    server: ClassVar[RedisServer]

    def __init__(self) -> None:
        super().__init__()
        self.client = self.server.client
        self.client.flushall()
        self.settings = settings_of(
            REMEDIATION_ROUTES="alerter,moog",
            REMEDIATION_REDIRECT_QUEUES=ELSEWHERE,
            REMEDIATION_DRAIN_INTERVAL=0,
            REMEDIATION_RETRY_BACKOFF=5,
        )
        self.made, self.skipped = 0, 0.0
        self.meant: dict[str, Counter[int]] = {}
        self.edits: dict[str, int] = {}
        self.start_process()
        self.producers_push(12, DLQ)
        self.producers_push(12, MOOG_DLQ)
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

    @rule(count=st.integers(1, 5), name=st.sampled_from([DLQ, MOOG_DLQ, DEAD]))
    def producers_push(self, count: int, name: str) -> None:
        for _ in range(count):
            fields = {"_remediation": header_of(self.made)} if name == DEAD else {}
            self.client.lpush(name, event(self.made, **fields))
            self.made += 1

    @rule(count=st.integers(1, 6), queue=st.sampled_from([INGEST, ALERTS]), fails=st.booleans())
    def consumers_take(self, count: int, queue: str, fails: bool) -> None:
        for _ in range(count):
            to = TARGETS[queue] if fails else "delivered"
            self.client.lmove(queue, to, "RIGHT", "LEFT")

    @rule(name=st.sampled_from([DLQ, MOOG_DLQ, DEAD]), end=st.sampled_from(["RIGHT", "LEFT"]))
    def somebody_removes(self, name: str, end: str) -> None:
        self.client.lmove(name, "removed", end, "LEFT")

    # --- operators ---

    @rule(what=verbs, which=places, stop_after=st.sampled_from([None, None, 2]))
    def an_operator_submits(
        self, what: tuple[Verb, tuple[str, ...]], which: list[int], stop_after: int | None
    ) -> None:
        verb, sources = what
        there = {source: lying_in(self.client, KEYS[source]) for source in sources}
        chosen = {
            source: [raws[at] for at in which if at < len(raws)] for source, raws in there.items()
        }
        chosen = {source: raws for source, raws in chosen.items() if raws}
        if not chosen:
            return
        destination = ELSEWHERE if verb is Verb.REDIRECT else ""
        plan = plan_of(self.store, verb, chosen, destination)
        job = jobs.submit(self.store, plan, self.order(stop_after))
        self.meant[job.id] = Counter(number_of(raw) for raws in chosen.values() for raw in raws)

    @rule(source=st.sampled_from(BOTH), at=st.integers(0, 15))
    def an_operator_edits(self, source: str, at: int) -> None:
        there = lying_in(self.client, KEYS[source])
        if at >= len(there):
            return
        made = EDITED + len(self.edits)
        changed = json.dumps(json.loads(there[at]) | {"number": made}).encode()
        job = jobs.edit(self.store, source, there[at], changed, self.order())
        self.meant[job.id] = Counter((number_of(there[at]), made))
        self.edits[job.id] = made

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
        for _ in range(60):
            if not any(job.state in ACTIVE for job in jobs.listed(self.store, 100)):
                break
            for queue in TARGETS:
                self.consumers_take(50, queue, fails=False)
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
        lists = [*KEYS.values(), *TARGETS, ELSEWHERE, "delivered", "removed"]
        for kind in ("trash", "aside", "front"):
            keys: Any = self.client.keys(f"{OURS}{kind}:*")
            lists += [key.decode() for key in keys]
        found = Counter(number_of(raw) for name in lists for raw in lying_in(self.client, name))
        # The original of an edit is kept, so what was made of it is one more.
        made = [number for job, number in self.edits.items() if self.has_done(job)]
        assert found == Counter([*range(self.made), *made])

    def has_done(self, job_id: str) -> bool:
        """Whether a job has done something."""
        return jobs.get(self.store, job_id).counts.done > 0

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
        max_examples=45, stateful_step_count=25, phases=[Phase.explicit, Phase.generate]
    )
    run_state_machine_as_test(JobStory, settings=told)
