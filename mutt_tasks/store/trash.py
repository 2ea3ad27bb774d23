"""What jobs took from the lists, byte for byte, until it is old; and the bytes of edits."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.store import journal, keys
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import EMPTIED
from mutt_tasks.store.fields import listed, paired, text
from mutt_tasks.store.lease import TTL_MS
from mutt_tasks.store.scripts import Scripts

# An edit that no worker has done by then is not done any more, in milliseconds.
_EDIT_MS = 8 * 86_400 * 1000
# What lies in the trash is removed so long after the end of its job, in seconds.
KEPT = 7 * 86_400
# So many messages are removed in one step: a millisecond of Redis.
_PART = 1000


class Trash:
    """The trash. Raises StoreError."""

    def __init__(self, client: redis.Redis, scripts: Scripts, audit: Audit) -> None:
        self._client = client
        self._scripts = scripts
        self._audit = audit

    def depth(self, lists: Sequence[str]) -> int:
        """How many messages there are, of all jobs, that lay in one of these lists."""
        return sum(self.depths({job: tuple(lists) for job in self.kept_until()}).values())

    def kept_until(self) -> dict[str, float]:
        """The jobs with something in the trash, the oldest first, and when that is removed.

        Moments are seconds since 1970.
        """
        with translated():
            found: Any = self._client.zrange(keys.TRASH, 0, -1, withscores=True)
        return {text(job): float(until) for job, until in found}

    def expired(self, now: float) -> list[str]:
        """The jobs whose trash is to be removed, the oldest first."""
        with translated():
            found: Any = self._client.zrangebyscore(keys.TRASH, "-inf", now)
        return [text(job) for job in found]

    def empty(self, token: str, job: str, lists: Sequence[str], count: int, now: float) -> int:
        """Remove a part of what a job threw away; returns how many messages are left.

        The journal and the audit have the `count` of all of them with the last part. Nothing is
        removed before its time. Raises LeaseLost when the lease does not hold `token`.
        """
        audited = AuditEntry(
            verb="empty trash",
            actor="the worker",
            known_by="worker",
            scope=f"the trash of {job}",
            reason=f"{KEPT // 86_400} days old",
            count=count,
            job=job,
        )
        names = [
            *(keys.LEASE, keys.TRASH, keys.STATS, keys.JOURNAL, keys.AUDIT, keys.AUDIT_HEAD),
            *(keys.trash(job, name) for name in lists),
        ]
        arguments = [
            *(token, TTL_MS, job, _PART, f"{now:.0f}", journal.LENGTH),
            *listed(EMPTIED.of(name) for name in lists),
            *paired(journal.fields_of(journal.Emptied(job, str(count)))),
        ]
        answer = self._audit.written(
            audited,
            lambda entry: self._scripts.call("empty_trash", names, [*arguments, *paired(entry)]),
        )
        return int(answer[2]) if answer[0] == b"emptied" else 0

    def key(self, job: str, name: str) -> str:
        """The list of what a job threw away of another one; its oldest message is the first."""
        return keys.trash(job, name)

    def keep_edit(self, job_id: str, payload: bytes) -> None:
        """Keep the bytes that an edit puts in a message's place, before it is submitted."""
        with translated():
            self._client.set(keys.job_edit(job_id), payload, px=_EDIT_MS)

    def edited(self, job_id: str) -> bytes | None:
        """The bytes that an edit puts in a message's place; None when they are gone."""
        with translated():
            found: Any = self._client.get(keys.job_edit(job_id))
        return None if found is None else bytes(found)

    def original(self, job_id: str, source: str) -> bytes | None:
        """What an edit took from a list; None when it lies in the trash no more."""
        with translated():
            found: Any = self._client.lindex(keys.trash(job_id, source), 0)
        return None if found is None else bytes(found)

    def depths(self, trash: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, str], int]:
        """How many messages lie in the trash of each job, by list."""
        names = [(job, source) for job, sources in trash.items() for source in sources]
        with translated(), self._client.pipeline(transaction=True) as steps:
            for job, source in names:
                steps.llen(keys.trash(job, source))
            lengths = steps.execute() if names else []
        return dict(zip(names, map(int, lengths), strict=True))
