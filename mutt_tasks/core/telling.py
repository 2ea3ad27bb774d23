"""What a target was told, and what is under way to it: the state, and how it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mutt_tasks.core.causes import Kind

HOUR = 3600.0
# Between two tries at a target that does not take a message: doubling, in seconds.
FIRST_RETRY, LAST_RETRY = 5.0, 300.0


@dataclass(frozen=True)
class Rules:
    """Times in seconds; at most so many messages an hour for each target."""

    wait: float = 30.0
    again: float = 300.0
    repeat: float = 14_400.0
    most_per_hour: int = 12


@dataclass(frozen=True)
class Told:
    """When a target was told of a cause, and of its end (0: not).

    Unless `is_sure` nobody knows whether it arrived.
    """

    at: float
    end_at: float = 0.0
    is_sure: bool = True


@dataclass(frozen=True)
class Message:
    """What is to be told at once: causes of these `kinds` by their keys, and those that ended.

    With `is_over` nothing of the kind lasts any more: it only ends what was told. A digest tells
    what the hourly limit held back.
    """

    kinds: tuple[Kind, ...]
    causes: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    is_over: bool = False
    is_digest: bool = False


@dataclass(frozen=True)
class Sending:
    """A message that is under way, since when, and under which id."""

    id: str
    at: float
    message: Message


@dataclass(frozen=True)
class Target:
    """What one target was told of, and how it goes.

    `keeps_incidents` says that it keeps what is told as incidents, which have to be ended there.
    `last` is when the last message of a kind went, `recent` when each of the last hour did. After
    `failures` in a row the next try is made at `next_try`. `is_capped` while the hourly limit holds
    something back. The rest are counters, and when it last took a message.
    """

    keeps_incidents: bool = False
    told: Mapping[str, Told] = field(default_factory=dict)
    last: Mapping[Kind, float] = field(default_factory=dict)
    recent: tuple[float, ...] = ()
    failures: int = 0
    next_try: float = 0.0
    is_capped: bool = False
    sending: Sending | None = None
    sent: int = 0
    failed: int = 0
    unsure: int = 0
    last_success: float = 0.0


def begun(target: Target, message: Message, its_id: str, now: float) -> Target:
    """The target while a message is under way to it."""
    return replace(target, sending=Sending(its_id, now, message))


def taken(target: Target, now: float) -> Target:
    """The target after it took what was under way."""
    return replace(
        _told(target, now, is_sure=True), failures=0, sent=target.sent + 1, last_success=now
    )


def refused(target: Target, now: float) -> Target:
    """The target after it did not take what was under way: that is tried again."""
    failures = target.failures + 1
    wait = min(LAST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10))
    return replace(
        target, sending=None, failures=failures, next_try=now + wait, failed=target.failed + 1
    )


def lost(target: Target, now: float, *, knows_keys: bool) -> Target:
    """The target when nobody knows what became of what was under way.

    One that `knows_keys` takes the same message twice for one: it gets it again at once. Any other
    is told again when the time to repeat has come, so that nothing is told twice before.
    """
    target = replace(target, unsure=target.unsure + 1)
    if knows_keys:
        return replace(target, sending=None)
    return _told(target, now, is_sure=False)


def recent(target: Target, now: float) -> tuple[float, ...]:
    """When each message of the last hour up to `now` went."""
    return tuple(at for at in target.recent if 0 <= now - at < HOUR)


def _told(target: Target, now: float, *, is_sure: bool) -> Target:
    """The target after it was told of what was under way, or may have been."""
    sending = target.sending
    if sending is None:
        return target
    message = sending.message
    told = dict(target.told)
    told |= {key: Told(now, is_sure=is_sure) for key in message.causes}
    told |= {
        key: replace(told.get(key, Told(now)), end_at=now, is_sure=is_sure) for key in message.ends
    }
    is_counted = not (message.is_over and target.keeps_incidents)
    return replace(
        target,
        sending=None,
        told=told,
        last={**target.last, **dict.fromkeys(message.kinds, now)},
        recent=(*target.recent, now) if is_counted else target.recent,
        is_capped=target.is_capped and not message.is_digest,
    )
