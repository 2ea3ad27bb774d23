"""Whether the forwarder takes what is sent to it, or drops it: no setting is trusted for that.

The forwarder drops for good what meets a full window of its limiter, and a drop leaves no trace
there: the more is dropped, the more room there seems to be. But what was sent and no longer lies
in a queue must appear in the window. If it does not, the limiter is smaller than it is believed
to be, or another one, and every further replay would be destroyed, live alerts with it.

An event that the alerter does not forward (no rule matches it) does not appear either. So nothing
that is taken for a while, or a window that stays at its highest number of alerts, is a suspicion
only, and a trial decides (core/trial.py).
"""

from dataclasses import dataclass, replace
from math import ceil, sqrt

from mutt_tasks.core.drop import CLOCK_SECONDS, LONGEST_HOLD, Drop
from mutt_tasks.core.saturation import Saturation
from mutt_tasks.core.shortfall import FEW, SHARED, Missing, Shortfall
from mutt_tasks.core.sight import Sight
from mutt_tasks.core.stretch import ENOUGH, Span, Stretch
from mutt_tasks.core.trial import LEAST_OVER, Trial, Verdict

# After a trial that blamed nobody there is none for this many seconds, doubling with each in a row.
QUIET_SECONDS, LONGEST_QUIET = 5.0, 60.0

# After a failure of the forwarder there is none for this many periods of its limiter.
DISTURBED_PERIODS = 2.0

# A window is looked into if chance explains only this badly that it stays at a level (SUSPICIOUS),
# or if so many alerts in a row that should have been taken were not (SILENT). In a quiet time it is
# if chance is as little as CERTAIN, or if LONG times as many are missing, in a row or at the level,
# twice as many for each trial that blamed nobody. An UNLIKELY one teaches nothing of live traffic.
CERTAIN, SUSPICIOUS, UNLIKELY, SILENT, LONG = 1e-7, 1e-3, 0.02, 7.0, 4.0

# A trial leaves one standard deviation of live traffic (a Poisson stream) free. With none, up to 35
# live alerts were dropped under a limit of 30; with two, one of 40 that is believed to be 50 was
# rarely found.
FREE_SIGMAS = 1.0

# How much one period counts in the average of live traffic.
_WEIGHT = 0.1


