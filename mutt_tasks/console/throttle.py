"""What fails often is made to wait: wrong keys of one address, refused attempts of one person."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

SECONDS = 60.0
# More than these are not told apart.
_APART = 10_000


@dataclass
class Throttle:
    """Counts failures by who they are of, by a clock in seconds.

    So many are borne in a minute of one (`most`), and of all together (`in_all`).
    """

    clock: Callable[[], float]
    most: int = 5
    in_all: int = 100
    _of: dict[str, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def wait(self, whose: str) -> float:
        """For how many seconds this one (an address or a name) may not try; 0 when it may."""
        now = self.clock()
        own = self._of.get(_network(whose), deque())
        counted = ((_lately(own, now), self.most), (_lately(self._all, now), self.in_all))
        left = [times[-most] + SECONDS - now for times, most in counted if len(times) >= most]
        return max(left, default=0.0)

    def failed(self, whose: str) -> None:
        """Something of this one has failed."""
        now, name = self.clock(), _network(whose)
        if name not in self._of and len(self._of) >= _APART:
            self._of = {each: times for each, times in self._of.items() if _lately(times, now)}
        if name in self._of or len(self._of) < _APART:
            self._of.setdefault(name, deque(maxlen=self.most)).append(now)
        self._all.append(now)


def _lately(times: deque[float], now: float) -> deque[float]:
    while times and times[0] <= now - SECONDS:
        times.popleft()
    return times


def _network(address: str) -> str:
    """An address, of IPv6 the network that one customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return found.exploded[:19] if found.version == 6 else str(found)
