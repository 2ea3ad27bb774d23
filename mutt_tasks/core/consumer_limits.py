"""The limits that the pipeline's consumers obey now: their operators change them at run time.

Each limit is set twice: by a consumer's environment and by the pipeline's runtime configuration,
which a consumer may or may not follow. Which of the two it follows cannot be seen from outside, so
the stricter one counts until the limiter itself shows that more than that is taken.
"""

from dataclasses import dataclass, replace

# Consumers keep a value that they read for five seconds, so a looser limit is believed later.
CACHE_SECONDS = 6.0

# Alerts beyond the stricter limit that show that the looser one is in force.
FEW = 3

LARGEST = 1_000_000_000


@dataclass(frozen=True)
class ConsumerLimits:
    """What the forwarder's limiter takes, and when the alerter sheds.

    At most `alerts` in any `period` seconds, or as many as come if the limiter `is_off`; above
    `shed_above` messages in the alert queue the alerter sheds, or stops for a while.
    """

    alerts: int
    period: float
    shed_above: int
    is_off: bool = False

    def stricter(self, other: "ConsumerLimits") -> "ConsumerLimits":
        """The stricter of both, limit by limit."""
        return ConsumerLimits(
            min(self.alerts, other.alerts),
            max(self.period, other.period),
            min(self.shed_above, other.shed_above),
            self.is_off and other.is_off,
        )


def with_runtime_values(
    static: ConsumerLimits, alerts: bytes | None, period: bytes | None, shed_above: bytes | None
) -> ConsumerLimits:
    """The limits of a consumer that follows the runtime configuration.

    A value that the consumer cannot read (it applies Python's `int`) leaves its static one in
    force. A period that is not positive switches its limiter off: with each alert the forwarder
    empties the limiter's set and has it expire at once. We go on at the pace of the static period.
    """
    shed = _whole(shed_above)
    found = _whole(alerts)
    seconds = _whole(period)
    return ConsumerLimits(
        static.alerts if found is None else max(0, found),
        static.period if seconds is None or seconds <= 0 else float(seconds),
        static.shed_above if shed is None else max(0, shed),
        is_off=seconds is not None and seconds <= 0,
    )


def _whole(raw: bytes | None) -> int | None:
    try:
        return None if raw is None else max(-LARGEST, min(LARGEST, int(raw.decode())))
    except ValueError:
        return None


@dataclass(frozen=True)
class FollowedLimits:
    """The limits in force, as far as they are known; all zero before the first look.

    `read_*` is the stricter of what was read last, and stands there since `changed_at` (seconds
    since 1970). `takes_more` says that the limiter was seen to take more than that. The runtime
    configuration said at `off_at` that there is no limiter.
    """

    alerts: int = 0
    period: float = 0.0
    shed_above: int = 0
    read_alerts: int = 0
    read_period: float = 0.0
    read_shed_above: int = 0
    changed_at: float = 0.0
    takes_more: bool = False
    off_at: float = 0.0

    @property
    def in_force(self) -> ConsumerLimits:
        """What the consumers obey, on the safe side."""
        return ConsumerLimits(self.alerts, self.period, self.shed_above)

    def may_be_off(self, now: float) -> bool:
        """Whether there may be no limiter: consumers keep what they read for some seconds."""
        return 0 <= now - self.off_at < CACHE_SECONDS + self.period

    def followed(
        self, static: ConsumerLimits, runtime: ConsumerLimits, used: int, now: float
    ) -> "FollowedLimits":
        """The limits after a look that found both, and `used` alerts in the limiter's window.

        A stricter limit holds at once, a looser one when the consumers must have noticed it.
        """
        strict = static.stricter(runtime)
        is_known = self.period > 0
        changed = not is_known or strict != self._read
        since = now if changed or self.changed_at > now else self.changed_at
        is_old_news = now - since >= CACHE_SECONDS
        limits = strict if not is_known or is_old_news else self.in_force.stricter(strict)
        takes_more = self.takes_more and not changed
        # A window that was filled before a limit was lowered has to pass first.
        if now - since >= CACHE_SECONDS + strict.period and used > strict.alerts + FEW:
            takes_more = True
        if takes_more:
            limits = replace(limits, alerts=max(static.alerts, runtime.alerts))
        return FollowedLimits(
            alerts=limits.alerts,
            period=limits.period,
            shed_above=limits.shed_above,
            read_alerts=strict.alerts,
            read_period=strict.period,
            read_shed_above=strict.shed_above,
            changed_at=since,
            takes_more=takes_more,
            off_at=now if runtime.is_off else self.off_at,
        )

    @property
    def _read(self) -> ConsumerLimits:
        return ConsumerLimits(self.read_alerts, self.read_period, self.read_shed_above)