@dataclass(frozen=True)
class Watch:
    """What the looks so far have shown; moments in seconds since 1970, 0 for never.

    `live` is the average of live alerts in a period, `share` of what the alerter forwards, and
    `saturation` what the limiter's window looked like. `missing` tells since when replays are
    missing that must have arrived, and `shortfall` sums up those of the last periods. While a
    `trial` is on, only its own replays go; after `innocents` in a row that blamed nobody there is
    none before `quiet_until`. `drop` remembers the last drop.
    """

    live: float = 0.0
    sampled_at: float = 0.0
    share: float = 1.0
    saturation: Saturation = Saturation()
    missing: Missing = Missing()
    shortfall: Shortfall = Shortfall()
    trial: Trial = Trial()
    innocents: int = 0
    quiet_until: float = 0.0
    drop: Drop = Drop()

    def looked(self, sight: Sight, now: float) -> "Watch":
        """The watch after one more look."""
        watch = self._sane(now)._remembering(sight, now)
        span = watch.saturation.span(sight, now)
        expected = watch.live * span.seconds / sight.period + watch.share * span.ours
        saturation = watch.saturation.looked(span, sight, expected, now)
        shortfall = watch.shortfall.looked(sight, now)
        watch = replace(watch, saturation=saturation, shortfall=shortfall)
        if now < watch.drop.holds_until:
            return watch
        if sight.is_failing:
            return watch._disturbed(sight, now)
        if watch.trial.is_on:
            return watch._tried(sight, span, now)
        if watch.shortfall.is_certain(sight):
            watch = replace(watch, missing=watch.missing.looked(True, now))
            is_lasting = watch.missing.is_lasting(now)
            return watch._dropping(sight.missing, sight.used, now) if is_lasting else watch
        if watch.drop.canary_at:
            return replace(watch, missing=Missing())._canary_looked(sight, now)
        return watch._suspecting(sight, now)

    def is_checking(self, now: float) -> bool:
        """Whether nothing may go for a moment but what a trial sends."""
        return self.trial.is_on and now >= self.drop.holds_until

    def sent(self, replays: int, is_sure: bool, now: float) -> "Watch":
        """The watch after replays went; while a drop is remembered one is a canary."""
        watch = replace(self, saturation=self.saturation.sent(replays, now))
        if self.trial.may_send:
            return replace(watch, trial=self.trial.sent(replays, is_sure, now))
        is_canary = self.drop.is_dropping
        return replace(watch, drop=self.drop.canary_sent(now)) if is_canary else watch

    def interrupted(self) -> "Watch":
        """The watch after alerts were taken out of the queue: what is missing now tells nothing."""
        kept = replace(self.forgotten(), innocents=self.innocents, quiet_until=self.quiet_until)
        return replace(kept, drop=self.drop.without_canary())

    def _disturbed(self, sight: Sight, now: float) -> "Watch":
        """The watch while the forwarder sleeps: for some periods fewer alerts than usual arrive."""
        quiet = min(LONGEST_QUIET, DISTURBED_PERIODS * sight.period)
        return replace(self.interrupted(), quiet_until=max(self.quiet_until, now + quiet))

    def forgotten(self) -> "Watch":
        """The watch without what it learnt of the limiter, whose settings have changed."""
        return Watch(live=self.live, sampled_at=self.sampled_at, share=self.share)

    def _sane(self, now: float) -> "Watch":
        """A clock that jumped back makes it start anew."""
        moments = (self.sampled_at, self.saturation.looked_at, self.trial.since, self.shortfall.at)
        latest = max(*moments, self.trial.part_at, self.drop.dropped_at, self.drop.canary_at)
        is_too_long = self.drop.holds_until > now + LONGEST_HOLD
        is_too_long = is_too_long or self.quiet_until > now + LONGEST_QUIET
        return Watch() if latest > now + 1 or is_too_long else self

    def _remembering(self, sight: Sight, now: float) -> "Watch":
        """Without an estimate that is too old, or that the limiter itself has disproved."""
        surely_used = (sight.used - FEW) / (1 + SHARED)
        return self.forgotten() if self.drop.is_forgotten(surely_used, now) else self

    def _sampled(self, sight: Sight, now: float) -> "Watch":
        if now - self.sampled_at < sight.period:
            return self
        weight = _WEIGHT if self.sampled_at else 1.0
        live = self.live + weight * (sight.live - self.live)
        return replace(self, live=live, sampled_at=now)

    def _suspecting(self, sight: Sight, now: float) -> "Watch":
        """Whether the window looks full, or nothing arrives any more."""
        chance, level = self.saturation.fullest(sight.dispersion)
        unseen = self.saturation.unseen
        if chance > UNLIKELY and unseen < FEW:
            # What is dropped looks like less traffic: a full window teaches nothing.
            return self._sampled(sight, now)
        is_silent = unseen >= SILENT
        # If it is full, then below what it holds while nothing is taken.
        level = sight.used if is_silent else level
        # At the limit that it keeps to, our own pace holds the window steady.
        was_room = level + LEAST_OVER < self._usable(sight)
        if not was_room or not sight.sent or sight.queued > FEW:
            return self
        many = SILENT * LONG * 2.0 ** min(self.innocents, 32)
        missing = max(unseen, self.saturation.missing(self.share))
        is_plain = chance <= CERTAIN or missing >= many
        if now < self.quiet_until and not is_plain:
            return self
        if is_silent or chance <= SUSPICIOUS:
            trial = Trial(now, level, sight.dispersion, Stretch(now), missing=unseen)
            return replace(self, trial=trial)
        return self

    def _usable(self, sight: Sight) -> int:
        """How full a trial may make the window: room for live alerts to vary stays free."""
        return self.drop.limit(sight.limit) - ceil(FREE_SIGMAS * sqrt(self.live))

    def _tried(self, sight: Sight, span: Span, now: float) -> "Watch":
        """The watch after a look in a trial."""
        trial, verdict = self.trial.looked(replace(sight, limit=self._usable(sight)), span, now)
        stretch = trial.stretch
        if verdict is Verdict.OPEN:
            return replace(self, trial=trial)
        if verdict is Verdict.FULL:
            missing = trial.missing + stretch.ours_full - stretch.seen_full
            return self._dropping(missing, stretch.level, now)
        quiet = min(LONGEST_QUIET, QUIET_SECONDS * 2.0 ** min(self.innocents, 32))
        return replace(
            self,
            trial=Trial(),
            saturation=Saturation(),
            share=stretch.share if stretch.ours >= ENOUGH else self.share,
            innocents=self.innocents + 1,
            quiet_until=now + quiet,
        )

    def _canary_looked(self, sight: Sight, now: float) -> "Watch":
        """Whether a single replay that went after a drop has been taken."""
        drop = self.drop
        if sight.queued or now - drop.canary_at < sight.period / 2:
            return self
        if sight.used or sight.newest >= drop.canary_at - CLOCK_SECONDS:
            return replace(self, saturation=Saturation(), drop=drop.canary_passed())
        if now - drop.canary_at < sight.period + 1.0:
            return self
        return self._dropping(1, drop.ceiling, now)

    def _dropping(self, missing: float, ceiling: int, now: float) -> "Watch":
        return replace(self.forgotten(), drop=self.drop.found(missing, ceiling, now))
