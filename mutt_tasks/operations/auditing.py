"""The audit as people read it: who changed what and why, and whether nothing in it was changed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mutt_tasks.core.filters import span_of
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.redaction import redacted
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations.arguments import stream_id
from mutt_tasks.operations.attempts import REFUSED
from mutt_tasks.operations.looking import Looker
from mutt_tasks.store.audit import Page

# Of what was done there is no need to say so.
_PLAIN = ("done", "submitted")


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
    found: list[tuple[str, dict[str, str]]] = []
    for entry_id, fields, is_last in _entries(looker, wanted):
        if wanted.matches(fields):
            found.append((entry_id, fields))
        if len(found) == wanted.most:
            return Page(found, "" if is_last else entry_id)
    return Page(found, "")


def folded(looker: Looker, wanted: Wanted) -> tuple[list[dict[str, Any]], str]:
    """One page of lines, in which the steps of a job are one; and the cursor of the next page.

    Such a line is shown as its newest step is, with the `count` of all of them, how many `steps`
    they are, and `since` when. Raises InvalidArgument and StoreError.
    """
    lines: list[Line] = []
    by_job: dict[tuple[str, ...], Line] = {}
    last = ""
    for entry_id, fields, _ in _entries(looker, wanted):
        if not wanted.matches(fields):
            continue
        whole = _whole_of(fields)
        line = by_job.get(whole)
        # Imports have no id: only those that follow each other are taken for one.
        if line is None or not (fields.get("job") or line is lines[-1]):
            if len(lines) == wanted.most:
                return [each.shown(looker) for each in lines], last
            line = Line(entry_id, fields)
            lines.append(line)
            if whole:
                by_job[whole] = line
        line.add(fields)
        last = entry_id
    return [each.shown(looker) for each in lines], ""


@dataclass
class Line:
    """An entry, or all steps of a job that were found so far: the newest, and what all did."""

    entry_id: str
    newest: Mapping[str, str]
    steps: int = 0
    since: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, fields: Mapping[str, str]) -> None:
        """One more step, older than all before it."""
        self.steps += 1
        self.since = fields.get("at", "")
        self.counts[fields.get("scope", "")] += _whole(fields.get("count", ""))

    def shown(self, looker: Looker) -> dict[str, Any]:
        """The line by the JSON names of its newest step."""
        if self.steps == 1:
            return shown(looker, self.entry_id, self.newest) | {"steps": 1, "since": self.since}
        count = sum(self.counts.values())
        scope = ", ".join(f"{scope} {number:,}" for scope, number in self.counts.items())
        whole = {**self.newest, "scope": scope, "before": "", "count": str(count)}
        told = {"steps": self.steps, "since": self.since}
        return shown(looker, self.entry_id, whole, told) | told


def _whole_of(fields: Mapping[str, str]) -> tuple[str, ...]:
    """What an entry is one step of: a job, or an import; empty for an entry of its own."""
    is_of_job = bool(fields.get("job") and fields.get("cycle"))
    is_of_import = fields.get("verb") == "import" and fields.get("outcome") == "done"
    names = ("job", "verb", "actor", "reason", "outcome", "after")
    return tuple(fields.get(name, "") for name in names) if is_of_job or is_of_import else ()


def _entries(looker: Looker, wanted: Wanted) -> Iterator[tuple[str, dict[str, str], bool]]:
    """All entries of the time that is wanted, the newest first; and whether each is the last."""
    audit, since = looker.store.audit, _since(looker, wanted.since)
    before = stream_id("before", wanted.before) if wanted.before else ""
    while True:
        read = audit.page(before, since=since)
        for entry_id, fields in read.entries:
            yield entry_id, fields, entry_id == read.entries[-1][0] and not read.before
        before = read.before
        if not before:
            return


def shown(
    looker: Looker, entry_id: str, fields: Mapping[str, str], steps: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An entry by the JSON names that every face keeps; `sentence` says it in words.

    In them it stands for so many `steps`, if it does.
    """
    found: dict[str, Any] = redacted(dict(fields), looker.hints)
    return {
        "id": entry_id,
        **found,
        "count": _whole(found.get("count", "")),
        "sentence": _sentence(found, steps),
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


def _messages(count: str) -> str:
    return "1 message" if count == "1" else f"{_whole(count):,} messages"


def _whole(count: str) -> int:
    return int(count) if count.isascii() and count.isdigit() else 0


def _sentence(fields: Mapping[str, str], steps: Mapping[str, Any] | None) -> str:
    """What was done to what and why, and what became of it if that is not plain.

    A table cuts it: what tells most comes first.
    """
    scope, outcome = fields.get("scope", ""), fields.get("outcome", "")
    count, before, after = (fields.get(name, "") for name in ("count", "before", "after"))
    change = f"{before} → {after}" if before and after else before or after
    is_told = count in ("", "0") or scope.replace(",", "").endswith(f" {count}")
    parts = [
        outcome if outcome.startswith(REFUSED) else "",
        scope,
        "" if is_told else _messages(count),
        fields.get("reason", ""),
        f"in {steps['steps']:,} steps since {steps['since'][11:19]}" if steps else "",
        change if change != scope else "",
        "" if outcome in _PLAIN or outcome.startswith(REFUSED) else outcome,
    ]
    return "; ".join(part for part in parts if part)
