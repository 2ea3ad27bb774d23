"""A trial: does the limiter take no more than a level, or does the alerter forward so few events?

Both look alike from outside: replays go, and do not appear in the limiter's window. But a limiter
drops only what meets a full window, and what the alerter forwards does not depend on how full it
is. So live alerts are left alone for a period, and then a few replays go at a time: as many as fill
the window to the highest number that it was seen to reach, and where it is there, some more. If
these appear the level was none, and the next ones are twice as many. If they do not,
core/stretch.py tells how likely chance alone explains that: at ERROR the limiter is full there.
Live alerts alone that stay at their highest number tell the same, and cost nothing: while they seem
to, nothing goes.

Where live alerts alone keep the window near the level all the time there is no room for a
comparison. Either they come evenly, or the limiter is full of them and drops some, which leaves
gaps between those that it takes. With gaps, the trial `is_crowded` and waits until there is room,
or until the window rises above the level.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from mutt_tasks.core.evenness import Evenness
from mutt_tasks.core.portion import LARGE, LEAST, LITTLE, Portion
from mutt_tasks.core.sight import Sight
from mutt_tasks.core.stretch import Span, Stretch

# Where chance alone explains what was seen only this badly, the limiter is full; with the second
# number once no more replays may be risked.
ERROR, LATE_ERROR = 3e-5, 1e-3

# Live alerts alone are looked at for this many periods, and up to so many while chance explains
# only this badly that they stay at a level.
REST_PERIODS, LONGEST_REST_PERIODS, DOUBT = 1.1, 8.0, 0.05
# A level is none if the window rises above it by this much.
LEAST_OVER = 4
# It is no longer the window's level if less is taken than this share of what had room below it.
FALLEN_SHARE, FALLEN_PERIODS = 0.1, 1.5
# While none went that had room, so many at most meet the level, and those only where it may be that
# live alerts come evenly, or where it is lower than this: so few say little of how they come.
BLIND, FEW = 3, 4
# Where chance explains nothing, but runs of events that match no rule might, so many times as many
# may go below the level.
PATIENT = 4
# Alerts that come evenly are seldom further apart than this many times their average distance: so
# in less than this share of the looks, over so many periods.
GAP, UNEVEN_SHARE, CROWDED_PERIODS = 1.05, 0.15, 3.0
# A part has reached the limiter when the queues are empty and this many seconds have passed (or
# this share of a short period); one that has not after this many periods says nothing.
LAND_SECONDS, LAND_PERIODS, LATE_PERIODS = 0.06, 0.06, 0.45


class Verdict(StrEnum):
    """What a trial has found: OPEN while it lasts, NOTHING when it could not be carried out."""

    OPEN = "open"
    FULL = "full"
    INNOCENT = "innocent"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Trial:
    """A trial of the level `full_at` since `since` (seconds since 1970; 0: there is none).

    Before it live traffic had this `dispersion`, and so many alerts were `missing`; then live
    alerts alone showed their `evenness`. `stretch` is what was seen since the beginning. `went`
    replays of it went in all, the last ones at `part_at`, and while it `is_under_way` these have
    not landed; `is_sure` says whether they went past the alerter. `may_send` more may go now, and
    `over` forwarded ones may exceed the level next. Since `blind_since` there was no room for a
    comparison (0: there was); of `looks` since then `tight` found gaps that even traffic has not,
    and after too many of these it `is_crowded`. It `is_anew` if it took the place of one whose
    level was no longer the window's. The window was last near the level at `reached_at`.
    """

    since: float = 0.0
    full_at: int = 0
    dispersion: float = 1.0
    stretch: Stretch = Stretch()
    missing: float = 0.0
    went: int = 0
    part_at: float = 0.0
    is_under_way: bool = False
    may_send: int = 0
    is_sure: bool = False
    over: int = LEAST
    blind_since: float = 0.0
    looks: int = 0
    tight: int = 0
    is_crowded: bool = False
    is_anew: bool = False
    evenness: Evenness = Evenness()
    reached_at: float = 0.0

    @property
    def is_on(self) -> bool:
        """Whether there is one."""
        return self.since > 0

    @property
    def chance(self) -> float:
        """How likely chance alone explains what was seen."""
        return self.stretch.chance(self.evenness.dispersion(self.dispersion))

    def sent(self, replays: int, is_sure: bool, now: float) -> "Trial":
        """The trial after so many of its replays went."""
        # Another share of the other route's is forwarded: these are not compared.
        is_other = self.went > 0 and self.is_sure != is_sure
        stretch = self.stretch.without_ours() if is_other else self.stretch
        went = replace(self, went=self.went + replays, part_at=now, is_under_way=True, may_send=0)
        return replace(went, stretch=stretch, is_sure=is_sure)

    def looked(self, seen: Sight, span: Span, now: float) -> tuple["Trial", Verdict]:
        """The trial after a look at the limiter, and what it has found."""
        if self._has_fallen(span, seen, now):
            return self._anew(seen.used, self.missing + span.ours, now), Verdict.OPEN
        rest = (now - self.since) / seen.period
        has_rested = rest >= REST_PERIODS and not (seen.sent or self.went)
        trial = self._learnt(span, now)
        if has_rested:
            trial = replace(trial, evenness=self.evenness.looked(seen))
        chance = trial.chance
        if chance <= ERROR and (_is_certain(trial) if self.went else has_rested):
            return trial, Verdict.FULL
        if trial.stretch.level >= self.full_at + LEAST_OVER:
            return trial, Verdict.INNOCENT
        if not self.went:
            is_telling = chance < DOUBT and rest < LONGEST_REST_PERIODS
            if is_telling or not has_rested:
                return trial, Verdict.OPEN
        passed = now - self.part_at
        if seen.queued or passed < min(LAND_SECONDS, LAND_PERIODS * seen.period):
            is_late = self.is_under_way and passed > LATE_PERIODS * seen.period
            return trial, Verdict.NOTHING if is_late else Verdict.OPEN
        return replace(trial, is_under_way=False)._next(seen, now)

    def _has_fallen(self, span: Span, seen: Sight, now: float) -> bool:
        """Whether the level is an older one, too high now: replays that had room were not taken.

        Or a large window was not filled to it for too long.
        """
        had_room = LITTLE <= span.ours <= self.stretch.level - span.before
        is_refused = had_room and span.took < FALLEN_SHARE * span.ours
        is_late = now - self.reached_at > FALLEN_PERIODS * seen.period
        is_lost = self.went > 0 and self.stretch.level >= LARGE and is_late
        return (is_refused or is_lost) and not self.is_anew

    def _anew(self, level: int, missing: float, now: float) -> "Trial":
        """Another trial instead of this one, of the level that the window has now."""
        return Trial(now, level, self.dispersion, Stretch(now), missing, is_anew=True)

    def _learnt(self, span: Span, now: float) -> "Trial":
        """With one more span, after which twice as many may go if the last ones appeared."""
        trial = replace(self, stretch=self.stretch.looked(span), may_send=0)
        raised = trial.stretch.level - self.stretch.level
        if raised:
            trial = trial._with_room()
        if raised or not self.went or span.after >= trial.stretch.level - LITTLE:
            trial = replace(trial, reached_at=now)
        portion = trial._portion
        over = max(self.over, portion.least)
        if self.went and 2 * raised >= over:
            return replace(trial, over=min(2 * over, portion.most_over))
        return replace(trial, over=LEAST) if span.ours and not raised else trial

    def _with_room(self) -> "Trial":
        return replace(self, blind_since=0.0, looks=0, tight=0, is_crowded=False)

    @property
    def _portion(self) -> Portion:
        return Portion(self.full_at, self.stretch.level, self.stretch.forwarded)

    def _next(self, seen: Sight, now: float) -> tuple["Trial", Verdict]:
        """Some more may go: as many as have room below the level, or more than that."""
        stretch = self.stretch
        room = stretch.level - seen.used
        is_at_level = room <= stretch.near
        if self.went and not stretch.level:
            return self, Verdict.INNOCENT  # nothing is taken at all: there is nothing to compare
        portion = self._portion
        if portion.is_spent(self.went, stretch.ours_full) or self.chance <= ERROR:
            ended = _ended(self, portion, seen, now)
            # After some were refused at the level, others go below it first.
            waits = stretch.is_refused and (is_at_level or portion.is_little(room))
            if ended is not Verdict.OPEN or waits:
                return self, ended
        is_little = not is_at_level and portion.is_little(room)
        may_be_even = seen.longest_gap <= GAP or stretch.level < FEW
        is_blind = stretch.ours_full >= (stretch.ours or BLIND * may_be_even)
        if is_little or (is_at_level and is_blind):
            return self._crowded(seen, now)
        if self.is_crowded:
            # Live traffic is falling: what it was says nothing any more.
            return self._anew(stretch.level, self.missing, now), Verdict.OPEN
        believed = seen.limit - 1 - seen.used
        more = portion.fill(room, believed)
        if is_at_level:
            more = portion.exceed(self.over, seen.used, believed)
        if more < 1:
            return self, Verdict.NOTHING
        return replace(self._with_room(), may_send=more), Verdict.OPEN

    def _crowded(self, seen: Sight, now: float) -> tuple["Trial", Verdict]:
        """After a look at a window that live alerts alone keep near the level."""
        tight, looks = self.tight + (seen.longest_gap > GAP), self.looks + 1
        trial = replace(self, blind_since=self.blind_since or now, looks=looks, tight=tight)
        if now - trial.blind_since < CROWDED_PERIODS * seen.period:
            return trial, Verdict.OPEN
        if not self.is_crowded and tight <= UNEVEN_SHARE * looks:
            return trial, Verdict.NOTHING
        return replace(trial, is_crowded=True), Verdict.OPEN


def _is_certain(trial: Trial) -> bool:
    """Whether runs of events that match no rule do not explain what was seen either."""
    dispersion = trial.evenness.dispersion(trial.dispersion)
    return trial.stretch.is_sorted or trial.stretch.chance_of_live(dispersion) <= ERROR


def _ended(trial: Trial, portion: Portion, seen: Sight, now: float) -> Verdict:
    """What is found once no more may be risked, or chance explains nothing."""
    if trial.chance > LATE_ERROR or portion.is_spent(trial.went // PATIENT, 0):
        return Verdict.INNOCENT
    # Below the level others may go: are they taken?
    is_full = _is_certain(trial) or now - trial.part_at >= CROWDED_PERIODS * seen.period
    return Verdict.FULL if is_full else Verdict.OPEN
