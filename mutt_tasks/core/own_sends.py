"""Our own replays of the limiter's last period: when, how many, and how surely they reach it."""

from dataclasses import dataclass, replace

from mutt_tasks.core.limiter import Limiter

# Remembered in this many parts of a period, of this many seconds at most, and until they have left
# the limiter's window. They reach it this many seconds after they were sent: less than the time
# between two slices, so that each slice knows of the one before.
_PARTS, _LONGEST_PART, _LAG_SECONDS = 50, 0.1, 0.015

Sends = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class OwnSends:
    """Moments (seconds since 1970) and numbers: of `all` replays, and of those that are `sure`.

    Sure ones went straight to the forwarder's queue; of the others the alerter forwards some.
    """

    all: Sends = ()
    sure: Sends = ()

    def since_last_period(self, limiter: Limiter, now: float) -> "OwnSends":
        """Without those that have left the limiter's window."""
        oldest = now - limiter.period - _LAG_SECONDS
        return OwnSends(
            tuple((at, n) for at, n in self.all if oldest < at <= now),
            tuple((at, n) for at, n in self.sure if oldest < at <= now),
        )

    def spent(self, messages: int, period: float, now: float, is_sure: bool) -> "OwnSends":
        """With so many more, remembered for a limiter's `period` in seconds."""
        sent = replace(self, all=_with(self.all, messages, period, now))
        return replace(sent, sure=_with(self.sure, messages, period, now)) if is_sure else sent

    def taken_back(self, messages: int) -> "OwnSends":
        """Without so many of the newest, which have not reached the limiter and will not."""
        return OwnSends(_without(self.all, messages), _without(self.sure, messages))

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(n for _, n in self.all)

    def all_in_window(self, limiter: Limiter, now: float) -> int:
        """How many of all can have reached the limiter within its last period."""
        return _in_window(self.all, limiter.period, now)

    def all_recent(self, limiter: Limiter, now: float) -> int:
        """How many of all can have reached the limiter within its last `span`."""
        return _in_window(self.all, limiter.span, now)

    def others_in_window(self, limiter: Limiter, queued: int, now: float) -> float:
        """How many alerts of the last period were not ours; `queued` of ours may still wait."""
        ours = max(0, self.all_in_window(limiter, now) - queued)
        return float(max(0, limiter.used - ours))

    def others_recent(self, limiter: Limiter, queued: int, now: float) -> float:
        """The same of the last `span`."""
        ours = max(0, self.all_recent(limiter, now) - queued)
        return float(max(0, limiter.accepted.recent - ours))

    def sure_since(self, moment: float, now: float) -> int:
        """How many of the sure ones, sent after a moment, have had time to reach it."""
        return sum(n for at, n in self.sure if moment < at <= now - _LAG_SECONDS)

    def sure_in_window(self, limiter: Limiter, now: float) -> int:
        """How many of the sure ones can have reached it within its last period."""
        return _in_window(self.sure, limiter.period, now)


def _in_window(sends: Sends, seconds: float, now: float) -> int:
    newest = now - _LAG_SECONDS
    return sum(n for at, n in sends if newest - seconds < at <= newest)


def _without(sends: Sends, messages: int) -> Sends:
    while sends and messages >= sends[-1][1]:
        messages -= sends[-1][1]
        sends = sends[:-1]
    return (*sends[:-1], (sends[-1][0], sends[-1][1] - messages)) if sends else sends


def _with(sends: Sends, messages: int, period: float, now: float) -> Sends:
    """The sends with one more; what went at about the same moment is one entry."""
    if sends and 0 <= now - sends[-1][0] < min(period / _PARTS, _LONGEST_PART):
        return (*sends[:-1], (sends[-1][0], sends[-1][1] + messages))
    return (*sends, (now, messages))
