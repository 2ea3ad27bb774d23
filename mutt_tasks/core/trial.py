"""A trial: does the limiter take no more than a level, or does the alerter forward so few events?

Both look alike from outside: replays go, and do not appear in the limiter's window. But a limiter
drops only what meets a full window. So live alerts are left alone for a period; then some replays
go that surely find room below the level, then, in the same period, more than would reach it. What
the alerter forwards does not depend on how full the window is, so of both parts the same share
should appear. Fisher's exact test says how likely chance alone leaves so few of the second part:
if that is less than ERROR, and the window has not risen above the level, the limiter is full there.
If it has risen, the next attempt begins with the level that it rose to.

Where live alerts alone keep the window at the level there is no room for a first part. Either they
come evenly, or the limiter is full of them and drops some, which leaves gaps between those that it
takes. With gaps, the trial `is_crowded` and waits until there is room, or until the window rises
above the level.

Where replays are missing and live alerts alone come far short of their usual number as well, the
limiter may be full of them far below the level, and would drop every replay. So the trial sends
none, but looks whether they stay at the highest number that they reach, with gaps: then the limiter
is full there. If not, live traffic has fallen.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, sqrt
from typing import Protocol

from mutt_tasks.core.tally import Tally

# Where nothing is wrong, one attempt blames the limiter with this probability at most. If chance
# explains what was seen only this badly, it is tried again, so often in all; the counts are added.
ERROR, DOUBT, ATTEMPTS = 0.005, 0.3, 4

# Live alerts alone are looked at for this many periods, and room is waited for this long.
REST_PERIODS, LONGEST_REST_PERIODS = 1.1, 4.0
# The first part begins with at most so many, for the level may be far too high, and goes on up to
# this share of the room below the level. The second part would rise this far above it, at least so
# far.
FIRST, LOW_SHARE, OVER, LEAST_OVER = 8, 0.7, 10, 4
# Less room than this is not enough for a first part, except where the whole level is no more.
LEAST_ROOM = 3
# Alerts that come evenly are seldom further apart than this many times their average distance: so
# in less than this share of the looks.
GAP, UNEVEN_SHARE = 1.05, 0.25
# Live alerts that fall short of their usual number show a full limiter if at least so many fill it,
# and leave it without room in more than this share of the looks.
LEAST_FULL, TIGHT_SHARE = 4, 0.6
# Of the first part at least this share has to appear: else it says enough.
FORWARDED = 0.3
# A part has reached the limiter when the queues are empty and this many seconds have passed (or
# this share of a short period); one that has not after this many periods says nothing. Nor do both
# parts if they take longer than that together: the first alerts leave the window again.
LAND_SECONDS, LAND_PERIODS, LATE_PERIODS, BOTH_PERIODS = 0.15, 0.15, 0.45, 0.9


class Verdict(StrEnum):
    """What a trial has found: OPEN while it lasts, NOTHING when it could not be carried out."""

    OPEN = "open"
    FULL = "full"
    INNOCENT = "innocent"
    NOTHING = "nothing"


class Seen(Protocol):
    """What a look tells a trial: see core/watch.py."""

    @property
    def used(self) -> int: ...
    @property
    def queued(self) -> int: ...
    @property
    def sent(self) -> int: ...
    @property
    def period(self) -> float: ...
    @property
    def limit(self) -> int: ...
    @property
    def longest_gap(self) -> float: ...


def _least(usual: float) -> float:
    """Live alerts come up to this soon: a standard deviation (Poisson) below a usual number."""
    return usual - sqrt(usual)


@dataclass(frozen=True)
class Trial:
    """A trial of the level `full_at` since `since` (seconds since 1970; 0: there is none).

    `tally` counts what has landed in all, `parts` how often some of the first part did in this
    attempt, whose first replays went at `began_at`, and `is_second` says that the second part is
    under way. `part` replays are under way since `part_at`, when `used` alerts were in the window;
    `peak` is the most that was seen in all. `may_send` more may go now. `is_sure` says whether the
    last ones went past the alerter, and `is_mixed` that the first ones did not. There were
    `attempts` before. Of `looks` at live alerts alone `tight` found a window without room for more,
    with gaps that even traffic has not. It `is_crowded` after too many of these. Live alerts filled
    the window up to `alone`, and usually `usual` of them come in a period (0: not known). `missing`
    replays were missing before.
    """

    since: float = 0.0
    full_at: int = 0
    tally: Tally = Tally()
    parts: int = 0
    began_at: float = 0.0
    is_second: bool = False
    part: int = 0
    part_at: float = 0.0
    used: int = 0
    peak: int = 0
    may_send: int = 0
    is_sure: bool = False
    is_mixed: bool = False
    attempts: int = 0
    looks: int = 0
    tight: int = 0
    is_crowded: bool = False
    usual: float = 0.0
    alone: int = 0
    missing: float = 0.0

    @property
    def is_on(self) -> bool:
        """Whether there is one."""
        return self.since > 0

    def sent(self, replays: int, is_sure: bool, now: float) -> "Trial":
        """The trial after so many of its replays went."""
        is_mixed = self.parts > 0 and self.is_sure != is_sure
        went = replace(self, began_at=self.began_at or now, part=replays, part_at=now, may_send=0)
        return replace(went, is_sure=is_sure, is_mixed=is_mixed)

    def looked(self, seen: Seen, now: float) -> tuple["Trial", Verdict]:
        """The trial after a look at the limiter, and what it has found."""
        if self.is_mixed:
            return self, Verdict.NOTHING
        if self.part:
            return replace(self, peak=max(self.peak, seen.used))._landed(seen, now)
        if self.parts:
            return self._next(seen)
        return self._rested(seen, now)

    def _rested(self, seen: Seen, now: float) -> tuple["Trial", Verdict]:
        """After a look while live alerts are left alone."""
        rest = (now - self.since) / seen.period
        room, is_alone = self.full_at - seen.used, not (seen.queued or seen.sent)
        has_room = is_alone and room >= min(LEAST_ROOM, self.full_at)
        if is_alone and room < -1:
            return self, Verdict.INNOCENT
        alone = max(self.alone, seen.used if is_alone else 0)
        if has_room and self.is_crowded:
            return self._anew(now), Verdict.OPEN  # live traffic is falling, it may fall further
        if has_room and rest >= REST_PERIODS and alone >= _least(self.usual):
            first = min(FIRST, max(2, round(LOW_SHARE * room)))
            return replace(self, used=seen.used, alone=alone, may_send=first), Verdict.OPEN
        is_tight = is_alone and not has_room and seen.longest_gap > GAP
        tight = self.tight + is_tight
        trial = replace(self, looks=self.looks + is_alone, tight=tight, alone=alone, may_send=0)
        return (trial, Verdict.OPEN) if rest <= LONGEST_REST_PERIODS else trial._waited(now)

    def _waited(self, now: float) -> tuple["Trial", Verdict]:
        """After live alerts alone left no room for long, or came short of their usual number."""
        if self.alone >= _least(self.usual):
            if self.tight <= UNEVEN_SHARE * self.looks:
                return self, Verdict.NOTHING
            return replace(self._anew(now), is_crowded=True), Verdict.OPEN
        if self.alone < self.full_at:
            return replace(self._anew(now), full_at=self.alone), Verdict.OPEN
        if self.alone >= LEAST_FULL and self.tight > TIGHT_SHARE * self.looks:
            return replace(self, peak=self.alone), Verdict.FULL
        return replace(self._anew(now), usual=0.0), Verdict.OPEN  # live traffic has fallen

    def _anew(self, now: float) -> "Trial":
        known = Trial(now, self.full_at, self.tally, attempts=self.attempts)
        return replace(known, usual=self.usual, missing=self.missing)

    def _landed(self, seen: Seen, now: float) -> tuple["Trial", Verdict]:
        """After a look while a part is under way."""
        passed = now - self.part_at
        if seen.queued or passed < min(LAND_SECONDS, LAND_PERIODS * seen.period):
            is_late = passed > LATE_PERIODS * seen.period
            return self, Verdict.NOTHING if is_late else Verdict.OPEN
        if now - self.began_at > BOTH_PERIODS * seen.period:
            return self, Verdict.NOTHING
        appeared = min(self.part, max(0, seen.used - self.used))
        tally = self.tally
        if self.is_second:
            high, high_seen = tally.high + self.part, tally.high_seen + appeared
            tally = replace(tally, high=high, high_seen=high_seen)
            return replace(self, tally=tally, part=0)._judged(now)
        low, low_seen = tally.low + self.part, tally.low_seen + appeared
        tally = replace(tally, low=low, low_seen=low_seen)
        trial = replace(self, tally=tally, part=0, parts=self.parts + 1)
        if appeared < FORWARDED * self.part:
            # Either hardly anything is forwarded, or the window stops far below the level.
            if tally.low_seen and trial.peak < self.full_at - 1:
                return trial._again(trial.peak, Tally(), now)
            return trial, Verdict.INNOCENT
        return trial._next(seen)

    def _next(self, seen: Seen) -> tuple["Trial", Verdict]:
        """More of the first part may go, or the second one: enough to rise above the level."""
        room = self.full_at - seen.used
        if self.parts == 1 and room > FIRST:
            rest = min(round(LOW_SHARE * room), 2 * self.tally.low_seen)
            return replace(self, used=seen.used, may_send=rest), Verdict.OPEN
        over = min(OVER, seen.limit - 1 - self.full_at)
        if over < LEAST_OVER:
            return self, Verdict.NOTHING
        most = min(ceil((max(0, room) + over) / self.tally.share), seen.limit - 1 - seen.used)
        return replace(self, used=seen.used, is_second=True, may_send=most), Verdict.OPEN

    def _judged(self, now: float) -> tuple["Trial", Verdict]:
        chance = self.tally.chance
        if self.peak > self.full_at + 1:
            # It took more than the level. If the rest is missing all the same, it is full there.
            if chance <= ERROR:
                return self._again(self.peak, Tally(), now)
            return self, Verdict.INNOCENT
        if chance <= ERROR:
            return self, Verdict.FULL
        if chance > DOUBT:
            return self, Verdict.INNOCENT
        return self._again(self.full_at, self.tally, now)

    def _again(self, full_at: int, tally: Tally, now: float) -> tuple["Trial", Verdict]:
        """Another attempt, if there were not too many."""
        attempts = self.attempts + 1
        if attempts >= ATTEMPTS:
            return self, Verdict.INNOCENT
        again = replace(self._anew(now), full_at=full_at, tally=tally, attempts=attempts)
        return again, Verdict.OPEN
