"""Operators' jobs as they stand."""

from collections.abc import Sequence
from typing import Any

import redis

from mutt_tasks.core.jobs import Job
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import CAME_BACK
from mutt_tasks.store.fields import text, whole_number
from mutt_tasks.store.job_fields import GATHERED, OVER, job_of
from mutt_tasks.store.scripts import Scripts


def at_work(sources: Sequence[str]) -> list[str]:
    """The keys of which one is there while jobs are at work in one of the lists, or are to be."""
    kinds = (keys.aside, keys.front, keys.forward)
    return [keys.ACTIVE_JOBS, *(key(source) for source in sources for key in kinds)]


class Jobs:
    """The jobs."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client, self._scripts = client, scripts

    def get(self, job_id: str) -> Job | None:
        """A job as it stands; None when there is none with this id."""
        return self._read([job_id])[0]

    def listed(self, most: int, before: str = "") -> list[Job] | None:
        """The `most` jobs that were submitted last, the newest first.

        Only those that were submitted before the job `before`; None when that is not known.
        """
        with translated():
            rank: Any = self._client.zrevrank(keys.JOBS, before) if before else -1
            if rank is None:
                return None
            found: Any = self._client.zrevrange(keys.JOBS, rank + 1, rank + most)
        return [job for job in self._read([text(job_id) for job_id in found]) if job]

    def active(self) -> list[Job]:
        """The jobs that have not ended, the oldest first."""
        return [job for job in self._read(self.active_ids()) if job]

    def active_ids(self) -> list[str]:
        """Their ids."""
        with translated():
            found: Any = self._client.zrange(keys.ACTIVE_JOBS, 0, -1)
        return [text(job_id) for job_id in found]

    def is_work_left(self, sources: Sequence[str]) -> bool:
        """Whether a job has not ended, or something lies beside one of the lists, or is to."""
        with translated():
            return bool(self._client.exists(*at_work(sources)))

    def busy(self, sources: Sequence[str]) -> frozenset[str]:
        """The lists beside which something lies: somebody is at work in them, or was."""
        kinds = (keys.aside, keys.front)
        found = self._scripts.read(*(("EXISTS", key(each)) for each in sources for key in kinds))
        pairs = zip(sources, found[::2], found[1::2], strict=True)
        return frozenset(source for source, *are_there in pairs if any(are_there))

    def note_gathered(self, job_id: str, source: str) -> None:
        """Note that what a job means of a list lies at the list's old end."""
        with translated():
            self._client.hset(keys.job(job_id), GATHERED + source, 1)

    def is_cancelled(self, job_id: str) -> bool:
        """Whether a job is to end where it is."""
        with translated():
            return bool(self._client.hget(keys.job(job_id), "cancel") == b"1")

    def note_over(self, job_id: str, part: str, refused: int) -> None:
        """Note that a part of a job found nothing more to send, and `refused` some messages."""
        with translated():
            self._client.hset(keys.job(job_id), OVER + part, refused)

    def done_bits(self, job_id: str, source: str) -> bytes:
        """The bitmap of what a job has done of its frozen set for one list."""
        with translated():
            found: Any = self._client.get(keys.job_done(job_id, source))
        return found or b""

    def _read(self, ids: list[str]) -> list[Job | None]:
        if not ids:
            return []
        with translated(), self._client.pipeline(transaction=True) as steps:
            for job_id in ids:
                steps.hgetall(keys.job(job_id))
            hashes = steps.execute()
        with translated():
            back: Any = self._client.hmget(keys.STATS, [CAME_BACK.of(job_id) for job_id in ids])
        return [
            job_of(found, whole_number(came_back) or 0) if found else None
            for found, came_back in zip(hashes, back, strict=True)
        ]
