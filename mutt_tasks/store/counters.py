"""Every counter: its name, written and read through here and nowhere else.

All counters are fields of one hash. A name is a family's word and, behind colons, its labels:
`loops`, `replayed:alerter`, `cycles:alerter:held:paused`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mutt_tasks.core.policy import QUARANTINE_REASONS
from mutt_tasks.store.fields import text, whole_number

Increments = Mapping[str, int]


@dataclass(frozen=True)
class Family:
    """Counters with one meaning, told apart by the values of their labels."""

    word: str
    labels: tuple[str, ...] = ()

    def of(self, *values: str) -> str:
        """The name of the counter with these values of its labels, in their order.

        Raises ValueError when there is not one for each label.
        """
        if len(values) != len(self.labels):
            raise ValueError(f"{self.word}: got {len(values)} labels, accepts {self.labels}")
        return ":".join((self.word, *values))


_ROUTE = ("route",)

# Cycles that ended, and what became of them on each route.
LOOPS = Family("loops")
CYCLES = Family("cycles", ("route", "outcome", "reason"))
LIMITS = Family("limits", ("route", "limit"))
TICKS_REFUSED = Family("ticks", ("reason",))

# Messages that left a dead letter queue: put back, or set aside for a reason.
REPLAYED = Family("replayed", _ROUTE)
QUARANTINED = {reason: Family(reason, _ROUTE) for reason in QUARANTINE_REASONS}
MOVED = {"replayed": REPLAYED, **QUARANTINED}

# Alerts that were moved aside untried, before an outage could destroy them.
SHELTERED = Family("sheltered", _ROUTE)

# What became of replays; STUCK is what earlier releases called LANDED.
LANDED, STUCK = Family("landed", _ROUTE), Family("stuck", _ROUTE)
# RETURNED are counted when they are seen to come back, BOUNCED when they leave again.
BOUNCED, FORGIVEN = Family("bounced", _ROUTE), Family("forgiven", _ROUTE)
RETURNED = Family("returned", _ROUTE)
# Alerts that bounced, each counted when it does so for the first time.
FIRST_BOUNCED = Family("first_bounced", _ROUTE)
TRIPS = Family("trips", _ROUTE)
BAD_COUNTERS = Family("odd", _ROUTE)
REQUEUED = Family("requeued", _ROUTE)

# Messages of an export that operators pushed to a list again.
IMPORTED = Family("imported", _ROUTE)

# What operators' jobs did with messages, by the list that these lay in.
DISCARDED, EDITED = Family("discarded", _ROUTE), Family("edited", _ROUTE)
REDIRECTED, UNDONE = Family("redirected", _ROUTE), Family("undone", _ROUTE)
# Removed from the trash, by the list that they lay in before.
EMPTIED = Family("emptied", _ROUTE)
# Dead letters that were exported and removed because of their age.
EXPIRED = Family("expired", _ROUTE)
# Taken to the old end of their list, to go first.
GATHERED = Family("gathered", _ROUTE)
OF_JOBS = (DISCARDED, EDITED, REDIRECTED, UNDONE, REQUEUED, GATHERED, EXPIRED)
# What a job replayed and came back to the dead letter queue.
CAME_BACK = Family("came_back", ("job",))

# Times that the forwarder dropped what it was sent, and replays believed lost by it.
DROPS, DROPPED = Family("drops"), Family("dropped")

# How long cycles took: cycles by the histogram's bucket, and the sum in microseconds.
DURATION_BUCKET, DURATION_SUM = Family("duration:le", ("bound",)), Family("duration:us")
# Upper bounds in seconds: a cycle is milliseconds of Redis, at most a probe's timeout longer.
DURATION_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# When the last cycle ended, in ms since 1970: no counter, but kept with them.
LAST_CYCLE_MS = "last_cycle_ms"


def duration(seconds: float) -> dict[str, int]:
    """What a cycle that took `seconds` adds to the histogram."""
    bound = next((f"{bound:g}" for bound in DURATION_BOUNDS if seconds <= bound), "+Inf")
    return {DURATION_SUM.of(): round(seconds * 1_000_000), DURATION_BUCKET.of(bound): 1}


def without_zeros(increments: Increments) -> dict[str, int]:
    """The counters that grow."""
    return {name: amount for name, amount in increments.items() if amount}


@dataclass(frozen=True)
class Counters:
    """The counters as they stand."""

    by_name: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, fields: Mapping[bytes, bytes]) -> "Counters":
        """The counters in a hash; what is no whole number is passed over."""
        found = {text(name): whole_number(value) for name, value in fields.items()}
        return cls({name: value for name, value in found.items() if value is not None})

    def value(self, name: str) -> int:
        """One counter; 0 when it was never raised."""
        return self.by_name.get(name, 0)

    def total(self, family: Family) -> int:
        """All counters of a family together."""
        return sum(self.family(family).values())

    def family(self, family: Family) -> dict[tuple[str, ...], int]:
        """Every counter of a family, by the values of its labels, sorted."""
        start = family.word + ":"
        found = {
            tuple(name[len(start) :].split(":", len(family.labels) - 1)): value
            for name, value in sorted(self.by_name.items())
            if family.labels and name.startswith(start)
        }
        return {values: n for values, n in found.items() if len(values) == len(family.labels)}

    @property
    def last_cycle(self) -> float | None:
        """When the last cycle ended, in seconds since 1970; None before the first."""
        moment = self.by_name.get(LAST_CYCLE_MS)
        return None if moment is None else moment / 1000
