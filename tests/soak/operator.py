"""An operator who submits, cancels and takes back jobs of every verb, and the books of them."""

import json
import random
from collections import Counter
from dataclasses import dataclass, field

import redis

from mutt_tasks.core.jobs import ACTIVE, TRASHING, Job, State
from mutt_tasks.core.plan import Verb
from mutt_tasks.errors import Refused
from mutt_tasks.operations import jobs
from mutt_tasks.operations.jobs import Order
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.jobs import plan_of
from tests.pipeline import DEAD, DLQ, counters, lying_in

REDIRECTED = "soak:redirected"
KEYS = {"alerter": DLQ, "dead": DEAD}
ON = (
    *((Verb.REPLAY, "alerter"), (Verb.DISCARD, "alerter"), (Verb.REDIRECT, "alerter")),
    *((Verb.REQUEUE, "dead"), (Verb.DISCARD, "dead"), (Verb.REDIRECT, "dead")),
)
# A job means at most so many messages.
MOST = 12


def number_of(raw: bytes) -> int:
    """The number that a message was produced with."""
    return int(raw.split()[1]) if _is_garbage(raw) else int(json.loads(raw)["number"])


@dataclass
class Operator:
    """One who acts by chance; `meant` says which messages each job may touch, byte for byte."""

    client: redis.Redis
    random: random.Random
    meant: dict[str, set[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(self.client)

    def act(self) -> str:
        """Do one thing; returns what it was, empty when there was nothing to do it with."""
        act = self.random.choice((self._submit, self._submit, self._edit, self._undo, self._cancel))
        try:
            return act()
        except Refused:
            return ""  # the job is under way, is over, or has nothing in the trash

    def requeue(self) -> str:
        """Give some of what is dead by now another try."""
        return self._submit_one(Verb.REQUEUE, "dead")

    def _submit(self) -> str:
        return self._submit_one(*self.random.choice(ON))

    def _submit_one(self, verb: Verb, source: str) -> str:
        there = lying_in(self.client, KEYS[source])
        if verb is Verb.REQUEUE and not all(map(_is_garbage, there)):
            there = [raw for raw in there if not _is_garbage(raw)]  # it is refused, as a rule
        wanted = self.random.sample(there, min(len(there), self.random.randint(1, MOST)))
        if not wanted:
            return ""
        destination = REDIRECTED if verb is Verb.REDIRECT else ""
        plan = plan_of(self.store, verb, {source: wanted}, destination)
        return self._noted(jobs.submit(self.store, plan, _order()), set(wanted))

    def _edit(self) -> str:
        there = [raw for raw in lying_in(self.client, DLQ) if not _is_garbage(raw)]
        if not there:
            return ""
        raw = self.random.choice(there)
        changed = json.dumps(json.loads(raw) | {"edited": new_id()}).encode()
        return self._noted(jobs.edit(self.store, "alerter", raw, changed, _order()), {raw, changed})

    def _undo(self) -> str:
        ended = [job for job in self._jobs() if job.verb in TRASHING]
        if not ended:
            return ""
        job = self.random.choice(ended)
        return self._noted(jobs.undo(self.store, job.id, _order()), self.meant[job.id])

    def _cancel(self) -> str:
        active = [job for job in self._jobs() if job.state in ACTIVE]
        if not active:
            return ""
        jobs.cancel(self.store, self.random.choice(active).id, _order())
        return "cancel"

    def _noted(self, job: Job, meant: set[bytes]) -> str:
        self.meant[job.id] = meant
        return job.verb.value

    def _jobs(self) -> list[Job]:
        return [jobs.get(self.store, job_id) for job_id in self.meant]

    def active(self) -> list[str]:
        """The jobs that have not ended."""
        return [f"{job.id} {job.verb}" for job in self._jobs() if job.state in ACTIVE]

    def trash(self, *verbs: Verb) -> dict[str, list[bytes]]:
        """What lies in the trash of the jobs with these verbs."""
        return {
            job.id: [raw for name in job.sources for raw in self._trash_of(job.id, name)]
            for job in self._jobs()
            if job.verb in verbs
        }

    def _trash_of(self, job_id: str, source: str) -> list[bytes]:
        found = self.client.lrange(self.store.trash.key(job_id, source), 0, -1)
        return list(found)  # type: ignore[arg-type]

    def check(self) -> None:
        """Every job has ended, its numbers say where its messages are, and the audit is whole."""
        done, taken_back = Counter[Verb](), Counter[str]()
        for job in self._jobs():
            counts = job.counts
            assert job.state in (State.DONE, State.CANCELLED), job
            assert counts.done + counts.gone + counts.skipped + counts.left == counts.planned, job
            assert counts.left == 0 or job.state is State.CANCELLED, job
            done[job.verb] += counts.done
            taken_back[job.undoes] += counts.done
        for job_id, kept in self.trash(*TRASHING).items():
            job = jobs.get(self.store, job_id)
            # An edit that is undone leaves what was made of the message in its place.
            back = taken_back[job_id] if job.verb is Verb.DISCARD else 0
            assert len(kept) == job.counts.done - back, job
            assert set(kept) <= self.meant[job_id], job
        self._check_counters(done)
        assert self.store.audit.verify().wrong == ""
        print(f"jobs: {len(self.meant)}; messages that they did: {dict(done)}", flush=True)

    def _check_counters(self, done: Counter[Verb]) -> None:
        counted = counters(self.client)
        words = {
            **{Verb.DISCARD: "discarded", Verb.REDIRECT: "redirected", Verb.UNDO: "undone"},
            **{Verb.EDIT: "edited", Verb.REQUEUE: "requeued"},
        }
        for verb, word in words.items():
            found = sum(counted.get(f"{word}:{name}", 0) for name in KEYS)
            assert found == done[verb], (verb, found, done[verb])
        assert done[Verb.REPLAY] <= counted["replayed:alerter"]
        set_aside = counted.get("malformed:alerter", 0) + counted.get("poison:alerter", 0)
        left = ("requeued:alerter", "discarded:dead", "redirected:dead")
        taken = sum(counted.get(name, 0) for name in left) - counted.get("undone:dead", 0)
        assert set_aside == len(lying_in(self.client, DEAD)) + taken


def _is_garbage(raw: bytes) -> bool:
    return raw.startswith(b"garbage ")


def _order() -> Order:
    return Order("ann", "--actor", "soak", new_id())
