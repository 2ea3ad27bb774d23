"""How things stand, and who asks."""

from pydantic import Field

from mutt_tasks.console.models.base import Asked, Moment, Shown


class RouteStanding(Shown):
    """One route: what waits, where it goes, what holds it, and how fast it moves."""

    depth: int = Field(examples=[21028], description="messages that wait to be replayed")
    target_depth: int = Field(examples=[812], description="messages in the queue they go to")
    oldest_age_seconds: float | None = Field(examples=[10800.0])
    held_by: str = Field(examples=["room"], description="what held or bounded the last cycle")
    is_held: bool = Field(examples=[False])
    rate: float = Field(examples=[41.0], description="messages a second")
    eta_seconds: float | None = Field(examples=[512.9], description="until it is empty")


class MoogsoftStanding(Shown):
    """What the last question to Moogsoft found; null before the first."""

    healthy: bool | None = Field(examples=[True])
    reason: str = Field(examples=["200 in 38 ms"])


class Pause(Shown):
    """An operator's pause that is in force."""

    actor: str = Field(examples=["ann"])
    reason: str = Field(examples=["change 4711"])
    since: str = Field(examples=["2026-11-27T03:14:15.926Z"])
    seconds_left: float = Field(examples=[1740.5])


class Books(Shown):
    """What became of messages since counting began."""

    replayed: int = Field(examples=[790112])
    bounced: int = Field(examples=[1204])
    quarantined: dict[str, int] = Field(examples=[{"poison": 1204}])
    requeued: int = Field(examples=[12])
    sheltered: int = Field(examples=[3848])
    discarded: int = Field(examples=[0])
    redirected: int = Field(examples=[0])
    undone: int = Field(examples=[0])
    waiting: int = Field(examples=[21028])


class Status(Shown):
    """What is going on, in one sentence and in numbers."""

    sentence: str = Field(examples=["replaying alerter 41/s, empty in about 9 min"])
    routes: dict[str, RouteStanding] = Field(
        examples=[{"alerter": {"depth": 21028, "target_depth": 812, "held_by": "room"}}]
    )
    dead_depth: int = Field(examples=[1204])
    trash_depth: int = Field(examples=[0])
    moogsoft: MoogsoftStanding
    paused: Pause | None
    books: Books
    at: Moment
    is_draining: bool = Field(examples=[True])


class Level(Shown):
    """An objective, and whether it is kept; null where there are no data."""

    name: str = Field(examples=["recovered"])
    title: str = Field(examples=["dead letters are back within 15 min"])
    objective: float = Field(examples=[0.99])
    window: str = Field(examples=["30d"])
    actual: float | None = Field(examples=[0.9993])
    error_budget_left: float | None = Field(examples=[0.93])
    burn_rate: float | None = Field(examples=[0.07])
    state: str = Field(examples=["ok"], description="`no_data`, `ok`, `warning` or `critical`")
    why: str = Field(examples=[""])


class Levels(Shown):
    """The service levels; `state` is the worst of them."""

    source: str = Field(examples=["redis"], description="`prometheus` or `redis`")
    state: str = Field(examples=["ok"])
    objectives: list[Level]


class Who(Shown):
    """Who asks, and what that one may do; of the rest, why not."""

    name: str = Field(examples=["ann"])
    role: str = Field(examples=["operator"])
    known_by: str = Field(examples=["console key"])
    may: list[str] = Field(examples=[["discard", "replay", "view"]])
    may_not: dict[str, str] = Field(
        examples=[{"redirect": "the role operator may not redirect; admin may"}]
    )


class Login(Asked):
    """A key, once."""

    key: str = Field(max_length=200, examples=["mutt-…"])


class DeadLetterQueue(Shown):
    """A dead letter queue, by its route's name and by its key in Redis."""

    name: str = Field(examples=["alerter"])
    list: str = Field(examples=["mutt:dlq:alerter"])
    depth: int = Field(examples=[21028])
    target: str | None = Field(examples=["mutt:ingest_queue"])


class DeadLetterQueues(Shown):
    """All of them, the terminal one last."""

    queues: list[DeadLetterQueue]
