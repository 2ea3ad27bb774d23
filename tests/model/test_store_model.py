"""The real store and cycle against a plain model of them, through whatever can happen to both.

Hypothesis draws a story: producers push, consumers take and bring back, operators meddle, cycles
run, processes die at any Redis command, answers get lost, leases are stolen, time passes. After
every step every list and every counter must be what the model says.
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, cast

import pytest
import redis
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from redis.backoff import NoBackoff
from redis.retry import Retry

from mutt_tasks import cycle as steps
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.in_flight import InFlight
from mutt_tasks.core.window import Window
from mutt_tasks.cycle import Trigger
from mutt_tasks.errors import LeaseLost
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.runtime_settings import in_force
from mutt_tasks.store.ledger import Ledger
from mutt_tasks.store.requests import Request
from mutt_tasks.store.states import encoded
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import ScanBounds, Surroundings
from tests.model.faults import Dead, Fault, struck_by
from tests.model.messages import messages
from tests.model.plain import LISTS, ROUTES, START, Pipeline, Rules, band_of, out_of_bands
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    HEALTHY,
    ILL,
    INGEST,
    MOOG_DLQ,
    observe,
    settings_of,
)
from tests.redis_server import RedisServer

OURS = "mutt:remediation:"
LEASE, DRAIN, TICK, PAUSED = (OURS + name for name in ("lease", "drain", "tick", "paused"))
LEASE_SECONDS, PAUSE_SECONDS = 46, 600
KINDS = ("replayed", "malformed", "incomplete", "poison", "stale")
SCAN = 9

# Values that stand in runtime configuration, and what they mean; None is ignored.
CONFIGURED: dict[str, dict[bytes, Any]] = {
    "remediation_enabled": {b"true": True, b"false": False, b" off\n": False, b"maybe": None},
    "remediation_interval": {b"1000": 1000.0, b"10": 10.0, b"0": None, b"nan": None, b"": None},
    "remediation_batch_size": {b"1": 1, b"7": 7, b"99999": 99999, b"0": None, b"2.5": None},
    "max_poison_retries": {b"1": 1, b"5": 5, b"-1": None, b"\xff\x00\r\n": None, b"1e1": None},
}
ATTRIBUTES = {
    "remediation_enabled": "enabled",
    "remediation_interval": "interval",
    "remediation_batch_size": "batch",
    "max_poison_retries": "max_retries",
}

batches = st.lists(st.tuples(messages, st.sampled_from([1, 1, 1, 3])), min_size=1, max_size=6).map(
    lambda sent: [message for message, times in sent for _ in range(times)]
)
faults = st.builds(
    Fault,
    st.sampled_from(["before", "within", "after", "after", "lost", "lost"]),
    st.integers(0, 9) | st.integers(0, 22),
    st.booleans(),
)
dead_letter_queues = st.sampled_from([DLQ, MOOG_DLQ])
ends = st.sampled_from(["LEFT", "RIGHT"])


class Ends:
    """A ledger, with somebody who acts before a cycle ends."""

    def __init__(self, ledger: Ledger, ends: Callable[[], None]) -> None:
        self._ledger, self._ends = ledger, ends

    def finish(self, *args: Any) -> None:
        """The end of a cycle, before which `ends` is called."""
        self._ends()
        self._ledger.finish(*args)


class Ids:
    """Cycle ids that are the same whenever a story is told again."""

    last = 0

    def __call__(self) -> str:
        self.last += 1
        return f"{self.last:032x}"


new_id = Ids()


class Meddling(NamedTuple):
    """Somebody acts in the middle of a cycle, just before one of its commits or its end."""

    what: str
    before: str


meddlings = st.builds(
    Meddling,
    st.sampled_from(["steal", "expire", "remove", "insert", "add", "rotate"]),
    st.sampled_from(["commit 1", "commit 1", "commit 2", "end"]),
)


@dataclass(frozen=True)
class Seen:
    """What stands in Redis."""

    lists: dict[str, list[bytes]]
    counters: dict[str, int]
    journal: dict[str, int]
    lease: str
    is_paused: bool
    cursors: dict[str, tuple[int, float]]

    def differences(self, model: Pipeline) -> list[str]:
        """What is not as the model says."""
        found = [
            f"{name}: {self.lists[name]} instead of {messages}"
            for name, messages in model.lists.items()
            if self.lists[name] != messages
        ]
        kept = {name: n for name, n in self.counters.items() if not name.startswith(TIMES)}
        pairs: list[tuple[str, object, object]] = [
            ("counters", kept, {name: n for name, n in model.counters.items() if n}),
            ("journal", self.journal, model.journal()),
            ("paused", self.is_paused, model.is_paused),
        ]
        found += [f"{name}: {ours} instead of {its}" for name, ours, its in pairs if ours != its]
        timed = sum(n for name, n in self.counters.items() if name.startswith("duration:le:"))
        if timed != model.counters["loops"]:
            found.append(f"{timed} durations")
        if not self.has_lease_of(model):
            found.append(f"lease: {self.lease!r} instead of {model.lease!r}")
        for name, cursor in model.cursors.items():
            waiting, until = self.cursors[name]
            is_in_time = not waiting or cursor.earliest - 0.01 <= until <= cursor.latest + 0.01
            if waiting != cursor.waiting or not is_in_time:
                found.append(f"cursor of {name}: {waiting} until {until} instead of {cursor}")
        return found

    def has_lease_of(self, model: Pipeline) -> bool:
        """Whether the lease is with whom the model says."""
        if model.lease == "next":
            return len(self.lease) == 32
        if model.lease.endswith(":"):
            return self.lease.startswith(model.lease) and len(self.lease) == 65
        return self.lease == model.lease


TIMES = ("duration:", "last_cycle_ms")


class Story(RuleBasedStateMachine):
    """One story of the pipeline; `pipeline` is the model of it."""

    server: ClassVar[RedisServer]

    def __init__(self) -> None:
        super().__init__()
        self.client = self.server.client
        self.client.flushall()
        self.client.script_flush()  # so that a story told again sends the same commands
        new_id.last = 0
        self.pipeline = Pipeline(START)
        self.configured: dict[str, Any] = {}
        self.ids: list[str] = []
        self.journal = {"cycles": 0} | dict.fromkeys(KINDS, 0)
        self.journal_end = "0-0"
        self.is_checked = False
        self.start_process()

    @initialize(
        batch=st.sampled_from([1, 3, 4, 10]),
        backoff=st.sampled_from([60, 60, 10, 0]),
        max_age=st.sampled_from([0, 0, 3600]),
        rate=st.sampled_from([0, 0, 0, 3]),
        high_water=st.sampled_from([6, 15, 1000]),
        max_retries=st.sampled_from([1, 2, 3, 3]),
        drain=st.sampled_from([True, True, False]),
        routes=st.sampled_from([("alerter", "moog"), ("moog", "alerter"), ("alerter",), ("moog",)]),
        alerts=batches,
        events=batches,
    )
    def it_begins(
        self,
        routes: tuple[str, ...],
        drain: bool,
        alerts: list[bytes],
        events: list[bytes],
        **numbers: Any,
    ) -> None:
        self.push(MOOG_DLQ, alerts)
        self.push(DLQ, events)
        if "moog" in routes:
            numbers["rate"] = 0  # with a rate there are suspects, which are told of elsewhere
        self.base = Rules(routes=routes, drain=drain, scan=SCAN, **numbers)
        self.settings = settings_of(
            REMEDIATION_ROUTES=",".join(routes),
            REMEDIATION_DRAIN=drain,
            REMEDIATION_DRAIN_INTERVAL=0,  # a batch is one slice
            REMEDIATION_BATCH_SIZE=numbers["batch"],
            REMEDIATION_RETRY_BACKOFF=numbers["backoff"],
            REMEDIATION_MAX_AGE=numbers["max_age"],
            REMEDIATION_MAX_RATE=numbers["rate"],
            REMEDIATION_HIGH_WATER=numbers["high_water"],
            MAX_POISON_RETRIES=numbers["max_retries"],
            DYNAMIC_CONFIG_ENABLED=True,
        )

    def teardown(self) -> None:
        self.process.close()

    # --- the pipeline around us ---

    @rule(name=dead_letter_queues, sent=batches)
    def producers_push(self, name: str, sent: list[bytes]) -> None:
        self.push(name, sent)

    def push(self, name: str, sent: list[bytes]) -> None:
        self.client.lpush(name, *sent)
        self.pipeline.lists[name] += sent

    def take(self, name: str) -> dict[str, Any]:
        self.client.rpop(name)
        event: dict[str, Any] = json.loads(self.pipeline.lists[name].pop(0))
        return event

    @rule(verdicts=st.lists(st.sampled_from(["deliver", "fail", "fail", "shed"]), min_size=6))
    def consumers_take_and_give_back(self, verdicts: list[str]) -> None:
        for verdict in verdicts[: len(self.pipeline.lists[INGEST])]:
            event = self.take(INGEST)
            if verdict == "deliver":
                self.push(ALERTS, [json.dumps({"api_key": "k", "raw_json": event}).encode()])
            else:
                mark = {"_retry_count": 4} if verdict == "fail" else {"shedding_reason": "full"}
                self.push(DLQ, [json.dumps(event | mark).encode()])
        for verdict in verdicts[: len(self.pipeline.lists[ALERTS])]:
            event = self.take(ALERTS)
            if verdict == "fail":
                self.push(MOOG_DLQ, [json.dumps(event | {"_moog_retry_count": 6}).encode()])

    # --- operators, and time ---

    @rule(
        what=st.sampled_from(["remove", "insert", "move", "move"]),
        name=st.sampled_from([DLQ, MOOG_DLQ, DEAD]),
        taken_from=ends,
        to=dead_letter_queues,
        put_at=ends,
        message=messages,
    )
    def an_operator_edits_lists(
        self, what: str, name: str, taken_from: str, to: str, put_at: str, message: bytes
    ) -> None:
        queue, other = self.pipeline.lists[name], self.pipeline.lists[to]
        at, to_at = (0 if end == "RIGHT" else -1 for end in (taken_from, put_at))
        if what == "insert":
            self.client.rpush(to, message)
            other.insert(0, message)
        elif queue and what == "remove":
            (self.client.lpop if at else self.client.rpop)(name)
            queue.pop(at)
        elif queue:
            self.client.lmove(name, to, taken_from, put_at)
            message = queue.pop(at)
            other.insert(len(other) if to_at else 0, message)

    @rule(seconds=st.sampled_from([1, 10, 30, 60, 100, 300, 1000, 4000, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.pipeline.now += seconds
        if seconds > LEASE_SECONDS:
            self.the_lease_ends()

    def the_lease_ends(self) -> None:
        self.client.delete(LEASE)
        self.pipeline.lease = ""

    @rule(
        key_and_value=st.sampled_from(
            [(key, value) for key, values in CONFIGURED.items() for value in [*values, None, None]]
        )
    )
    def runtime_configuration_changes(self, key_and_value: tuple[str, bytes | None]) -> None:
        key, value = key_and_value
        self.configured.pop(ATTRIBUTES[key], None)
        if value is None:
            self.client.delete(f"mutt:config:{key}")
            return
        self.client.set(f"mutt:config:{key}", value)
        if CONFIGURED[key][value] is not None:
            self.configured[ATTRIBUTES[key]] = CONFIGURED[key][value]

    # --- ourselves ---

    @rule(
        how=st.sampled_from(["tick", "hand", "late"]),
        is_healthy=st.sampled_from([True] * 4 + [False]),
        which=st.integers(0, 99),
    )
    def a_cycle_begins(self, how: str, is_healthy: bool, which: int) -> None:
        if how == "late" and self.ids:
            cycle, is_new = self.ids[which % len(self.ids)], False
        else:
            cycle, is_new = self.new_cycle()
        self.cycle_runs(cycle, is_new, is_tick=how == "tick", is_healthy=is_healthy)

    @rule(most=st.integers(1, 8))
    def a_drain_goes_on(self, most: int) -> None:
        for _ in range(most):
            self.cycle_runs(*self.next_cycle())
            if not self.pipeline.lease:
                break

    @rule(
        strikes=st.lists(st.tuples(faults, batches), min_size=2, max_size=6),
        is_tick=st.sampled_from([False, False, True]),
        is_new=st.booleans(),
    )
    def cycles_are_struck(
        self, strikes: list[tuple[Fault, list[bytes]]], is_tick: bool, is_new: bool
    ) -> None:
        for fault, sent in strikes:
            self.push(DLQ, sent)
            if is_new or len(self.pipeline.lease) != 32:
                self.the_lease_ends()
            cycle, must_begin = self.next_cycle()
            self.cycle_runs(cycle, must_begin, is_tick=is_tick and must_begin, fault=fault)
            self.pipeline.now += 1

    @rule(reason=st.sampled_from(["change window", "a\r\nb", "é"]))
    def an_operator_pauses_for_one_cycle(self, reason: str) -> None:
        self.store.pauses.pause(Request(new_id(), "ann", reason), PAUSE_SECONDS, "now")
        self.pipeline.is_paused = True
        self.cycle_runs(*self.next_cycle())
        assert self.store.pauses.resume(Request(new_id(), "ann"))
        self.pipeline.is_paused = False
        self.is_checked = False

    def cycle_runs(
        self,
        cycle: str,
        is_new: bool,
        is_tick: bool = False,
        is_healthy: bool = True,
        fault: Fault | None = None,
    ) -> None:
        self.keep_out_of_bands()
        if is_tick:
            self.set_last_tick()
        stages = self.expected(self.pipeline, cycle, is_new, is_tick, is_healthy)
        try:
            with struck_by(fault):
                result = self.run(cycle, is_new, is_tick, is_healthy)
        except Dead:
            self.process.close()
            self.start_process()
            self.agree_with(stages)
            return
        said = stages[-1].result
        if said is None:
            assert result is None
        else:
            assert result is not None
            assert (result.outcome, result.reason) == (said.outcome, said.reason)
            assert bool(result.next_cycle) == said.goes_on
        finals = stages[-1:]
        if fault and said and said.outcome in ("busy", "early"):
            # The tick may have been refused twice, for the first answer was lost.
            finals.append(finals[0].copied())
            finals[1].counters[f"ticks:{said.outcome}"] += 1
        self.agree_with(finals)

    @rule(
        meddlings=st.lists(st.tuples(meddlings, messages, batches), min_size=2, max_size=6),
        name=dead_letter_queues,
        is_new=st.booleans(),
    )
    def somebody_meddles_in_the_middle_of_cycles(
        self, meddlings: list[tuple[Meddling, bytes, list[bytes]]], name: str, is_new: bool
    ) -> None:
        for meddling, message, sent in meddlings:
            self.push(name, sent)
            if is_new or len(self.pipeline.lease) != 32:
                self.the_lease_ends()
            self.a_cycle_runs_meanwhile(meddling, name, message)
            self.pipeline.now += 1

    def a_cycle_runs_meanwhile(self, meddling: Meddling, name: str, message: bytes) -> None:
        self.keep_out_of_bands()
        cycle, is_new = self.next_cycle()
        stages = self.expected(self.pipeline, cycle, is_new, False, True)
        other = self.pipeline.copied()
        act_in_model(other, meddling.what, name, message)
        with self.meddled(meddling, name, message) as has_meddled:
            try:
                self.run(cycle, is_new, False, True)
            except LeaseLost:
                assert meddling.what in ("steal", "expire")
        if not has_meddled:
            finals = stages[-1:]
        elif meddling.what in ("steal", "expire"):
            # What was committed before stays, and nothing more is done.
            before = {"commit 1": is_new + 1, "commit 2": is_new + 2, "end": len(stages) - 2}
            finals = [stages[before[meddling.before]]]
            act_in_model(finals[0], meddling.what, name, message)
        else:
            # As if it had happened before the cycle, or behind it.
            act_in_model(stages[-1], meddling.what, name, message)
            finals = [stages[-1], self.expected(other, cycle, is_new, False, True)[-1]]
        self.agree_with(finals)

    def start_process(self) -> None:
        """A fresh process: its store, on a connection of its own, with the model's clock."""
        self.process = redis.Redis(
            port=self.server.port, retry=Retry(NoBackoff(), 3), socket_timeout=10
        )
        self.store = Store(self.process)
        self.surroundings = Surroundings(
            now=lambda: self.pipeline.now,
            wait=lambda _: None,
            new_id=new_id,
            scan=ScanBounds(messages=SCAN),
        )

    def run(self, cycle: str, is_new: bool, is_tick: bool, is_healthy: bool) -> CycleResult | None:
        """What the tasks of one cycle do."""
        if is_new:
            settings, _ = in_force(self.store, self.settings)
            trigger = Trigger.BEAT if is_tick else Trigger.HAND
            ended = steps.begin(self.store, settings, self.surroundings, cycle, trigger)
            if ended is not None:
                return ended
        settings, _ = in_force(self.store, self.settings)
        self.fix_the_window(min(settings.pace.batch_size, settings.pace.max_batch_size))
        health = HEALTHY if is_healthy else ILL
        return steps.replay(self.store, settings, self.surroundings, cycle, health)

    def fix_the_window(self, window: int) -> None:
        """Every batch may hold as many messages: how the window learns is told elsewhere."""
        flow: Any = encoded(
            Flow(Window(window, is_canary=False), InFlight(sent_at=self.pipeline.now))
        )
        for name in ROUTES:
            self.client.hset(f"{OURS}route:{name}", mapping=flow)

    def expected(
        self, start: Pipeline, cycle: str, is_new: bool, is_tick: bool, is_healthy: bool
    ) -> list[Pipeline]:
        """The states that a cycle goes through, the first and the last included."""
        rules = replace(self.base, **self.configured)
        model = start.copied()
        model.result = None
        stages = [model.copied()]
        if is_new:
            stages += model.begin(rules, cycle, is_tick)
            if model.result is not None:
                return stages
        return [*stages, *model.replay(rules, cycle, is_healthy)]

    def new_cycle(self) -> tuple[str, bool]:
        """A new cycle's id, and that it has to take the lease."""
        self.ids.append(new_id())
        return self.ids[-1], True

    def next_cycle(self) -> tuple[str, bool]:
        """The cycle that the lease waits for, if it waits for one; else a new one."""
        if len(self.pipeline.lease) == 32:
            return self.pipeline.lease, False
        return self.new_cycle()

    def keep_out_of_bands(self) -> None:
        """Move the clock on while it is not known whether some message's rest is over."""
        rules = replace(self.base, **self.configured)
        bands = [
            band_of(message, name, rules)
            for name, route in ROUTES.items()
            for message in set(self.pipeline.lists[route.source])
        ]
        bands += [(c.earliest, c.latest) for c in self.pipeline.cursors.values() if c.waiting]
        self.pipeline.now = out_of_bands(self.pipeline.now, bands)

    def set_last_tick(self) -> None:
        """Redis' own clock cannot be moved, so the last tick is."""
        if self.pipeline.ticked_at is not None:
            seconds, microseconds = self.client.time()
            ago = self.pipeline.now - self.pipeline.ticked_at
            self.client.set(TICK, int((seconds - ago) * 1000 + microseconds // 1000))

    @contextmanager
    def meddled(self, meddling: Meddling, name: str, message: bytes) -> Iterator[list[str]]:
        """Somebody acts at the given moment; the list is not empty when they did."""
        has_meddled: list[str] = []
        calls: list[str] = []

        def then(moment: str) -> None:
            calls.append(moment)
            moment = f"commit {calls.count('commit')}" if moment == "commit" else moment
            if moment == meddling.before and not has_meddled:
                has_meddled.append(moment)
                act_in_redis(self.client, meddling.what, name, message)

        queues, ledger = self.store.queues, self.store.ledger
        observe(self.store, commits=lambda: then("commit"))
        self.store.ledger = cast(Ledger, Ends(ledger, lambda: then("end")))
        try:
            yield has_meddled
        finally:
            self.store.queues, self.store.ledger = queues, ledger

    def seen(self) -> Seen:
        """Everything that the model speaks of, as it is."""
        with self.client.pipeline(transaction=True) as reads:
            for name in LISTS:
                reads.lrange(name, 0, -1)
            for name in ROUTES:
                reads.hmget(f"{OURS}route:{name}", "cursor", "cursor_until")
            reads.hgetall(OURS + "stats")
            reads.xrange(OURS + "journal", f"({self.journal_end}")
            reads.get(LEASE)
            reads.exists(PAUSED)
            answers: list[Any] = reads.execute()
        *_, stats, entries, lease, paused = answers
        for entry, fields in entries:
            self.journal_end = entry.decode()
            self.journal["cycles"] += fields[b"event"] == b"cycle"
            for kind in KINDS:
                self.journal[kind] += int(fields.get(kind.encode(), 0))
        states = answers[len(LISTS) :]
        return Seen(
            lists={name: answers[at][::-1] for at, name in enumerate(LISTS)},
            counters={name.decode(): int(value) for name, value in stats.items()},
            journal=dict(self.journal),
            lease=(lease or b"").decode(),
            is_paused=bool(paused),
            cursors={
                name: (int(state[0] or 0), float(state[1] or 0))
                for name, state in zip(ROUTES, states, strict=False)
            },
        )

    def agree_with(self, models: list[Pipeline]) -> None:
        """What is seen must be one of these; it is the model from now on."""
        self.is_checked = True
        seen = self.seen()
        differences = [seen.differences(model) for model in models]
        nearest = min(range(len(models)), key=lambda at: len(differences[at]))
        assert not differences[nearest], "\n".join(differences[nearest])
        self.pipeline = models[nearest]
        if self.pipeline.lease == "next":
            self.pipeline.lease = seen.lease
            self.ids.append(seen.lease)
            # Redis' own clock runs on, as that of the model does not: the drain stays alive.
            self.client.pexpire(LEASE, LEASE_SECONDS * 1000)
            self.client.hset(DRAIN, "due", round((time.time() + LEASE_SECONDS) * 1000))

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        if not self.is_checked:
            self.agree_with([self.pipeline])
        self.is_checked = False


def act_in_redis(client: redis.Redis, what: str, name: str, message: bytes) -> None:
    """What a meddler does."""
    acts: dict[str, Callable[[], Any]] = {
        "steal": lambda: client.set(LEASE, "somebody else", px=LEASE_SECONDS * 1000),
        "expire": lambda: client.delete(LEASE),
        "remove": lambda: client.rpop(name),
        "insert": lambda: client.rpush(name, message),
        "add": lambda: client.lpush(name, message),
        "rotate": lambda: client.lmove(name, name, "RIGHT", "LEFT"),
    }
    acts[what]()


def act_in_model(model: Pipeline, what: str, name: str, message: bytes) -> None:
    """The same in the model."""
    queue = model.lists[name]
    if what in ("steal", "expire"):
        model.lease = "somebody else" if what == "steal" else ""
    elif what in ("insert", "add"):
        queue.insert(0 if what == "insert" else len(queue), message)
    elif queue:
        oldest = queue.pop(0)
        queue += [oldest] if what == "rotate" else []


def tell_stories(server: RedisServer, told: hypothesis_settings) -> None:
    Story.server = server
    run_state_machine_as_test(Story, settings=told)


def test_whatever_happens_the_lists_and_counters_are_what_the_model_says(
    redis_server: RedisServer,
) -> None:
    # A story that fails is told as it was drawn: to find the shortest one takes minutes, and is
    # what the soak below does.
    told = hypothesis_settings(
        max_examples=50, stateful_step_count=30, phases=[Phase.explicit, Phase.generate]
    )
    tell_stories(redis_server, told)


@pytest.mark.soak
def test_whatever_happens_in_a_thousand_long_stories_the_model_is_right(
    redis_server: RedisServer, request: pytest.FixtureRequest
) -> None:
    given = request.config.getoption("--hypothesis-seed") or os.environ.get("SOAK_SEED") or ""
    number = int(given) if given.isdecimal() else secrets.randbits(32)
    print(f"\nthe same stories again: SEED={number}, or --hypothesis-seed={number}", flush=True)
    told = hypothesis_settings(
        max_examples=1000,
        stateful_step_count=100,
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    seed(number)(Story)
    tell_stories(redis_server, told)
