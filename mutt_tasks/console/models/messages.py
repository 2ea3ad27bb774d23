"""Messages and groups of them."""

from typing import Any

from pydantic import Field

from mutt_tasks.console.models.base import MessageId, Moment, Shown

History = list[dict[str, Any]]


class Note(Shown):
    """What somebody wrote down, on a message or its group."""

    at: Moment
    actor: str = Field(examples=["ann"])
    text: str = Field(examples=["core router in Graz, ticket NET-812"])
    on: str = Field(examples=["s1-9f3a12cd4e5f"])


class Acknowledged(Shown):
    """Who takes care of it, until when, and why it may be quiet."""

    since: Moment
    until: Moment
    actor: str = Field(examples=["ann"])
    reason: str = Field(examples=["ticket NET-812"])
    on: str = Field(examples=["s1-9f3a12cd4e5f"])


class Message(Shown):
    """A message; credentials are hidden.

    `bodies` says whether `fields` and `text` are shown: not to whom that is not granted.
    """

    id: MessageId
    route: str = Field(examples=["alerter"])
    age_seconds: float | None = Field(examples=[10800.0])
    replays: int = Field(examples=[0])
    reason: str = Field(examples=["failed"])
    lane: str = Field(examples=["failed"])
    group: str = Field(examples=["s1-9f3a12cd4e5f"])
    correlation_id: str = Field(examples=["5b1f0c2e"])
    older: int = Field(examples=[17], description="messages of the list that are older")
    bytes: int = Field(examples=[412])
    text: str = Field(examples=["Interface Gi0/1, changed state to down"])
    fields: dict[str, Any] = Field(examples=[{"hostname": "rtr-7", "api_key": "***"}])
    bodies: bool = Field(examples=[True])
    notes: list[Note]
    acknowledged: Acknowledged | None


class Next(Shown):
    """What happens to a message next, and when (null: that is not known)."""

    action: str = Field(examples=["replay"])
    reason: str = Field(examples=[""])
    at: str | None = Field(examples=["2026-11-27T03:14:15.926Z"])
    sentence: str = Field(examples=["goes to mutt:ingest_queue in about 12 s; 17 before it"])


class WholeMessage(Message):
    """A message with its header, why it is here, what comes next, and its history.

    `raw` are its bytes where they were asked for, without credentials.
    """

    list: str = Field(examples=["mutt:dlq:alerter"])
    digest: str = Field(examples=["3f2a9c01d4e7b8a6f5e4d3c2b1a0918273645546"])
    happened_at: str | None = Field(examples=["2026-11-27T00:14:15.000Z"])
    header: Any = Field(examples=[{"replays": 1, "route": "alerter"}])
    why: str = Field(examples=["the pipeline's own tries are used up"])
    next: Next
    history: History = Field(examples=[[]])


class MessagePage(Shown):
    """Messages; `cursor` asks for the next page, and is null at the end.

    `seen` messages were looked at for it, of the `length` that the lists hold. A page of a filter
    may have fewer messages than asked for, or none, and still not be the last.
    """

    messages: list[Message]
    cursor: str | None = Field(examples=["alerter.o50.3f2a9c01d4e7.9b1c2d3e4f50"])
    seen: int = Field(examples=[50])
    length: int = Field(examples=[21028])


class Group(Shown):
    """Messages that look alike; a count that is not exact is an estimate from a sample."""

    id: str = Field(examples=["s1-9f3a12cd4e5f"])
    count: int = Field(examples=[18220])
    is_exact: bool = Field(examples=[False])
    lane: str = Field(examples=["failed"])
    reason: str = Field(examples=["failed"])
    program: str = Field(examples=["%LINK-3-UPDOWN"])
    template: str = Field(examples=["Interface <if>, changed state to down"])
    replays: int = Field(examples=[912])
    oldest_age_seconds: float | None = Field(examples=[10800.0])
    newest_age_seconds: float | None = Field(examples=[3.2])
    routes: dict[str, int] = Field(examples=[{"alerter": 18220}])
    example: MessageId
    notes: list[Note]
    acknowledged: Acknowledged | None


class GroupPage(Shown):
    """Groups, the largest first; there are `all_groups` of them."""

    groups: list[Group]
    all_groups: int = Field(examples=[2])
    is_exact: bool = Field(examples=[False])
    seen: int = Field(examples=[2000])
    length: int = Field(examples=[21028])
