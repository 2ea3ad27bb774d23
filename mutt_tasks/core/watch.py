"""Whether the forwarder takes what is sent to it, or drops it: no setting is trusted for that.

The forwarder drops for good what meets a full window of its limiter, and a drop leaves no trace
there: the more is dropped, the more room there seems to be. But what was sent and no longer lies
in a queue must appear in the window. If it does not, the limiter is smaller than it is believed
to be, or another one, and every further replay would be destroyed, live alerts with it.

An event that the alerter does not forward (no rule matches it) does not appear either. So what is
missing there, or a window that stays at its highest number of alerts, is a suspicion only, and a
trial decides (core/trial.py).
"""

from dataclasses import dataclass, replace
from math import sqrt

from mutt_tasks.core.fullness import Fullness
from mutt_tasks.core.trial import LEAST_OVER, Trial, Verdict

# Replays that may be on their way between a queue and the limiter, and the share of alerts that
# have their millisecond in common with another one: in the limiter's set both count once.
FEW, SHARED = 3, 0.05

# After a trial that blamed nobody there is none for this many seconds, doubling with each in a row.
QUIET_SECONDS, LONGEST_QUIET = 5.0, 60.0

# The forwarder's clock is known this well.
CLOCK_SECONDS = 0.1

# After a drop nothing goes for this many seconds, doubling with each drop in a row.
HOLD_SECONDS, LONGEST_HOLD = 10.0, 600.0

# The estimate of the limiter is used this far, and forgotten after this many seconds without a
# drop, doubling as well.
SAFE_SHARE, MEMORY_SECONDS, LONGEST_MEMORY = 0.9, 3600.0, 86_400.0

# This share of what was missing still counts a period later.
_OWED_KEPT = 0.8

# How much one period counts in the average of live traffic.
_WEIGHT = 0.1


@dataclass(frozen=True)
class Sight:
    """One look at the limiter, which is believed to take `limit` alerts.

    `used` are in its window, `queued` have not reached it yet. `sure` replays were sent straight
    to its queue within the last period, `certain` ones of them lately enough to be there although
    the clocks of several forwarders differ; `unsure` ones went through the alerter. `live` is how
    many alerts of the window were not ours. The last alert was taken at `newest` (seconds since
    1970, by Redis' clock).
    """

    used: int
    queued: int
    sure: int
    certain: int
    unsure: int
    live: float
    period: float
    limit: int
    newest: float = 0.0

    @property
    def sent(self) -> int:
        """Every replay of the last period."""
        return self.sure + self.unsure


