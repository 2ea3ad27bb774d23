"""The forwarder's rate limit: a sliding window in a sorted set of moments in epoch milliseconds."""

from collections import deque

from stand_ins import facts, runtime
from stand_ins.runtime import RuntimeConfig

# For scripts to build on: whether the window has a place; takes one if so.
TAKE_PLACE = """
local function take_place(window, limit, period_ms, now_ms, member, expiry)
  redis.call('ZREMRANGEBYSCORE', window, 0, now_ms - period_ms)
  if redis.call('ZCARD', window) >= tonumber(limit) then return false end
  redis.call('ZADD', window, now_ms, member)
  redis.call('EXPIRE', window, expiry)
  return true
end
"""


def place(limit: int, period_ms: int, now_ms: int) -> list[int | str]:
    """The arguments of `take_place` after the window's key."""
    return [limit, period_ms, now_ms, member(now_ms), expiry(period_ms)]


def member(now_ms: int) -> str:
    """The sorted-set member of a place that was taken at this moment.

    Redis seeds Lua's `math.random` alike for every script run: alerts admitted in
    the same millisecond share one member, and one place. Valkey does not.
    """
    return f"{now_ms}:0.17082803611217"


def expiry(period_ms: int) -> int:
    """After how many idle seconds the window's key is gone: MUTT gives milliseconds as seconds."""
    return period_ms


class Window:
    """The same window without a Redis: alerts of one millisecond share one place."""

    def __init__(self) -> None:
        self._moments: deque[int] = deque()

    def takes(self, limit: int, period_ms: int, now_ms: int) -> bool:
        """Whether there is a place; takes it if so."""
        moments = self._moments
        while moments and moments[0] <= now_ms - period_ms:
            moments.popleft()
        if len(moments) >= limit:
            return False
        if not moments or moments[-1] != now_ms:
            moments.append(now_ms)
        return True


class Limits:
    """The limits that a forwarder obeys: those of the runtime configuration, else its own.

    Of its own it accepts `limit` alerts in a `period` of seconds.
    """

    def __init__(
        self,
        config: RuntimeConfig,
        limit: int = facts.RATE_LIMIT,
        period: float = facts.RATE_PERIOD,
    ) -> None:
        self.limit, self.period = limit, period
        self._config = config

    def now(self) -> tuple[int, int]:
        """Alerts in a window, and its length in ms."""
        limit = self._config.number(runtime.RATE_LIMIT, self.limit)
        period = self._config.number(runtime.RATE_PERIOD, self.period)
        return limit, round(period * 1000)
