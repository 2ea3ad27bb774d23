"""Whether a limiter's window is full at its highest number of alerts: nothing more is taken there.

A limiter that is not full takes what comes, however many alerts its window holds; a full one takes
nothing. So what came while the window held its highest number is compared with what came while it
held less. There are two witnesses. Live alerts come at any time: if so many were taken in the time
below the level, some should have come in the time at the level, and raised it (for a Poisson
process, given their number, each falls into any part of the time by its length). And of our own
replays the same share should appear at the level as below it (Fisher's exact test). What chance
alone explains of both is told as one number, their product.

Only the time that the window held the level counts in which no alert left it, for another one
could take its place. Nobody knows which of the alerts that were taken while replays were under way
were live ones: each number counts as far as it is likely, and that many should have come at the
level as well (core/tally.py).
"""

from dataclasses import dataclass, replace
from math import sqrt

from mutt_tasks.core.tally import Tally

# In a large window a few places are free at any time: replays that are to meet its level may go if
# it lacks no more than this share of it, less a few.
NEAR_SHARE, NEAR_LESS = 0.05, 3

# Replays met the level if there was room below it for at most this share of those that the alerter
# forwards. Where there was room for more, but perhaps not for all (so many standard deviations more
# than are forwarded on average), they say nothing. Fewer than a burst count as below the level if
# they began there: live alerts that come meanwhile hide how many of so few were taken. But if
# replays raised the level and were a burst, or hardly taken, it may be that it cut them off.
OPEN_SHARE, ROOM_SIGMAS, BURST = 0.5, 2.0, 12

# The share that the alerter forwards is known from at least so many replays, and is not believed to
# be less than this.
ENOUGH, LEAST_FORWARDED = 8, 0.2

# All replays may be forwarded if this share of them was seen, and no runs of events that match no
# rule explain it if so many times some were taken below the level after others were not at it.
NEARLY_ALL, TURNS = 0.9, 2


@dataclass(frozen=True)
class Span:
    """What happened between two looks that were `seconds` apart (0: it tells nothing).

    The window held `before` alerts and holds `after`; it `took` so many. `ours` replays went, and
    if it `is_quiet` none was under way from before either.
    """

    seconds: float
    before: int
    after: int
    took: int
    ours: int = 0
    is_quiet: bool = True

    @property
    def left(self) -> int:
        """How many alerts left the window."""
        return self.before + self.took - self.after


# No replays were cut off.
NOTHING = Span(0.0, 0, 0, 0)


