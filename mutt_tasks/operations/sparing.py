"""Long looks leave Redis alone most of the time, whatever else it has to do."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

# Longer looks leave Redis alone for 35 times as long as their reads took, and so take at most a
# twentieth of its time: what is measured leaves out some of the sending, which goes on while this
# thread unpacks what has come. What a person waits for begins with some reads at once.
SHARE = 36.0
FREE_READS = 20
# By so many reads it is judged what one costs Redis.
_LATELY = 50


@dataclass(frozen=True)
class Time:
    """This process' clock (`monotonic`, seconds), and how it lets seconds pass.

    `worked` is for how many seconds this thread has had a processor.
    """

    monotonic: Callable[[], float]
    wait: Callable[[float], None]
    worked: Callable[[], float] = time.thread_time


class Sparing:
    """Lets Redis rest between the reads of one look."""

    def __init__(self, its_time: Time, free_reads: int = FREE_READS) -> None:
        self._time = its_time
        self._free_reads = free_reads
        self._rests_until = 0.0
        self._began_at = self._worked = 0.0
        self._lately: deque[tuple[float, int]] = deque(maxlen=_LATELY)

    def begin(self) -> None:
        """A read is about to begin; waits for its turn."""
        rest = self._rests_until - self._time.monotonic()
        if rest > 0:
            self._time.wait(rest)
        self._began_at, self._worked = self._time.monotonic(), self._time.worked()

    def end(self, size: int) -> None:
        """The read has ended; it brought so many bytes.

        How long it took, without the time in which this thread unpacked what came, is more than
        what Redis had to do: on a busy machine both wait for a processor. The shortest of the last
        reads tells best what reads cost here; a larger one costs more, as it is larger.
        """
        worked = self._time.worked() - self._worked
        took = max(0.0, self._time.monotonic() - self._began_at - worked)
        self._lately.append((took, max(1, size)))
        cost = min(took * max(1.0, size / its_size) for took, its_size in self._lately)
        self._free_reads -= 1
        if self._free_reads < 0:
            self._rests_until = self._began_at + cost * SHARE
