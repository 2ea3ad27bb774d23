"""What to do with one message. A table of rules, first match wins; nothing is done here."""

import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from mutt_tasks.core.case import Case, located_case, plain_case, was_shed
from mutt_tasks.core.message import Header, Message, parse
from mutt_tasks.core.plain_message import NoJsonError, PlainMessage, plain_message
from mutt_tasks.core.refusals import is_undeliverable
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import LOOK_AGAIN_SECONDS, Suspects

MALFORMED, INCOMPLETE, POISON, STALE = "malformed", "incomplete", "poison", "stale"
SUSPECT = "suspect"
QUARANTINE_REASONS = (MALFORMED, INCOMPLETE, POISON, STALE, SUSPECT)

LONGEST_BACKOFF = 3600.0
JITTER = 0.2

# Forgiven replays do not count towards poison, but no message is replayed more often than this.
HARD_CAP_FACTOR = 4


class Action(StrEnum):
    """What becomes of a message: by these rules, or because an operator wants it.

    MOVE takes it elsewhere as it lies; EDIT puts another one in its place, and takes it elsewhere;
    RESTORE does the same with one that lies there already; REMOVE takes it away for good.
    """

    REPLAY = "replay"
    QUARANTINE = "quarantine"
    WAIT = "wait"
    MOVE = "move"
    EDIT = "edit"
    RESTORE = "restore"
    REMOVE = "remove"


@dataclass(frozen=True)
class Policy:
    """The numbers that the rules use; times in seconds, 0 turns a rule off.

    `spans` are stretches of time in which everything failed: a replay sent in one of them is
    forgiven when it comes back. A suspect goes if `suspects_may_go`, and is set aside after having
    waited for that for `suspect_wait`; `suspects` knows since when. None: there are no suspects.
    """

    max_retries: int
    backoff: float
    max_age: float
    spans: tuple[tuple[float, float], ...] = ()
    suspect_wait: float = 0.0
    suspects_may_go: bool = True
    suspects: Suspects | None = None


class Decision(NamedTuple):
    """One message's fate.

    `payload` is what is pushed (the message's own bytes when it is malformed), `ready_at` the
    moment until which a waiting message waits, and `is_sound` False when a counter in the
    message was no counter. `came_back` says that its last replay failed (`is_first_return`: and
    that there was no other), `forgiven` is 1 when that does not count, `is_suspect` that the
    message failed alone.
    """

    action: Action
    reason: str = ""
    payload: bytes = b""
    ready_at: float = 0.0
    is_sound: bool = True
    came_back: bool = False
    forgiven: int = 0
    is_suspect: bool = False
    is_first_return: bool = False


class Arrival(StrEnum):
    """Why a message came into a dead letter queue."""

    FRESH = "fresh"
    RETURNED = "returned"
    SHED = "shed"
    SHELTERED = "sheltered"
    MALFORMED = "malformed"


def arrival(raw: bytes, route: Route) -> Arrival:
    """What a message in the route's source says about its coming there."""
    message = parse(raw, route.read_fields)
    if message is None:
        return Arrival.MALFORMED
    if message.header.is_sheltered:
        return Arrival.SHELTERED
    if was_shed(message, route):
        return Arrival.SHED
    return Arrival.RETURNED if message.header.replays else Arrival.FRESH


def decide(
    raw: bytes, route: Route, policy: Policy, cycle: str, now: float, *, is_cleared: bool = False
) -> Decision:
    """Apply the rules to one message as it lies in the route's source.

    `cycle` is the id that the stamp carries, `now` the moment of the look. `is_cleared` says that
    the message came there in an outage.
    """
    try:
        plain = plain_message(raw, route)
    except NoJsonError:
        return Decision(Action.QUARANTINE, MALFORMED, raw)
    if plain is None:
        return decide_located(raw, route, policy, cycle, now, is_cleared=is_cleared)
    if _goes_at_once(plain, route, policy):
        stamp = _replay_stamp(plain.header, 0, route.name, cycle, now)
        return Decision(Action.REPLAY, "", plain.stamped(stamp, route.reset_fields))
    return _ruled(plain_case(plain, route, is_cleared), route, policy, cycle, now)


def decide_located(
    raw: bytes, route: Route, policy: Policy, cycle: str, now: float, *, is_cleared: bool = False
) -> Decision:
    """The same decision for any message, plain or not, which takes longer."""
    message = parse(raw, route.read_fields)
    if message is None:
        return Decision(Action.QUARANTINE, MALFORMED, raw)
    if is_undeliverable(message, route.reset_fields):
        replays = message.header.replays
        return Decision(
            Action.QUARANTINE,
            MALFORMED,
            raw,
            came_back=replays > 0,
            is_first_return=replays == 1,
        )
    case = located_case(message, route, policy.spans, is_cleared)
    return _ruled(case, route, policy, cycle, now)


