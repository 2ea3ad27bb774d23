"""Plans, jobs, pauses, notes and acknowledgements."""

from typing import Annotated, Literal

from pydantic import Field

from mutt_tasks.console.models.base import (
    LINE,
    MOMENT,
    SUBJECT,
    Asked,
    MessageId,
    Moment,
    Reason,
    RouteName,
    Shown,
    Whole,
)

PlannedVerb = Literal["replay", "requeue", "discard", "redirect"]


class PlanRequest(Asked):
    """Which messages, and what for: `ids`, or a filter in `where`, or `all`; of which `routes`."""

    verb: PlannedVerb
    ids: list[MessageId] = Field(default=[], max_length=1000)
    where: str = Field(default="", max_length=1000, examples=["host:rtr-7* age>2h"])
    all: bool = False
    routes: list[RouteName] = Field(default=[], max_length=10)
    destination: str = Field(default="", max_length=512, description="of a redirect")


class Plan(Shown):
    """A frozen selection: exactly these messages, and what of them is left out and why."""

    id: str = Field(examples=["p-3f2a9c01d4e7"])
    etag: str = Field(examples=["c0ffee0123456789c0ffee0123456789"])
    verb: str = Field(examples=["discard"])
    count: int = Field(examples=[1204])
    skipped: dict[str, int] = Field(examples=[{"malformed": 2}])
    sample: list[str] = Field(examples=[["m-3f2a9c01d4e7"]])
    expires_at: Moment
    routes: dict[str, int] = Field(examples=[{"dead": 1204}])
    where: str = Field(examples=["reason:poison"])
    destination: str = Field(examples=[""])
    expected_seconds: float = Field(examples=[29.4])
    finish_at: Moment


class JobRequest(Asked):
    """Have the worker do what a plan says; `stop_after` so many messages, at most `rate` a second.

    While an operator's pause is in force a replay or requeue is refused (423), unless it is to wait
    for the end of the pause (`queue_while_paused`).
    """

    plan: str = Field(pattern=r"^p-[0-9a-f]{12}$", examples=["p-3f2a9c01d4e7"])
    reason: Reason
    stop_after: Whole | None = Field(default=None, ge=1, le=1_000_000_000, examples=[10])
    rate: float | None = Field(default=None, ge=0.01, le=1_000_000, examples=[5])
    queue_while_paused: bool = False


class UndoRequest(Asked):
    """Why something is taken back."""

    reason: Reason


class Counts(Shown):
    """What became of the messages of a job."""

    planned: int = Field(examples=[1204])
    done: int = Field(examples=[1000])
    stuck: int = Field(examples=[960], description="of what was sent, what did not come back")
    under_way: int = Field(examples=[37], description="of what was sent, what still may")
    gone: int = Field(examples=[2])
    skipped: int = Field(examples=[0])
    came_back: int = Field(examples=[3])
    left: int = Field(examples=[202])


class Job(Shown):
    """An operator's job as it stands; `held_by` is why it does not go on, in one word."""

    id: str = Field(examples=["j-3f2a9c01d4e7"])
    verb: str = Field(examples=["discard"])
    state: Literal["queued", "running", "done", "cancelled", "failed"]
    actor: str = Field(examples=["ann"])
    reason: str = Field(examples=["old, ticket 812"])
    counts: Counts
    held_by: str = Field(examples=[""])
    held_because: str = Field(examples=[""], description="the same in words")
    behind: str = Field(examples=[""], description="the job that goes first")
    eta_seconds: float | None = Field(examples=[20.2])
    took_seconds: float | None = Field(examples=[100.4])
    why: str = Field(examples=[""])
    plan: str = Field(examples=["p-3f2a9c01d4e7"])
    routes: dict[str, int] = Field(examples=[{"dead": 1204}])
    destination: str = Field(examples=[""])
    undoes: str = Field(examples=[""])
    stop_after: int | None = Field(examples=[None])
    rate: float | None = Field(examples=[None])
    created_at: Moment
    started_at: str | None = Field(examples=["2026-11-27T03:14:16.120Z"])
    ended_at: str | None = Field(examples=[None])


class Jobs(Shown):
    """Jobs of the last 30 days, the newest first."""

    jobs: list[Job]


class PauseRequest(Asked):
    """For how many seconds every replay is held, at most seven days, and why."""

    seconds: float = Field(ge=1, le=604_800, examples=[3600])
    reason: Reason


class PauseState(Shown):
    """The pause that is in force; null when there is none."""

    paused: dict[str, str | float] | None = Field(
        examples=[{"actor": "ann", "reason": "change 4711", "seconds_left": 3600.0}]
    )


class Resumed(Shown):
    """`resumed`, or `not_paused` when there was no pause; replays go on with the next cycle."""

    outcome: Literal["resumed", "not_paused"]
    actor: str = Field(examples=["ann"])


class NoteRequest(Asked):
    """A text about a message or a group, without credentials."""

    subject: str = Field(pattern=SUBJECT, examples=["s1-9f3a12cd4e5f"])
    text: str = Field(min_length=1, max_length=1000, pattern=LINE, examples=["ticket NET-812"])


class Noted(Shown):
    """What was written down."""

    outcome: Literal["noted"]
    id: str = Field(examples=["s1-9f3a12cd4e5f"])
    at: Moment
    actor: str = Field(examples=["ann"])
    text: str = Field(examples=["ticket NET-812"])


class AckRequest(Asked):
    """Until when somebody takes care of it, in seconds from now or as a moment, and why."""

    until: (
        Annotated[float, Field(ge=1, le=7_776_000)] | Annotated[str, Field(pattern=rf"^{MOMENT}$")]
    ) = Field(examples=[14400])
    reason: Reason


class Ack(Shown):
    """An acknowledgement in force."""

    id: str = Field(examples=["s1-9f3a12cd4e5f"])
    since: Moment
    until: Moment
    actor: str = Field(examples=["ann"])
    reason: str = Field(examples=["ticket NET-812"])


class Acks(Shown):
    """Acknowledgements in force, those that end first."""

    acknowledged: list[Ack]


class AckEnded(Shown):
    """`ended`, or `not_acknowledged` when there was nothing to end."""

    outcome: Literal["ended", "not_acknowledged"]
    id: str = Field(examples=["s1-9f3a12cd4e5f"])
    actor: str = Field(examples=["ann"])
