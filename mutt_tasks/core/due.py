"""What a target is to be told, and when: state in, decisions out.

As Alertmanager does it. The first message of a kind waits for others of its kind; the next goes no
sooner than `again` seconds later; what lasts is told again after `repeat`. Nobody is told of one
cause twice within that time, whatever happens. At most so many messages go in an hour: what is due
then is told in one, a digest, as soon as there is room.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mutt_tasks.core.causes import EVENTS, Cause, Kind
from mutt_tasks.core.telling import LAST_RETRY, Message, Rules, Target, recent

Causes = Mapping[str, Cause]


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
    over = [each.message for each in due if each.message.is_over and target.keeps_incidents]
    if over:
        # To end an incident disturbs nobody, so it does not count.
        return over[0]
    if len(recent(target, now)) >= rules.most_per_hour:
        return None
    if target.is_capped and len(due) > 1:
        return _digest([each.message for each in due])
    return replace(min(due, key=lambda each: each.at).message, is_digest=target.is_capped)


def noted(target: Target, causes: Causes, now: float, rules: Rules) -> Target:
    """The target, with what became of time: whether it is capped, and without what is forgotten."""
    its_recent = recent(target, now)
    is_full = len(its_recent) >= rules.most_per_hour
    is_held = is_full and any(each.at <= now for each in _due(target, causes, now, rules))
    told = {
        key: each
        for key, each in target.told.items()
        if key in causes or now < max(each.at, each.end_at) + rules.repeat
    }
    return replace(
        target,
        recent=its_recent,
        told=told,
        # A moment in the future is a clock that went back.
        last={kind: min(at, now) for kind, at in target.last.items()},
        next_try=min(target.next_try, now + LAST_RETRY),
        is_capped=target.is_capped or is_held,
    )


def is_done(target: Target, cause: Cause, now: float, rules: Rules) -> bool:
    """Whether a target will never have to be told anything more of a cause."""
    under_way = target.sending.message if target.sending else None
    if under_way and cause.key in (*under_way.causes, *under_way.ends):
        return False
    ever = now + rules.repeat
    is_to_come = _due_at(target, cause, ever, rules), _end_due_at(target, cause, ever, rules)
    return not cause.is_open and is_to_come == (None, None)


def waiting(target: Target, causes: Causes, now: float, rules: Rules) -> tuple[int, float]:
    """How many causes a target has still to be told of, and for how long the first is overdue.

    What the hourly limit holds back is not overdue.
    """
    due = list(_due(target, causes, now, rules))
    count = sum(len(each.message.causes) + len(each.message.ends) for each in due)
    if len(recent(target, now)) >= rules.most_per_hour:
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
        if not new and not over:
            continue
        first = min((*new.values(), *over.values()))
        lasts = any(_lasts(target, cause) for cause in causes.values() if cause.kind is kind)
        message = Message((kind,), tuple(new), tuple(over), is_over=not new and not lasts)
        yield _Due(max(first, target.last.get(kind, -rules.again) + rules.again), message)


def _due_at(target: Target, cause: Cause, now: float, rules: Rules) -> float | None:
    """When a target is to be told of a cause; None if it is not, or is to be told again later."""
    told = target.told.get(cause.key)
    if cause.is_quiet(now) or (cause.kind not in EVENTS and cause.ended_at):
        return None
    if told is None:
        return cause.at + rules.wait
    if cause.kind in EVENTS and told.is_sure:
        return None
    return _again(told.at, now, rules)


def _end_due_at(target: Target, cause: Cause, now: float, rules: Rules) -> float | None:
    """When a target is to be told that a cause is over; None if it is not, or again later."""
    told = target.told.get(cause.key)
    if told is None or (told.end_at and told.is_sure):
        return None
    if cause.kind in EVENTS:
        return told.at + rules.again if target.keeps_incidents and told.is_sure else None
    if not cause.ended_at or (cause.is_quiet(now) and not target.keeps_incidents):
        return None
    return _again(told.end_at, now, rules) if told.end_at else cause.ended_at + rules.wait


def _again(at: float, now: float, rules: Rules) -> float | None:
    """When what was told is told again, if it is time: else it is no part of any message."""
    return at + rules.repeat if at + rules.repeat <= now else None


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
