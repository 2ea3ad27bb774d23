"""What a cycle knows of the traffic before the forwarder's limiter, shared by all of its routes.

It is read from Redis once; while the cycle holds the lease nobody else changes it. Whatever the
looks of a cycle teach is written with the next commit, or at the end of the cycle.
"""

from dataclasses import replace
from math import inf
from typing import Any

from mutt_tasks.core.congestion import at_once, stands
from mutt_tasks.core.consumer_limits import (
    ConsumerLimits,
    FollowedLimits,
    with_runtime_values,
)
from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.limits import (
    CHECKING,
    DROPPING,
    NO_ROOM,
    QUEUE_STANDING,
    RATE_LIMITED,
    SHED_ABOVE,
    Allowance,
)
from mutt_tasks.core.pace import ENOUGH_SAMPLES, Pace
from mutt_tasks.core.sight import Sight
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch
from mutt_tasks.settings import Settings
from mutt_tasks.store.readings import Window
from mutt_tasks.store.route_reading import RouteReading
from mutt_tasks.store.states import encoded


class Traffic:
    """The pace, the consumers' limits, and whether the forwarder drops what it is sent.

    `found_dropping` replays are believed lost by a drop that this cycle has found (0: none).
    `alert_queue` alerts stood before the forwarder at the last look.
    """

    def __init__(self, settings: Settings) -> None:
        self._static = ConsumerLimits(
            settings.forwarder.rate_limit, settings.forwarder.rate_period, SHED_ABOVE
        )
        self._max_rate = settings.pace.max_rate
        self._limits = FollowedLimits()
        self._is_read = False
        self._is_written = True
        self.pace = Pace()
        self.watch = Watch()
        self.limiter = Limiter(settings.forwarder.rate_limit, settings.forwarder.rate_period)
        self.found_dropping = 0
        self.alert_queue = 0
        self._is_off = False

    @property
    def window(self) -> Window:
        """What the limiter counts over, as far as it is known."""
        period = self._limits.period or self._static.period
        return Window(period, self.pace.clock.skew)

    @property
    def shed_above(self) -> int:
        """Above this length of the alert queue the alerter sheds."""
        return self._limits.shed_above if self._limits.period else SHED_ABOVE

    @property
    def is_watching(self) -> bool:
        """Whether replays of the last period have yet to be seen to arrive."""
        return self._max_rate != 0 and bool(self.pace.sends.all)

    def read(self, reading: RouteReading, now: float) -> None:
        """Take over what Redis keeps (once), and what runtime configuration says now."""
        if not self._is_read:
            self.pace, self.watch = reading.pace, reading.watch
            self._limits, self._is_read = reading.limits, True
        self.alert_queue = reading.depths.alert_queue
        runtime = with_runtime_values(self._static, *reading.consumer_limits)
        before = self._limits
        self._limits = before.followed(self._static, runtime, reading.accepted.used, now)
        # Where it is off the forwarder leaves no trace of what it takes, and drops nothing.
        self._is_off = self._limits.may_be_off(now) and not reading.accepted.is_there
        if before.period and before.in_force != self._limits.in_force:
            self.watch = self.watch.forgotten()

    def look(self, reading: RouteReading, now: float) -> None:
        """Learn from a look at the limiter and the queues."""
        limits = self._limits
        believed = self.limiter_of(reading)
        pace = self.pace.observed(believed, reading.queued, now)
        sight = _sight(pace, believed, reading.queued, now)
        watch = self.watch if self._max_rate == 0 else self.watch.looked(sight, now)
        if self._is_off:
            pace, watch = replace(pace, unseen=0), self.watch.interrupted()
        if watch.drop.drops > self.watch.drop.drops:
            self.found_dropping = watch.drop.dropped
            pace = pace.forgotten(now)  # what was dropped looked like less traffic
        if pace.have_vanished and not self.pace.have_vanished and self._max_rate is None:
            self.found_dropping = pace.unseen
        self.limiter = replace(believed, limit=watch.drop.limit(limits.alerts))
        self.pace, self.watch, self._is_written = pace, watch, False

    def limiter_of(self, reading: RouteReading) -> Limiter:
        """The forwarder's limiter as settings and runtime configuration describe it."""
        limits = self._limits
        is_failing = bool(reading.failures)
        return Limiter(limits.alerts, limits.period, reading.accepted, is_failing)

    def live_now(self, reading: RouteReading, now: float) -> float:
        """How many alerts of the limiter's last period were not ours."""
        return self.pace.sends.others_in_window(self.limiter_of(reading), reading.queued, now)

    def taken_back(self, replays: int) -> None:
        """Alerts were moved out of the queue, so many of them replays that reach no limiter."""
        pace = self.pace.came_back(replays)
        self.pace = replace(pace, sends=pace.sends.taken_back(replays))
        self.watch = self.watch.interrupted()
        self._is_written = False

    def came_back(self, replays: int) -> None:
        """So many replays lie in a dead letter queue again."""
        self.pace, self._is_written = self.pace.came_back(replays), False

    def allowance(self, reading: RouteReading, now: float) -> Allowance | None:
        """How many replays may go by the rate, and why no more; None when it is not limited."""
        rate = self.pace.rate(self._max_rate, self.limiter)
        if rate is None:
            return None
        if self.watch.drop.is_held(now):
            return Allowance(0, DROPPING)
        if self.pace.seen_at and stands(self.limiter, reading.queued):
            return Allowance(0, QUEUE_STANDING)
        if self.watch.is_checking(now):
            trial = self.watch.trial
            return Allowance(trial.may_send, NO_ROOM if trial.is_crowded else CHECKING)
        if self.watch.drop.is_dropping:
            is_free = not reading.queued and self.limiter.used < self.limiter.limit
            return Allowance(int(is_free), DROPPING)
        if self.limit_needed:
            return Allowance(0, NO_ROOM)
        left = min(self.pace.room(self.limiter, reading.queued), 1e9)
        if self.pace.seen_at and self._max_rate is None:
            left = min(left, at_once(self.limiter, reading.queued))
        delay = 0.0
        if rate < inf:
            self.pace = self.pace.refilled(rate, now)
            left = min(left, self.pace.bucket.tokens)
            delay = self.pace.bucket.delay(rate)
        return Allowance(int(left), DROPPING if self._has_lost else RATE_LIMITED, delay)

    @property
    def limit_needed(self) -> int:
        """With which limit replays would have room, where live traffic alone fills it; else 0."""
        return 0 if self._max_rate == 0 else self.pace.limit_needed(self.limiter)

    @property
    def _has_lost(self) -> bool:
        """Whether replays vanish, for all that can be seen; an operator's rate is believed."""
        return self.pace.have_vanished and self._max_rate is None

    def bears_suspect(self, suspects: Suspects, reading: RouteReading, now: float) -> bool:
        """Whether live traffic can bear an alert that may put the forwarder to sleep."""
        failures = reading.failures
        return suspects.may_go(self.pace, self.limiter, reading.queued, failures, now)

    def after(self, replays: int, is_sure: bool, now: float) -> tuple[Pace, Watch]:
        """Pace and watch after so many replays; `is_sure` when they go straight to its queue."""
        pace = self.pace.spent(replays, self.limiter.period, now, is_sure)
        return pace, self.watch.sent(replays, is_sure, now) if replays else self.watch

    def written(self, pace: Pace, watch: Watch) -> None:
        """A commit has written these."""
        self.pace, self.watch, self._is_written = pace, watch, True

    def fields(self, pace: Pace, watch: Watch) -> dict[str, str]:
        """The fields of the pace hash."""
        return encoded(pace) | encoded(watch) | encoded(self._limits)

    def unwritten(self) -> dict[str, Any]:
        """What no commit has written yet."""
        return {} if self._is_written else self.fields(self.pace, self.watch)


def _sight(pace: Pace, believed: Limiter, queued: int, now: float) -> Sight:
    """What a look at the limiter tells the watch."""
    sends, judged_from = pace.sends, pace.clock.judged_from(believed, now)
    sent, sure = sends.all_in_window(believed, now), sends.sure_in_window(believed, now)
    return Sight(
        used=believed.used,
        queued=queued,
        sure=sends.sure_since(judged_from, now),
        certain=sends.sure_since(max(judged_from, now - believed.period / 2), now),
        unsure=sent - sure,
        live=sends.others_in_window(believed, queued, now),
        period=believed.period,
        limit=believed.limit,
        newest=believed.accepted.newest - pace.clock.skew,
        longest_gap=believed.longest_gap,
        leaving=believed.accepted.leaving,
        stride=believed.accepted.stride,
        dispersion=pace.traffic.dispersion if pace.traffic.samples >= ENOUGH_SAMPLES else 0.0,
        is_failing=believed.is_failing,
    )