@dataclass(frozen=True)
class Stretch:
    """Looks since a moment (seconds since 1970).

    What was taken raised the window to `level` at most. While only live alerts came, it stood there
    for `quiet_full` seconds, in which nothing was taken, and lower for `quiet` seconds, in which
    `live` were. Of `ours_full` replays that met the level `seen_full` were taken, and of `ours`
    that did not, `seen`, each among live ones that came in the seconds `under_way_full` and
    `under_way`. After replays at the level were not taken (`is_refused` since the last ones below
    it), so many `turns` some below it were. Those that raised the level to where it is, in the span
    `cut_off`, may have met it, or not.
    """

    since: float = 0.0
    level: int = 0
    quiet: float = 0.0
    live: int = 0
    quiet_full: float = 0.0
    under_way: float = 0.0
    ours: int = 0
    seen: int = 0
    under_way_full: float = 0.0
    ours_full: int = 0
    seen_full: int = 0
    is_refused: bool = False
    turns: int = 0
    cut_off: Span = NOTHING

    def looked(self, span: Span) -> "Stretch":
        """The stretch after one more look."""
        if span.took and span.after > self.level:
            return self._raised(span)
        if not self.level:
            return self
        if not span.is_quiet:
            return self._tried(span)
        if span.before < self.level:
            return self._below(span)
        # Where an alert has left the window another one could take its place.
        is_full = not (span.left or span.took)
        return replace(self, quiet_full=self.quiet_full + span.seconds) if is_full else self

    def _raised(self, span: Span) -> "Stretch":
        """The stretch with a higher level: it was not full below this one."""
        rest = Stretch(
            since=self.since,
            level=span.after,
            quiet=self.quiet + self.quiet_full,
            live=self.live,
            under_way=self.under_way + self.under_way_full + self.cut_off.seconds,
            ours=self.ours + self.ours_full + self.cut_off.ours,
            seen=self.seen + self.seen_full + self.cut_off.took,
        )
        is_few = span.ours < BURST and span.took >= OPEN_SHARE * rest.forwarded * span.ours
        if is_few or not span.seconds:
            return rest._below(span)
        # If this level is the limit some of these were refused: they count once it is none.
        return replace(rest, cut_off=span)

    def _tried(self, span: Span) -> "Stretch":
        """The stretch after replays that met the level, or had room below it, or some of them."""
        room = self.level - span.before + span.left
        coming = self.forwarded * span.ours
        most = coming + ROOM_SIGMAS * sqrt(coming * (1 - self.forwarded))
        is_few = span.before < self.level and span.ours < BURST
        if room <= OPEN_SHARE * coming and not is_few:
            return replace(
                self,
                under_way_full=self.under_way_full + span.seconds,
                ours_full=self.ours_full + span.ours,
                seen_full=self.seen_full + span.took,
                is_refused=self.is_refused or span.took < OPEN_SHARE * coming,
            )
        if not (room >= most or is_few):
            return self
        below = self._below(span)
        if self.is_refused and span.ours and span.took > OPEN_SHARE * coming:
            return replace(below, is_refused=False, turns=self.turns + 1)
        return below

    def _below(self, span: Span) -> "Stretch":
        if not span.seconds:
            return self
        if not span.is_quiet:
            return replace(
                self,
                under_way=self.under_way + span.seconds,
                ours=self.ours + span.ours,
                seen=self.seen + span.took,
            )
        return replace(self, quiet=self.quiet + span.seconds, live=self.live + span.took)

    def without_ours(self) -> "Stretch":
        """The stretch without what it knows of our replays."""
        return Stretch(self.since, self.level, self.quiet, self.live, self.quiet_full)

    @property
    def near(self) -> int:
        """How many places a window may lack of the level where replays are to meet it."""
        return max(0, int(NEAR_SHARE * self.level) - NEAR_LESS)

    @property
    def _live(self) -> float:
        """How many of those that were `seen` were not ours, on average."""
        return self.live / self.quiet * self.under_way if self.quiet else 0.0

    @property
    def share(self) -> float:
        """The share of the replays below the level that was taken, without live alerts."""
        return min(1.0, max(0.0, self.seen - self._live) / self.ours) if self.ours else 1.0

    @property
    def is_sorted(self) -> bool:
        """Whether replays can hardly have been refused only because they match no rule.

        Events that match none may come in runs. But perhaps all are forwarded, or twice some were
        taken again below the level after others were not at it.
        """
        ours = self.seen - self._live + ROOM_SIGMAS * sqrt(self._live)
        return ours >= NEARLY_ALL * self.ours or self.turns >= TURNS

    @property
    def forwarded(self) -> float:
        """The share that the alerter forwards, as far as it is known."""
        return max(LEAST_FORWARDED, self.share) if self.ours >= ENOUGH else 1.0

    def chance(self, dispersion: float) -> float:
        """How likely it is that by chance alone so little was taken at the level.

        `dispersion` is how much more live traffic varies than a Poisson process (1 for one): it
        comes in bursts of so many alerts. Of one that varies less (or is not known: 0) the time
        tells nothing, for it may come as evenly as from a full limiter.
        """
        is_random = dispersion >= 1
        size = max(1.0, dispersion)
        quiet = self.quiet + self.quiet_full
        busy = self.under_way + self.under_way_full
        tally = Tally(self.ours, self.seen, self.ours_full, self.seen_full)
        bursts = self.live / size * busy / quiet if quiet else 0.0
        share_full = self.under_way_full / busy if busy and is_random else 0.0
        chance = tally.chance_among(bursts, size, share_full)
        return chance * self.chance_of_live(dispersion)

    def chance_of_live(self, dispersion: float) -> float:
        """The same of live alerts alone."""
        quiet = self.quiet + self.quiet_full
        is_random = dispersion >= 1 and quiet > 0
        return (self.quiet / quiet) ** (self.live / dispersion) if is_random else 1.0
