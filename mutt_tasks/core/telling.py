"""What a target is told, and when: state in, decisions out.

As Alertmanager does it. The first message of a kind waits for others of its kind; the next goes no
sooner than `again` seconds later; what lasts is told again after `repeat`. Nobody is told of one
cause twice within that time, whatever happens. At most so many messages go in an hour: what is due
then is told in one, a digest, as soon as there is room.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from mutt_tasks.core.causes import EVENTS, Cause, Kind

HOUR = 3600.0
# Between two tries at a target that does not take a message: doubling, in seconds.
FIRST_RETRY, LAST_RETRY = 5.0, 300.0

Causes = Mapping[str, Cause]


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


@dataclass(frozen=True)
class _Due:
    """What is due of one kind, and when."""

    at: float
    message: Message


def decide(target: Target, causes: Causes, now: float, rules: Rules) -> Message | None:
    """The message that goes to a target now, if there is one."""
    if target.sending is not None or now < target.next_try:
        return None
    due = [each for each in _due(target, causes, now, rules) if each.at <= now]
    if not due:
        return None
    if len(_recent(target, now)) >= rules.most_per_hour:
        # To end an incident disturbs nobody.
        over = [each.message for each in due if each.message.is_over and target.keeps_incidents]
        return over[0] if over else None
    if target.is_capped and len(due) > 1:
        return _digest([each.message for each in due])
    return replace(min(due, key=lambda each: each.at).message, is_digest=target.is_capped)


def noted(target: Target, causes: Causes, now: float, rules: Rules) -> Target:
    """The target, with what became of time: whether it is capped, and without what is forgotten."""
    recent = _recent(target, now)
    is_full = len(recent) >= rules.most_per_hour
    is_held = is_full and any(each.at <= now for each in _due(target, causes, now, rules))
    told = {
        key: each
        for key, each in target.told.items()
        if key in causes or now < max(each.at, each.end_at) + rules.repeat
    }
    return replace(target, recent=recent, told=told, is_capped=target.is_capped or is_held)


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


def waiting(target: Target, causes: Causes, now: float, rules: Rules) -> tuple[int, float]:
    """How many causes a target has still to be told of, and for how long the first is overdue.

    What the hourly limit holds back is not overdue.
    """
    due = list(_due(target, causes, now, rules))
    count = sum(len(each.message.causes) + len(each.message.ends) for each in due)
    if len(_recent(target, now)) >= rules.most_per_hour:
        return count, 0.0
    return count, max([0.0, *(now - each.at for each in due)])


def _due(target: Target, causes: Causes, now: float, rules: Rules) -> Iterator[_Due]:
    """Of each kind what there is to tell, and from when on."""
    for kind in Kind:
        new: dict[str, float] = {}
        over: dict[str, float] = {}
        for cause in causes.values():
            if cause.kind is kind:
                at = _due_at(target, cause, now, rules)
                if at is not None:
                    new[cause.key] = at
                end_at = _end_due_at(target, cause, now, rules)
                if end_at is not None:
                    over[cause.key] = end_at
        # What is to be repeated later is no part of a message that goes now.
        told_now = {key: at for key, at in new.items() if key not in target.told or at <= now}
        if not told_now and not over:
            continue
        first = min((*told_now.values(), *over.values()))
        lasts = any(_lasts(target, cause) for cause in causes.values() if cause.kind is kind)
        message = Message((kind,), tuple(told_now), tuple(over), is_over=not told_now and not lasts)
        yield _Due(max(first, target.last.get(kind, -rules.again) + rules.again), message)


def _due_at(target: Target, cause: Cause, now: float, rules: Rules) -> float | None:
    """When a target is to be told of a cause; None if it is not."""
    told = target.told.get(cause.key)
    if cause.is_quiet(now) or (cause.kind not in EVENTS and cause.ended_at):
        return None
    if told is None:
        return cause.at + rules.wait
    if cause.kind in EVENTS and told.is_sure:
        return None
    return told.at + rules.repeat


def _end_due_at(target: Target, cause: Cause, now: float, rules: Rules) -> float | None:
    """When a target is to be told that a cause is over; None if it is not."""
    told = target.told.get(cause.key)
    if told is None or told.end_at:
        return None
    if cause.kind in EVENTS:
        return told.at + rules.again if target.keeps_incidents and told.is_sure else None
    if not cause.ended_at or (cause.is_quiet(now) and not target.keeps_incidents):
        return None
    return cause.ended_at + rules.wait


def _lasts(target: Target, cause: Cause) -> bool:
    """Whether a target was told of a cause that lasts still."""
    told = target.told.get(cause.key)
    return told is not None and not told.end_at and cause.is_open


def _digest(messages: list[Message]) -> Message:
    return Message(
        kinds=tuple(kind for each in messages for kind in each.kinds),
        causes=tuple(key for each in messages for key in each.causes),
        ends=tuple(key for each in messages for key in each.ends),
        is_over=all(each.is_over for each in messages),
        is_digest=True,
    )


def _told(target: Target, now: float, *, is_sure: bool) -> Target:
    """The target after it was told of what was under way, or may have been."""
    sending = target.sending
    if sending is None:
        return target
    message = sending.message
    told = dict(target.told)
    told |= {key: Told(now, is_sure=is_sure) for key in message.causes}
    told |= {key: replace(told.get(key, Told(now)), end_at=now) for key in message.ends}
    is_counted = not (message.is_over and target.keeps_incidents)
    return replace(
        target,
        sending=None,
        told=told,
        last={**target.last, **dict.fromkeys(message.kinds, now)},
        recent=(*target.recent, now) if is_counted else target.recent,
        is_capped=target.is_capped and not message.is_digest,
    )


def _recent(target: Target, now: float) -> tuple[float, ...]:
    """When each message of the last hour went."""
    return tuple(at for at in target.recent if now - at < HOUR)