def _goes_at_once(plain: PlainMessage, route: Route, policy: Policy) -> bool:
    """Whether no rule can hold a message without our header: the usual case, told without a look.

    It is complete and needs no backoff, so it could only be a suspect, too old, or poison.
    """
    if (policy.suspects is not None and route.puts_consumer_to_sleep) or policy.max_age > 0:
        return False
    for field in route.failure_fields:
        if plain.event.get(field, 0) >= policy.max_retries:
            return False
    return policy.max_retries > 0


def _ruled(case: Case, route: Route, policy: Policy, cycle: str, now: float) -> Decision:
    """Apply the rules to a message that its consumer could decode."""
    message, header = case.message, case.message.header
    is_suspect = case.failed_alone and policy.suspects is not None
    reason = _set_aside(case, policy, now)
    if not reason:
        ready_at = _ready_at(message, header.replays - case.forgiven, policy, now)
        if now < ready_at:
            return _waits(case, _until_stale(message, policy, now, ready_at))
        if is_suspect and policy.suspects and not policy.suspects_may_go:
            until = policy.suspects.waiting_since(checksum(message.raw), now) + policy.suspect_wait
            if now < until:
                return _waits(case, min(until, now + LOOK_AGAIN_SECONDS), is_suspect=True)
            reason = SUSPECT
    if reason:
        stamp = header._replace(forgiven=case.forgiven)
        text = stamp.encode(route.name, cycle, reason, dead_at=now)
        return _goes(case, Action.QUARANTINE, reason, message.stamped(text))
    # The first try of a message that was moved aside untried is no second chance.
    is_first_try = header.is_sheltered and not header.replays
    text = _replay_stamp(header, case.forgiven + is_first_try, route.name, cycle, now)
    payload = message.stamped(text, route.reset_fields)
    return _goes(case, Action.REPLAY, "", payload, is_suspect=is_suspect)


# Nearly all messages of a batch get the same stamp.
@lru_cache(maxsize=256)
def _replay_stamp(header: Header, forgiven: int, route: str, cycle: str, now: float) -> bytes:
    return header.replayed(now, forgiven).encode(route, cycle)


def _set_aside(case: Case, policy: Policy, now: float) -> str:
    """Why the message goes to the dead letter list; empty when it does not."""
    if case.is_incomplete:
        return INCOMPLETE
    is_poison = case.poison_count >= policy.max_retries
    if is_poison or case.message.header.replays >= HARD_CAP_FACTOR * policy.max_retries:
        return POISON
    return STALE if _is_stale(case.message, policy, now) else ""


def _waits(case: Case, ready_at: float, is_suspect: bool = False) -> Decision:
    return Decision(Action.WAIT, ready_at=ready_at, is_sound=case.is_sound, is_suspect=is_suspect)


def _goes(
    case: Case, action: Action, reason: str, payload: bytes, is_suspect: bool = False
) -> Decision:
    header = case.message.header
    return Decision(
        action,
        reason,
        payload,
        is_sound=case.is_sound,
        came_back=header.replays > 0 and not header.is_sheltered,
        forgiven=max(0, case.forgiven - header.forgiven),
        is_suspect=is_suspect,
        is_first_return=header.replays == 1 and not header.is_sheltered,
    )


def checksum(raw: bytes) -> int:
    """What a waiting suspect is remembered by."""
    return zlib.crc32(raw)


def _is_stale(message: Message | PlainMessage, policy: Policy, now: float) -> bool:
    if policy.max_age <= 0:
        return False
    timestamp = message.timestamp()
    return timestamp is not None and now - timestamp > policy.max_age


def _until_stale(
    message: Message | PlainMessage, policy: Policy, now: float, ready_at: float
) -> float:
    """The moment until which a message waits: it may become too old before its backoff is over."""
    if policy.max_age <= 0:
        return ready_at
    return min(ready_at, (message.timestamp() or now) + policy.max_age)


def _ready_at(message: Message | PlainMessage, counted: int, policy: Policy, now: float) -> float:
    """When the message's backoff after its last replay is over; 0 when it never had one.

    The backoff doubles with each replay that counts (`counted`), to at most an hour, and differs by
    up to 20 % from message to message, so that what came back together does not leave together.
    The spread comes from the bytes: the same message gets the same backoff at every look.
    """
    last_at = message.header.last_at
    # A stamp from far in the future is a clock gone wrong, no reason to wait for it.
    if message.header.is_sheltered or policy.backoff <= 0:
        return 0.0
    if last_at is None or last_at > now + LONGEST_BACKOFF:
        return 0.0
    doublings = min(max(counted - 1, 0), 32)
    spread = 1 + JITTER * (2 * zlib.crc32(message.raw) / 0xFFFFFFFF - 1)
    return last_at + min(LONGEST_BACKOFF, policy.backoff * 2.0**doublings * spread)
