"""Push messages of an export to the new end of a list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import redis

from mutt_tasks.core.flow import Flow
from mutt_tasks.store import journal, keys
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import IMPORTED
from mutt_tasks.store.fields import listed, paired
from mutt_tasks.store.requests import REMEMBERED_MS, Request
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import FIELDS, decoded, encoded


class Imports:
    """Import messages. Raises StoreError."""

    def __init__(self, client: redis.Redis, scripts: Scripts, audit: Audit) -> None:
        self._client = client
        self._scripts = scripts
        self._audit = audit

    def push(self, name: str, key: str, raws: Sequence[bytes], request: Request) -> bool:
        """Push some messages to the list `key` that people call `name`, the first of them first.

        Returns False when a cycle noted something else of the list meanwhile: then again.
        """
        state = keys.route_state(name)
        with translated():
            found: Any = self._client.hget(state, FIELDS[Flow])
        names = [
            *(keys.request("import", request.id), key, state, keys.STATS, keys.JOURNAL),
            *(keys.AUDIT, keys.AUDIT_HEAD),
        ]
        entry = journal.Imported(name, request.actor, request.reason, str(len(raws)))
        rest = [
            *(REMEMBERED_MS, found or b"", grown(found, len(raws)), IMPORTED.of(name)),
            *(journal.LENGTH, *listed(raws), *paired(journal.fields_of(entry))),
        ]
        answer = self._audit.written(
            request.entry("import", name, len(raws), after=name),
            lambda audit: self._scripts.call("import", names, [*rest, *paired(audit)]),
        )
        return bool(answer[0] != b"changed")


def grown(text: bytes | None, count: int) -> bytes | str:
    """A route's flow that expects so many messages more in the source."""
    flow = decoded(Flow, text)
    if not text or flow.depth is None:
        return text or b""
    return encoded(replace(flow, depth=flow.depth + count))[FIELDS[Flow]]
