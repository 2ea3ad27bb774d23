"""Alerts that failed alone: when one of them may be tried again, and how long it waits for that.

An alert that fails again and again puts the forwarder to sleep after each try, a minute in all, and
the live alerts that come meanwhile meet the limiter as a wall once it wakes. So an alert that
used up its tries while others passed is a *suspect*: one of them is under way at a time, and
only while live traffic is so light that the limiter can take what comes in the longest sleep.
What failed in an outage is no suspect: there everything failed.
"""

from dataclasses import dataclass, replace
from math import sqrt

from mutt_tasks.core.in_flight import STICK_SECONDS
from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.live_traffic import CHANCE_SIGMAS
from mutt_tasks.core.pace import Pace

# MUTT's forwarder tries six times and sleeps 1, 2, 4, 8, 16 and 32 s in between.
TRIES, LONGEST_SLEEP = 6, 32.0
# Ten failures in a row open its breaker: one suspect's must not be the last ones of them.
BREAKER_FAILURES = 10

# The forwarder has given up a suspect for certain after this many seconds (sleeps and timeouts);
# if it counts its failures and has none this soon after, the suspect has passed.
GIVEN_UP_SECONDS, PASSED_SECONDS = 130.0, 2.0

# A suspect that has to wait is looked at again after this many seconds.
LOOK_AGAIN_SECONDS = 5.0

# More alerts at a time than this do not fail each for a reason of its own: it was an outage.
MANY = 20

# Live traffic has to be known for this many seconds at least.
KNOWN_SECONDS = 60.0

# So many suspects are remembered with the moment since when they wait.
_KEPT = 100

Since = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Suspects:
    """What a route knows of its suspects; moments in seconds since 1970, 0 for never.

    The `cleared` oldest messages of the source came there in an outage. The last trouble was at
    `trouble_at`, and the last look saw some if `was_trouble`; the last suspect was replayed at
    `sent_at`. `since` pairs the checksums of waiting suspects with the moments when they were first
    seen; `waiting` is how many there are.
    """

    cleared: int = 0
    trouble_at: float = 0.0
    was_trouble: bool = False
    sent_at: float = 0.0
    waiting: int = 0
    since: Since = ()

    def looked(
        self, depth: int, fresh: int, is_first: bool, is_trouble: bool, now: float
    ) -> "Suspects":
        """What is known after a look at the source, which holds `depth` messages.

        `fresh` messages came since the last look for the first time; `is_first` says that there
        was no look before, `is_trouble` that Moogsoft is down or everything fails.
        """
        trouble_at = now if is_trouble else min(self.trouble_at, now)
        # What came since a look that saw trouble came in it, however long ago that was.
        is_outage = self.was_trouble or (trouble_at > 0 and now - trouble_at < STICK_SECONDS)
        is_outage = is_outage or max(fresh, depth if is_first else 0) > MANY
        cleared = depth if is_outage else min(self.cleared, depth)
        return replace(
            self,
            cleared=cleared,
            trouble_at=trouble_at,
            was_trouble=is_trouble,
            # The last one may have left with nothing behind it that would be looked at.
            waiting=min(self.waiting, depth),
            since=self.since if depth else (),
        )

    def may_go(
        self, pace: Pace, limiter: Limiter, queued: int, failures: int | None, now: float
    ) -> bool:
        """Whether live traffic can bear a suspect now.

        `queued` messages lie before the forwarder, which counts `failures` in a row (None: it keeps
        no count).
        """
        load = pace.load
        if queued or not load.since or now - load.since < KNOWN_SECONDS:
            return False
        if (failures or 0) + TRIES >= BREAKER_FAILURES:
            return False
        since = now - self.sent_at
        has_passed = failures == 0 and since >= PASSED_SECONDS
        if 0 <= since < GIVEN_UP_SECONDS and not has_passed:
            return False
        # What comes while it sleeps goes all at once, and is in the window with what comes next.
        seconds = LONGEST_SLEEP + limiter.period
        many = load.peak * seconds
        is_light = many + CHANCE_SIGMAS * sqrt(many) < limiter.limit
        return is_light and pace.traffic.most(seconds / limiter.span) < limiter.limit

    def waiting_since(self, checksum: int, now: float) -> float:
        """When a suspect began to wait."""
        moment = next((moment for known, moment in self.since if known == checksum), now)
        return min(moment, now)

    def seen(self, checksums: list[int], is_all: bool, now: float) -> "Suspects":
        """The state after these were seen to wait; `is_all` says that there are no others."""
        known = dict(self.since)
        kept = {} if is_all else known
        since = kept | {each: min(known.get(each, now), now) for each in checksums}
        return replace(self, since=tuple(since.items())[:_KEPT], waiting=len(since))

    def moved(self, positions: list[int], sent: bool, now: float) -> "Suspects":
        """The state after messages at these places, counted from the oldest, left the source.

        `sent` says that one of them was a suspect that is replayed.
        """
        left = sum(place < self.cleared for place in positions)
        return replace(self, cleared=self.cleared - left, sent_at=now if sent else self.sent_at)
