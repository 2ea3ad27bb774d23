"""Journal and audit."""

from pydantic import Field

from mutt_tasks.console.models.base import Moment, Shown


class JournalEntry(Shown):
    """What a cycle or an operator did; each `event` has fields of its own beside these."""

    id: str = Field(examples=["1764213255926-0"])
    at: Moment
    event: str = Field(examples=["moved"])
    sentence: str = Field(examples=["41 replayed"])


class JournalPage(Shown):
    """Entries, the newest first; `before` asks for older ones, and is empty at the end."""

    entries: list[JournalEntry]
    before: str = Field(examples=["1764213255926-0"])


class AuditEntry(Shown):
    """Who changed what and why, with the hash of the entry before it."""

    id: str = Field(examples=["1764213255926-0"])
    at: Moment
    actor: str = Field(examples=["ann"])
    known_by: str = Field(examples=["console key"])
    role: str = Field(examples=["operator"])
    verb: str = Field(examples=["submit discard"])
    scope: str = Field(examples=["dead 1204"])
    reason: str = Field(examples=["old, ticket 812"])
    count: int = Field(examples=[1204])
    outcome: str = Field(examples=["submitted"])
    sentence: str = Field(examples=["dead 1204; 1204 messages; submitted; old, ticket 812"])


class AuditPage(Shown):
    """Entries, the newest first; `before` asks for older ones, and is empty at the end."""

    entries: list[AuditEntry]
    before: str = Field(examples=["1764213255926-0"])


class Head(Shown):
    """The end of the chain."""

    entries: int = Field(examples=[812])
    id: str = Field(examples=["1764213255926-0"])
    hash: str = Field(examples=["8d38fb70291be0d4af4124dfc45fc3e3a9cc96642a584ab783f82eeb5beb0d5d"])


class Verdict(Shown):
    """Whether nothing in the audit was changed, removed or inserted."""

    whole: bool = Field(examples=[True])
    entries: int = Field(examples=[812])
    wrong: str = Field(examples=[""])
    head: Head
