"""A trial: does the limiter take no more than a level, or does the alerter forward so few events?

Both look alike from outside: replays go, and do not appear in the limiter's window. But a limiter
drops only what meets a full window, and what the alerter forwards does not depend on how full it
is. So live alerts are left alone for a period, and then a few replays go at a time: as many as fill
the window to the highest number that it was seen to reach, and where it is there, some more. If
these appear the level was none, and the next ones are twice as many. If they do not,
core/saturation.py tells how likely chance alone explains that: at ERROR the limiter is full there.
Live alerts alone that stay at their highest number tell the same, and cost nothing.

Where live alerts alone keep the window at the level all the time there is no room for a comparison.
Either they come evenly, or the limiter is full of them and drops some, which leaves gaps between
those that it takes. With gaps, the trial `is_crowded` and waits until there is room, or until the
window rises above the level.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from mutt_tasks.core.saturation import Span, Stretch

# Where nothing is wrong, a level is blamed with this probability at most.
ERROR, LATE_ERROR = 3e-5, 1e-3

# Live alerts alone are looked at for this many periods.
REST_PERIODS = 1.1
DOUBT, LONGEST_REST = 0.05, 8.0
LARGE_SHARE = 5
# At first so many replays more than the level go, then twice as many each time; so many fill the
# window to it at most, and so many go in all.
LEAST, LARGEST_OVER, LARGEST_FILL, MOST, MOST_RISKED = 3, 16, 8, 96, 30
# A level is none if the window rises above it by this much.
LEAST_OVER = 4
# So many more than the level say nothing while none went that had room.
BLIND = 6
# Alerts that come evenly are seldom further apart than this many times their average distance: so
# in less than this share of the looks, over so many periods.
GAP, UNEVEN_SHARE, CROWDED_PERIODS = 1.05, 0.25, 3.0
# A part has reached the limiter when the queues are empty and this many seconds have passed (or
# this share of a short period); one that has not after this many periods says nothing.
LAND_SECONDS, LAND_PERIODS, LATE_PERIODS = 0.06, 0.06, 0.45


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


@dataclass(frozen=True)
class Trial:
    """A trial of the level `full_at` since `since` (seconds since 1970; 0: there is none).

    `stretch` is what was seen since. `went` replays of it went in all, the last `part` of them at
    `part_at`; `may_send` more may go now, and the next ones that exceed the level are `over`.
    Since `blind_since` there was no room below the level; of `looks` since then `tight` found gaps
    that even traffic has not, and after too many of these it `is_crowded`. While parts were under
    way so many alerts `appeared`.
    """

    since: float = 0.0
    full_at: int = 0
    dispersion: float = 1.0
    stretch: Stretch = Stretch()
    went: int = 0
    part_at: float = 0.0
    is_under_way: bool = False
    over: int = LEAST
    may_send: int = 0
    blind_since: float = 0.0
    looks: int = 0
    tight: int = 0
    is_crowded: bool = False
    appeared: int = 0

    @property
    def is_on(self) -> bool:
        """Whether there is one."""
        return self.since > 0

    def sent(self, replays: int, now: float) -> "Trial":
        """The trial after so many of its replays went."""
        return replace(self, went=self.went + replays, part_at=now, is_under_way=True, may_send=0)

    def looked(self, seen: Seen, span: Span, now: float) -> tuple["Trial", Verdict]:
        """The trial after a look at the limiter, and what it has found."""
        stretch = self.stretch.looked(span)
        is_raised = stretch.level > self.stretch.level
        trial = replace(self, stretch=stretch, may_send=0)
        if self.part_at:
            trial = replace(trial, appeared=self.appeared + span.took)
        if self.part_at and stretch.level - self.stretch.level >= max(self.over, self._least) / 2:
            trial = replace(trial, over=min(self._most(LARGEST_OVER), 2 * max(self.over, self._least)))
        elif span.ours and not is_raised:
            trial = replace(trial, over=LEAST)
        if is_raised:
            trial = replace(trial, blind_since=0.0, looks=0, tight=0, is_crowded=False)
        chance = stretch.chance(self.dispersion)
        if chance <= ERROR:
            return trial, Verdict.FULL
        if stretch.level >= self.full_at + LEAST_OVER:
            return trial, Verdict.INNOCENT
        if not self.went and (now - self.since < REST_PERIODS * seen.period or seen.sent):
            return trial, Verdict.OPEN
        if not self.went and chance < DOUBT and now - self.since < LONGEST_REST * seen.period:
            return trial, Verdict.OPEN
        passed = now - self.part_at
        if seen.queued or passed < min(LAND_SECONDS, LAND_PERIODS * seen.period):
            is_late = self.is_under_way and passed > LATE_PERIODS * seen.period
            return trial, Verdict.NOTHING if is_late else Verdict.OPEN
        return replace(trial, is_under_way=False)._next(seen, now)

    def _next(self, seen: Seen, now: float) -> tuple["Trial", Verdict]:
        """Some more may go: as many as have room below the level, or more than that."""
        room = self.stretch.level - seen.used
        is_risked = self.stretch.ours_full >= self._most(MOST_RISKED)
        if self.went >= max(MOST, 2 * self.full_at) or is_risked:
            is_full = self.stretch.chance(self.dispersion) <= LATE_ERROR
            return self, Verdict.FULL if is_full else Verdict.INNOCENT
        # So few are hard to tell from live alerts that come as soon as there is room.
        is_little = 0 < room < min(self._least, self.stretch.level)
        is_blind = self.stretch.ours_full >= max(BLIND * (not self.stretch.ours), self.stretch.ours)
        if is_little or (room <= 0 and is_blind):
            return self._crowded(seen, now)
        free = replace(self, blind_since=0.0, looks=0, tight=0, is_crowded=False)
        if room > 0:
            return replace(free, may_send=min(room, self._most(LARGEST_FILL))), Verdict.OPEN
        over = min(max(self.over, self._least), seen.limit - 1 - seen.used)
        if over < 1:
            return self, Verdict.NOTHING
        return replace(free, may_send=over), Verdict.OPEN

    @property
    def _least(self) -> int:
        """So few are told from what comes and leaves meanwhile."""
        return max(LEAST, self.stretch.level // 10)

    def _most(self, replays: int) -> int:
        """So many replays, or more before a large limiter."""
        return max(replays, self.full_at // LARGE_SHARE)

    def _crowded(self, seen: Seen, now: float) -> tuple["Trial", Verdict]:
        """After a look at a window that live alerts alone keep at the level."""
        tight = self.tight + (seen.longest_gap > GAP)
        trial = replace(self, blind_since=self.blind_since or now, looks=self.looks + 1, tight=tight)
        if now - trial.blind_since < CROWDED_PERIODS * seen.period:
            return trial, Verdict.OPEN
        if tight <= UNEVEN_SHARE * trial.looks:
            return trial, Verdict.NOTHING
        return replace(trial, is_crowded=True), Verdict.OPEN