@dataclass(frozen=True)
class Watch:
    """What the looks so far have shown; moments in seconds since 1970, 0 for never.

    `live` is the average of live alerts in a period, `share` of what the alerter forwards, `window`
    what the limiter's window looked like. `missing` counts looks in a row at which replays were
    suddenly missing, and `owed` sums up those missing in the last periods, as of `owed_at`. While a
    `trial` is on, nothing goes but its own replays; after `innocents` in a row that blamed nobody
    there is none before `quiet_until`.

    After a drop `ceiling` is what the limiter takes (-1: no drop is remembered) and nothing goes
    before `holds_until`; then one replay goes as a canary, at `canary_at`, and nothing else until
    it `has_passed`. `drops` counts drops in a row; `dropped` is how many replays the last one is
    believed to have cost.
    """

    live: float = 0.0
    sampled_at: float = 0.0
    share: float = 1.0
    window: Fullness = Fullness()
    missing: int = 0
    owed: float = 0.0
    owed_at: float = 0.0
    trial: Trial = Trial()
    innocents: int = 0
    quiet_until: float = 0.0
    ceiling: int = -1
    dropped_at: float = 0.0
    holds_until: float = 0.0
    has_passed: bool = True
    canary_at: float = 0.0
    drops: int = 0
    dropped: int = 0

    def looked(self, sight: Sight, now: float) -> "Watch":
        """The watch after one more look."""
        watch = self if _is_sane(self, now) else Watch()
        watch = watch._remembering(sight, now)._owing(sight, now)
        if now < watch.holds_until:
            return watch
        if watch.trial.is_on:
            return _tried(watch, sight, now)
        if watch._is_missing_for_sure(sight):
            watch = replace(watch, missing=watch.missing + 1)
            if watch.missing == 1:
                return watch  # one look may fall between the queue and the limiter
            missing = sight.sure - sight.queued - sight.used
            return watch.dropping(missing, sight.used, now)
        if watch.canary_at:
            return replace(watch, missing=0)._canary_looked(sight, now)
        return _suspecting(watch, sight, now)

    @property
    def is_dropping(self) -> bool:
        """Whether a drop was seen and no canary has passed since."""
        return self.ceiling >= 0 and not self.has_passed

    def is_held(self, now: float) -> bool:
        """Whether nothing may go: a drop is too recent, or its canary has not arrived yet."""
        return now < self.holds_until or bool(self.canary_at)

    def is_checking(self, now: float) -> bool:
        """Whether nothing may go for a moment but what a trial sends."""
        return self.trial.is_on and now >= self.holds_until

    def limit(self, believed: int) -> int:
        """How many alerts the limiter takes in a period, given what is `believed`."""
        if self.ceiling < 0:
            return believed
        return min(believed, max(1, int(SAFE_SHARE * self.ceiling)))

    def sent(self, replays: int, is_sure: bool, now: float) -> "Watch":
        """The watch after replays went; while a drop is remembered one is a canary."""
        if self.trial.may_send:
            return replace(self, trial=self.trial.sent(replays, is_sure, now))
        return replace(self, canary_at=now) if self.is_dropping else self

    def interrupted(self) -> "Watch":
        """The watch after alerts were taken out of the queue: what is missing now tells nothing."""
        return replace(self, window=Fullness(), missing=0, owed=0.0, trial=Trial(), canary_at=0.0)

    def forgotten(self) -> "Watch":
        """The watch without what it learnt of the limiter, whose settings have changed."""
        return Watch(live=self.live, sampled_at=self.sampled_at, share=self.share)

    def _remembering(self, sight: Sight, now: float) -> "Watch":
        """Without an estimate that is too old, or that the limiter itself has disproved."""
        if self.ceiling < 0:
            return self
        memory = min(LONGEST_MEMORY, MEMORY_SECONDS * 2.0 ** min(self.drops - 1, 32))
        is_wrong = sight.used > self.ceiling * (1 + SHARED) + FEW
        if is_wrong or now - self.dropped_at > memory:
            return self.forgotten()
        return self

    def sampled(self, sight: Sight, now: float) -> "Watch":
        """The watch with one more sample of live traffic, once a period."""
        if now - self.sampled_at < sight.period:
            return self
        weight = _WEIGHT if self.sampled_at else 1.0
        live = self.live + weight * (sight.live - self.live)
        return replace(self, live=live, sampled_at=now)

    def _owing(self, sight: Sight, now: float) -> "Watch":
        """The watch with what a period has left missing: a few each time are many in the end."""
        if now - self.owed_at < sight.period:
            return self
        missing = max(0, sight.certain - sight.queued - sight.used - 1)
        return replace(self, owed=_OWED_KEPT * self.owed + missing, owed_at=now)

    def _is_missing_for_sure(self, sight: Sight) -> bool:
        missing = sight.certain - sight.queued - sight.used
        return missing > FEW + SHARED * sight.certain or (missing > 0 and self.owed > FEW)

    def _canary_looked(self, sight: Sight, now: float) -> "Watch":
        """Whether a single replay that went after a drop has been taken."""
        if sight.queued or now - self.canary_at < sight.period / 2:
            return self
        if sight.used or sight.newest >= self.canary_at - CLOCK_SECONDS:
            return replace(self, window=Fullness(), canary_at=0.0, has_passed=True)
        if now - self.canary_at < sight.period + 1.0:
            return self
        return self.dropping(1, self.ceiling, now)

    def dropping(self, missing: float, ceiling: int, now: float) -> "Watch":
        """The watch after a drop of about so many replays, where `ceiling` alerts were taken."""
        drops = self.drops + 1
        return replace(
            self,
            window=Fullness(),
            ceiling=ceiling,
            dropped_at=now,
            holds_until=now + min(LONGEST_HOLD, HOLD_SECONDS * 2.0 ** min(drops - 1, 32)),
            has_passed=False,
            canary_at=0.0,
            trial=Trial(),
            innocents=0,
            quiet_until=0.0,
            missing=0,
            owed=0.0,
            drops=drops,
            dropped=max(1, round(missing)),
        )


def _is_sane(watch: Watch, now: float) -> bool:
    """Whether no moment lies in the future, as after a clock that jumped back."""
    moments = (watch.sampled_at, watch.window.stretch.since, watch.trial.since, watch.owed_at)
    latest = max(*moments, watch.trial.part_at, watch.dropped_at, watch.canary_at)
    holds, quiet = watch.holds_until - now, watch.quiet_until - now
    return latest <= now + 1 and holds <= LONGEST_HOLD and quiet <= LONGEST_QUIET


def _suspecting(watch: Watch, sight: Sight, now: float) -> Watch:
    """Whether the window looks full, or less arrives than the alerter usually forwards."""
    window = watch.window.looked(sight.used, sight.period, now)
    expected = sight.sure + watch.share * sight.unsure + watch.live
    by_chance = FEW + SHARED * sight.sent + sqrt(watch.live)
    is_short = expected - sight.queued - sight.used > by_chance
    watch = replace(watch, window=window, missing=watch.missing + 1 if is_short else 0)
    is_full = window.is_full(sight.period, now)
    if not (is_full or is_short):
        # What is dropped looks like less traffic: a full window teaches nothing.
        return watch.sampled(sight, now)
    # At the limit that it keeps to, our own pace holds the window steady.
    was_room = window.highest + LEAST_OVER < watch.limit(sight.limit)
    if now < watch.quiet_until or not was_room or not sight.sent or sight.queued > FEW:
        return watch
    if is_full or watch.missing > 1:
        return replace(watch, missing=0, trial=Trial(now, window.highest))
    return watch


def _tried(watch: Watch, sight: Sight, now: float) -> Watch:
    """The watch after a look in a trial."""
    trial, verdict = watch.trial.looked(replace(sight, limit=watch.limit(sight.limit)), now)
    if verdict is Verdict.OPEN:
        return replace(watch, trial=trial)
    if verdict is Verdict.FULL:
        return watch.dropping(trial.tally.missing, trial.peak, now)
    quiet = min(LONGEST_QUIET, QUIET_SECONDS * 2.0 ** min(watch.innocents, 32))
    return replace(
        watch,
        trial=Trial(),
        window=Fullness(),
        share=trial.tally.share if trial.tally.low else watch.share,
        innocents=watch.innocents + 1,
        quiet_until=now + quiet,
    )
