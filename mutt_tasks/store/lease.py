"""The lease: who may move messages now.

Its value is a cycle's id, followed by the step that holds it; every write of a cycle checks
it (fencing), so a step that was delayed, delivered twice or overtaken changes nothing. How long it
lives only decides how soon a dead holder is noticed. What its holder does stands beside it, and
stays when the lease runs out: so it can be seen that a drain was under way.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import redis

from mutt_tasks.core.routes import Route
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import TICKS_REFUSED
from mutt_tasks.store.scripts import Scripts

# Each step renews the lease, and a step that takes longer does so on its way (RENEW_SECONDS). The
# longest stretch between is reading a batch (5 s); a task waits for the worker's slot for less.
TTL_MS = 10_000
RENEW_SECONDS = 2.0

# A drain's lease outlives the delay before its next cycle, which is at most
# REMEDIATION_DRAIN_INTERVAL, a minute.
LONGEST_DELAY_MS = 60_000

# A drain's next cycle that is so late will not come: its worker is gone.
OVERDUE_MS = 3_000


class Acquired(StrEnum):
    """What became of a wish to start a cycle."""

    YES = "acquired"
    BUSY = "busy"
    EARLY = "early"


class Step(StrEnum):
    """What the lease's holder does."""

    STARTING = "starting"
    CHECKING = "checking"
    REPLAYING = "replaying"
    GUARDING = "guarding"
    RESTING = "resting"


class TakeOver(StrEnum):
    """Which drains a new cycle takes the lease from while they rest between two cycles."""

    OVERDUE = "overdue"
    ASKING = "asking"
    ANY = "any"


@dataclass(frozen=True)
class Holder:
    """Who has the lease: the cycle, its step, and what holds the drain (empty: nothing).

    The drain began at `since` (seconds since 1970), and was last heard of `silent` seconds ago.
    Of a holder that does not say it, each is empty or 0.
    """

    cycle: str
    doing: str
    reason: str
    since: float
    silent: float


class Lease:
    """Take, pass on and drop the lease."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def acquire(
        self, cycle: str, tick_gap: float, take_over: TakeOver = TakeOver.OVERDUE
    ) -> tuple[Acquired, Holder | None]:
        """Take the lease for a new cycle; when that fails, also who has it.

        `tick_gap` is the least time in seconds since the last accepted tick; 0 asks for none.
        """
        answer = [b"overtaken"]
        # Each time somebody else took the lease between the two commands: that does not go on.
        while answer[0] == b"overtaken":
            with translated():
                taken: Any = self._client.get(keys.LEASE_TAKEN)
            answer = self._scripts.call(
                "acquire",
                [keys.LEASE, keys.TICK, keys.STATS, keys.DRAIN, keys.LEASE_TAKEN],
                [
                    *(cycle, TTL_MS, round(tick_gap * 1000), TTL_MS + LONGEST_DELAY_MS),
                    *(take_over.value, OVERDUE_MS),
                    *(TICKS_REFUSED.of(each.value) for each in (Acquired.BUSY, Acquired.EARLY)),
                    taken or 0,
                ],
            )
        acquired = Acquired(answer[0].decode())
        return acquired, _holder(answer[1:]) if acquired is Acquired.BUSY else None

    def advance(
        self, token: str, wanted: str, step: Step = Step.STARTING, seconds: float = 0.0
    ) -> bool:
        """Pass the lease from one holder to the next; False when it does not hold `token`.

        `seconds` is what the step may take longer than others.
        """
        return self._advance(token, wanted, step, longer=seconds)

    def linger(self, token: str, next_cycle: str, delay: float) -> bool:
        """Hand the lease on to a drain's next cycle, `delay` seconds from now, without this one.

        False when it does not hold `token`.
        """
        return self._advance(token, next_cycle, Step.RESTING, longer=delay, due=delay)

    def _advance(
        self, token: str, wanted: str, step: Step, *, longer: float, due: float = 0.0
    ) -> bool:
        answer = self._scripts.call(
            "advance",
            [keys.LEASE, keys.DRAIN],
            [
                *(token, wanted, TTL_MS + round(longer * 1000), step.value),
                *(wanted.partition(":")[0], round(due * 1000)),
            ],
        )
        return bool(answer[0] == b"advanced")

    def release(self, token: str) -> bool:
        """Drop the lease; False when it does not hold `token` any more."""
        return bool(self._scripts.call("release", [keys.LEASE], [token]))

    def is_free(self, *, while_resting: bool) -> bool:
        """Whether nobody has the lease, or (`while_resting`) only a drain between two cycles."""
        with translated():
            if not self._client.exists(keys.LEASE):
                return True
            doing: Any = self._client.hget(keys.DRAIN, "doing") if while_resting else None
        return bool(doing == Step.RESTING.value.encode())

    def is_up_for_taking(self, routes: tuple[Route, ...]) -> bool:
        """Whether a worker that starts has reason to start a cycle.

        A drain rests, whose worker may be gone, or nobody has the lease and messages wait.
        """
        with translated(), self._client.pipeline(transaction=True) as looks:
            looks.exists(keys.LEASE)
            looks.hget(keys.DRAIN, "doing")
            for route in routes:
                looks.llen(route.source)
            has_lease, doing, *depths = looks.execute()
        return doing == Step.RESTING.value.encode() if has_lease else bool(doing or any(depths))


def _holder(found: list[Any]) -> Holder:
    cycle, doing, reason = ((text or b"").decode("utf-8", "replace") for text in found[:3])
    since, silent = (float(number or 0) / 1000 for number in found[3:])
    return Holder(cycle, doing, reason, since, silent)
