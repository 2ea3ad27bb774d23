"""What jobs took from the lists, byte for byte, until it is old; and the bytes of edits."""

from collections.abc import Iterable, Mapping
from typing import Any

import redis

from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated

# An edit that no worker has done by then is not done any more, in milliseconds.
_EDIT_MS = 8 * 86_400 * 1000


class Trash:
    """The trash. Raises StoreError."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def keep_edit(self, job_id: str, payload: bytes) -> None:
        """Keep the bytes that an edit puts in a message's place, before it is submitted."""
        with translated():
            self._client.set(keys.job_edit(job_id), payload, px=_EDIT_MS)

    def edited(self, job_id: str) -> bytes | None:
        """The bytes that an edit puts in a message's place; None when they are gone."""
        with translated():
            found: Any = self._client.get(keys.job_edit(job_id))
        return None if found is None else bytes(found)

    def drop_original(self, job_id: str, source: str, originals: Iterable[bytes]) -> None:
        """Take out of the trash of an edit what was put back."""
        with translated():
            for original in originals:
                self._client.lrem(keys.trash(job_id, source), 1, original)  # type: ignore[arg-type]

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
