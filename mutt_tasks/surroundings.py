"""What a cycle needs of the world beside Redis: clocks, waiting, ids, Moogsoft's answer, memory.

They are passed in as one value, so that tests and benchmarks give their own instead of patching.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from mutt_tasks import moogsoft
from mutt_tasks.moogsoft import Answer
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store


@dataclass(frozen=True)
class ScanBounds:
    """How far one selection looks past messages that wait, and for how long.

    At most `messages` and `data_bytes` are held in memory; the next selection goes on where this
    one stopped, so a larger queue only takes more of them. One that takes more than `seconds` to
    read goes as it is: far below the time that a step may take, also where the worker gets a
    quarter of a processor. A job takes nothing out of a list behind more than `deep` older
    messages: a commit there would take Redis more than about a millisecond longer.
    """

    messages: int = 10_000
    data_bytes: int = 16 << 20
    seconds: float = 5.0
    deep: int = 10_000


def new_id() -> str:
    """An id that no other cycle has: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Surroundings:
    """Clocks, waiting, ids and the probe.

    `now` is the time by Redis' own clock, in seconds since 1970: one clock for every worker and
    beat. `monotonic` measures durations in this process, in seconds, and `wait` lets that many
    seconds pass. `probe` asks Moogsoft, given the settings and the time. `scan` is how much memory
    and time this process gives to one selection. `has_redis_clock` says that `now` is really Redis'
    clock: then what is read there tells the time as well.
    """

    now: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    new_id: Callable[[], str] = new_id
    probe: Callable[[Settings, float], Answer] = moogsoft.probe
    scan: ScanBounds = ScanBounds()
    has_redis_clock: bool = False

    def moment(self, told: float) -> float:
        """The moment of a read, for which Redis has `told` that of its own clock."""
        return told if self.has_redis_clock else self.now()

    @classmethod
    def of(cls, store: Store) -> "Surroundings":
        """The real ones, with the clock of this store's Redis."""
        return cls(store.now, has_redis_clock=True)
