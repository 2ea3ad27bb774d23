"""The audit as people read it: who changed what and why, and whether nothing in it was changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mutt_tasks.core.filters import span_of
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.redaction import redacted
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations.arguments import stream_id
from mutt_tasks.operations.attempts import REFUSED
from mutt_tasks.operations.looking import Looker
from mutt_tasks.store.audit import Page


@dataclass(frozen=True)
class Wanted:
    """Which entries: at most `most`, older than the entry `before` (empty: the newest).

    Those of an `actor`, of a `job`, of a `verb` (also its order and its end), written `since` (a
    span such as `2h`, or ISO 8601), or only refused attempts; what is empty does not count.
    """

    actor: str = ""
    job: str = ""
    verb: str = ""
    since: str = ""
    only_refused: bool = False
    before: str = ""
    most: int = 20

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether an entry is one of them."""
        return (
            self.actor in ("", fields.get("actor"))
            and self.job in ("", fields.get("job"))
            and self._is_verb(fields.get("verb", ""))
            and (not self.only_refused or fields.get("outcome", "").startswith(REFUSED))
        )

    def _is_verb(self, verb: str) -> bool:
        return not self.verb or self.verb in (verb, *verb.split())


def page(looker: Looker, wanted: Wanted) -> Page:
    """One page of the audit, the newest first. Raises InvalidArgument and StoreError."""
    audit, since = looker.store.audit, _since(looker, wanted.since)
    before = stream_id("before", wanted.before) if wanted.before else ""
    found: list[tuple[str, dict[str, str]]] = []
    while True:
        read = audit.page(before, since=since)
        for entry_id, fields in read.entries:
            if wanted.matches(fields):
                found.append((entry_id, fields))
            if len(found) == wanted.most:
                is_last = entry_id == read.entries[-1][0] and not read.before
                return Page(found, "" if is_last else entry_id)
        before = read.before
        if not before:
            return Page(found, "")


def shown(looker: Looker, entry_id: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """An entry by the JSON names that every face keeps; `sentence` says it in words."""
    found: dict[str, Any] = redacted(dict(fields), looker.hints)
    count = found.get("count", "")
    return {
        "id": entry_id,
        **found,
        "count": int(count) if count.isascii() and count.isdigit() else 0,
        "sentence": _sentence(found),
    }


def verified(looker: Looker, anchor: str = "") -> dict[str, Any]:
    """Whether the chain is whole, and else what is wrong and from where on.

    `anchor` is a hash that the log has: an entry must have it. Raises StoreError.
    """
    verdict = looker.store.audit.verify(looker.progress, anchor)
    head = looker.store.audit.head()
    return {
        "whole": not verdict.wrong,
        "entries": verdict.entries,
        "wrong": verdict.wrong,
        "from": verdict.from_id,
        "from_first": verdict.is_from_first,
        "head": {"entries": head.written, "id": head.newest, "hash": head.hash},
    }


def _since(looker: Looker, text: str) -> str:
    """The oldest id that an entry written `since` then can have; empty for all."""
    if not text:
        return ""
    moment = moment_of(text)
    if moment is None:
        try:
            moment = looker.store.now() - span_of(text)
        except ValueError:
            accepted = "accepts a span as 2h or 7d, or a moment as 2026-11-27T03:00Z"
            raise InvalidArgument(f"since: got {text!r:.60}, {accepted}") from None
    return f"{max(0.0, moment) * 1000:.0f}-0"


def _sentence(fields: Mapping[str, str]) -> str:
    """What was done to what, what became of it, and why."""
    count, before, after = (fields.get(name, "") for name in ("count", "before", "after"))
    change = f"{before} → {after}" if before and after else before or after
    parts = [
        fields.get("scope", ""),
        "" if count in ("", "0") else f"{count} messages" if count != "1" else "1 message",
        change if change != fields.get("scope") else "",
        fields.get("outcome", ""),
        fields.get("reason", ""),
    ]
    return "; ".join(part for part in parts if part)
