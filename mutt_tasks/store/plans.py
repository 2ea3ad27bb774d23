"""Plans, and the frozen sets of messages that they mean; they expire by themselves."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import redis

from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.fields import text
from mutt_tasks.store.states import number

# How long a plan lives, in seconds; each use gives it as long again.
KEPT = 15 * 60
_MILLISECONDS = KEPT * 1000
# One command writes or reads so many bytes of a set at most: a fraction of a millisecond of Redis.
_CHUNK = 256 << 10
# So many sets are remembered: a job's, for each of its lists, and the next job's.
_REMEMBERED = 4


class Plans:
    """The plans. Raises StoreError."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._known: dict[tuple[str, str], FrozenSet] = {}

    def save(self, plan: Plan, sets: Mapping[str, FrozenSet]) -> None:
        """Keep a plan; whoever can see it finds it whole, for what it means is written first."""
        is_whole = False
        try:
            with translated():
                for source, members in sets.items():
                    self._write(keys.plan_set(plan.id, source), members.data)
                with self._client.pipeline(transaction=True) as steps:
                    steps.hset(keys.plan(plan.id), mapping=_fields_of(plan))
                    steps.pexpire(keys.plan(plan.id), _MILLISECONDS)
                    steps.execute()
            is_whole = True
        finally:
            # Also when somebody interrupts it.
            if not is_whole:
                self._forget(plan.id, sets)

    def load(self, plan_id: str) -> Plan | None:
        """A plan; None when there is none with this id, or none any more."""
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.hgetall(keys.plan(plan_id))
            steps.pttl(keys.plan(plan_id))
            steps.time()
            found, left, (seconds, _) = steps.execute()
        return _plan_of(found, seconds + max(0, left) / 1000) if found else None

    def members(self, plan_id: str, source: str) -> FrozenSet:
        """The messages of one list that a plan means; they never change.

        The last ones are remembered: a job asks for them in each cycle.
        """
        known = self._known.get((plan_id, source))
        if known is None:
            known = FrozenSet(self._read(keys.plan_set(plan_id, source)))
            kept = list(self._known.items())[1 - _REMEMBERED :]
            self._known = {**dict(kept), (plan_id, source): known}
        return known

    def _write(self, key: str, data: bytes) -> None:
        for start in range(0, len(data), _CHUNK):
            # What is there expires, whenever this process ends.
            with self._client.pipeline(transaction=True) as steps:
                steps.append(key, data[start : start + _CHUNK])
                steps.pexpire(key, _MILLISECONDS)
                steps.execute()

    def _forget(self, plan_id: str, sources: Iterable[str]) -> None:
        # Where Redis is away it expires there.
        with suppress(redis.RedisError):
            names = [keys.plan_set(plan_id, source) for source in sources]
            self._client.delete(keys.plan(plan_id), *names)

    def _read(self, key: str) -> bytes:
        found: list[bytes] = []
        with translated():
            while not found or len(found[-1]) == _CHUNK:
                start = len(found) * _CHUNK
                part: Any = self._client.getrange(key, start, start + _CHUNK - 1)
                found.append(part)
        return b"".join(found)


def _fields_of(plan: Plan) -> dict[Any, Any]:
    return {
        "id": plan.id,
        "etag": plan.etag,
        "verb": plan.verb.value,
        "sources": json.dumps(dict(plan.sources)),
        "skipped": json.dumps(dict(plan.skipped)),
        "sample": json.dumps(plan.sample),
        "where": plan.where,
        "destination": plan.destination,
        "made_at": f"{plan.made_at:.3f}",
    }


def _plan_of(raw: Mapping[bytes, bytes], expires_at: float) -> Plan | None:
    """The plan that a hash tells; None when it tells none that is known here."""
    words = {text(name): text(value) for name, value in raw.items()}
    try:
        return Plan(
            id=words["id"],
            etag=words["etag"],
            verb=Verb(words["verb"]),
            sources={str(name): int(n) for name, n in json.loads(words["sources"]).items()},
            skipped={str(why): int(n) for why, n in json.loads(words["skipped"]).items()},
            sample=tuple(map(str, json.loads(words["sample"]))),
            where=words.get("where", ""),
            destination=words.get("destination", ""),
            made_at=number(raw.get(b"made_at")),
            expires_at=expires_at,
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
