"""The alerter's decisions, without a clock, a queue or a database."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from stand_ins import facts, runtime
from stand_ins.runtime import RuntimeConfig

Event = dict[str, Any]


class Fate(Enum):
    """What becomes of an event."""

    GIVEN_UP = auto()  # to the dead letter queue, untried and as it is
    DESTROYED = auto()  # no list keeps it
    STRANDED = auto()  # stays on the processing list until a restart
    TRIED_AGAIN = auto()  # back to the new end of the ingest queue, its counter raised by one
    ENDED = auto()  # no rule matches it: no alert is made of it
    FORWARDED = auto()  # wrapped, to the alert queue


def fate(
    tries: float,
    *,
    is_complete: bool,
    fails: bool,
    is_matched: bool = True,
    most: int = facts.ALERTER_MAX_RETRIES,
) -> Fate:
    """What becomes of an event that was tried this often; the counter is looked at first.

    `fails` says that handling it raises an error, as when the database is away.
    """
    if tries > most:
        return Fate.GIVEN_UP
    if not is_complete:
        return Fate.DESTROYED
    if fails:
        return Fate.TRIED_AGAIN
    return Fate.FORWARDED if is_matched else Fate.ENDED


@dataclass(frozen=True)
class Step:
    """What becomes of the bytes of an event.

    `event` is what they say, its counter raised where it is tried again; `why` says why it is
    destroyed.
    """

    fate: Fate
    event: Event
    why: str = ""


def step(raw: bytes, fails: Callable[[Event], bool]) -> Step:
    """Handle the bytes of an event; `fails` is asked of those that are complete."""
    try:
        event = facts.decoded(raw)
        tries = facts.failures(event, facts.ALERTER_COUNT)
    except facts.Destroyed as why:
        return Step(Fate.DESTROYED, {}, str(why))
    except facts.Stranded:
        return Step(Fate.STRANDED, {})
    is_complete = facts.is_complete(event)
    is_failing = is_complete and (not facts.can_be_looked_up(event) or fails(event))
    found = fate(tries, is_complete=is_complete, fails=is_failing)
    if found is Fate.TRIED_AGAIN:
        return Step(found, event | {facts.ALERTER_COUNT: tries + 1})
    is_destroyed = found is Fate.DESTROYED
    return Step(found, event, "for a required field was missing or empty" if is_destroyed else "")


@dataclass(frozen=True)
class Pressure:
    """Too many alerts wait: for how many `seconds` to do no work, and whether to shed one event.

    It is shed for `depth` alerts above the `threshold`.
    """

    seconds: float
    sheds: bool
    depth: int
    threshold: int

    def shed(self, raw: bytes) -> Event | None:
        """What goes to the dead letter queue; None where it goes as it is, being no JSON object."""
        try:
            return facts.shed(facts.decoded(raw), self.depth, self.threshold)
        except (facts.Destroyed, facts.Stranded):
            return None


def pressure(
    depth: int, config: RuntimeConfig, threshold: int = facts.SHED_THRESHOLD
) -> Pressure | None:
    """Whether `depth` waiting alerts are too many to work; asked before each event.

    `threshold` holds where the runtime configuration says nothing else.
    """
    threshold = config.number(runtime.SHED_THRESHOLD, threshold)
    if depth <= threshold:
        return None
    mode = config.text(runtime.SHED_MODE, facts.SHED_TO_DLQ)
    if mode == facts.SHED_TO_DLQ:
        return Pressure(facts.AFTER_SHEDDING_SECONDS, True, depth, threshold)
    if mode == facts.SHED_BY_DEFERRING:
        defer_ms = config.number(runtime.DEFER_MS, facts.DEFER_MS)
        return Pressure(defer_ms / 1000 + facts.AFTER_SHEDDING_SECONDS, False, depth, threshold)
    return None
