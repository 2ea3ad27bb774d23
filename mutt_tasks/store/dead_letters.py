"""The dead letter list: find one message by its digest, and put it back."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.flow import Flow
from mutt_tasks.core.identity import DIGITS, PREFIX
from mutt_tasks.core.routes import Route
from mutt_tasks.store import journal, keys
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import REQUEUED
from mutt_tasks.store.fields import paired, text
from mutt_tasks.store.imports import grown
from mutt_tasks.store.listing import MOST, Listing
from mutt_tasks.store.requests import REMEMBERED_MS, Request
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import FIELDS

DIGEST_LENGTH = 40


@dataclass(frozen=True)
class Dead:
    """A message of the dead letter list, its digest, and how many messages there are older."""

    raw: bytes
    digest: str
    older: int


@dataclass(frozen=True)
class Search:
    """What a search found; `seen` messages were read, and `is_whole` says that these were all."""

    found: Dead | None
    is_ambiguous: bool
    seen: int
    is_whole: bool


class DeadLetters:
    """Search the dead letter list, and take from it."""

    def __init__(self, client: redis.Redis, scripts: Scripts, audit: Audit) -> None:
        self._client = client
        self._scripts = scripts
        self._audit = audit

    def find(
        self, name: str, digest: str, is_late: Callable[[], bool], page_length: int = MOST
    ) -> Search:
        """Look for the message whose SHA-1 starts with `digest`, oldest first, page by page.

        A whole digest ends the search at once; a part of one is looked for to the end, for it may
        fit two. One read returns at most `page_length` messages. The search stops where it is when
        `is_late` says so.
        """
        listing = Listing(self._client, self._scripts, [name])
        found: Dead | None = None
        seen, is_ambiguous, is_over = 0, False, False
        while not is_over and not is_late():
            page = listing.read(seen, page_length).messages
            for at, raw in enumerate(page):
                its = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
                if not its.startswith(digest):
                    continue
                is_ambiguous = is_ambiguous or (found is not None and its != found.digest)
                found = found or Dead(raw, its, seen + at)
            seen += len(page)
            is_over = not page or (found is not None and len(digest) == DIGEST_LENGTH)
        return Search(found, is_ambiguous, seen, is_over)

    def granted(self, request: str) -> tuple[str, str] | None:
        """The route and the digest of a request that was granted before."""
        with translated():
            record: Any = self._client.get(keys.request("requeue", request))
        if not record:
            return None
        route, _, digest = text(record).partition(" ")
        return route, digest

    def requeue(self, dead: Dead, route: Route, payload: bytes, request: Request) -> bool:
        """Take a message off the dead letter list; `payload` becomes the oldest of the source.

        Returns False when the list, or what a cycle knows of the source, changed since the look.
        Raises StoreError.
        """
        state = keys.route_state(route.name)
        with translated():
            found: Any = self._client.hget(state, FIELDS[Flow])
        entry = journal.Requeued(route.name, dead.digest, request.actor, request.reason, request.id)
        names = [
            keys.request("requeue", request.id),
            *(route.dead, route.source, state, keys.STATS, keys.JOURNAL),
            *(keys.AUDIT, keys.AUDIT_HEAD),
        ]
        arguments = [
            *(REMEMBERED_MS, dead.older, dead.digest, payload),
            f"{route.name} {dead.digest}",
            *(REQUEUED.of(route.name), journal.LENGTH),
            *(found or b"", grown(found, 1)),
            *paired(journal.fields_of(entry)),
        ]
        answer = self._audit.written(
            request.entry(
                "requeue", f"{PREFIX}{dead.digest[:DIGITS]}", 1, before="dead", after=route.name
            ),
            lambda audit: self._scripts.call("requeue", names, [*arguments, *paired(audit)]),
        )
        return bool(answer[0] != b"changed")
