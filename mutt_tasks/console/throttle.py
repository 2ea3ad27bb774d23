"""Wrong keys cost time: after a few from one address, and after many in all, nobody tries more."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

# So many wrong keys in a minute from one address, and from all together.
MOST, MOST_IN_ALL, SECONDS = 5, 100, 60.0
# More addresses are not told apart.
_ADDRESSES = 10_000


@dataclass
class Throttle:
    """Counts wrong keys by address, by a clock in seconds."""

    clock: Callable[[], float]
    _of: dict[str, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=deque)

    def wait(self, address: str) -> float:
        """For how many seconds this address may not try; 0 when it may."""
        now = self.clock()
        own = self._of.get(_network(address), deque())
        left = [
            times[0] + SECONDS - now
            for times, most in ((_lately(own, now), MOST), (_lately(self._all, now), MOST_IN_ALL))
            if len(times) >= most
        ]
        return max(left, default=0.0)

    def failed(self, address: str) -> None:
        """A wrong key came from this address."""
        now, network = self.clock(), _network(address)
        if network not in self._of and len(self._of) >= _ADDRESSES:
            self._of = {name: times for name, times in self._of.items() if _lately(times, now)}
        if len(self._of) < _ADDRESSES:
            self._of.setdefault(network, deque(maxlen=MOST)).append(now)
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
