"""Shelter: what stands before a forwarder that cannot deliver is moved aside in time.

The forwarder's limiter destroys what is too fast, and a forwarder that comes back to a long queue
is too fast: it works it off at a hundred alerts a second. So what it could not take in one period
is moved from its queue into its dead letter queue, untried, and comes back at the pace of any
replay.
"""

from dataclasses import dataclass
from math import floor

from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.live_traffic import LiveTraffic
from mutt_tasks.core.message import HEADER_FIELD, parse
from mutt_tasks.core.routes import Route

# A forwarder that would need longer than this for its queue, at the rate of its last period, does
# not deliver in time: it sleeps after a failure, its breaker is open, or it is away. In seconds.
IN_TIME_SECONDS = 5.0

# At most this share of the limiter's alerts stays in the queue. What comes live joins them until
# the next look, which a busy machine may delay by a second or two.
KEPT_SHARE = 0.2


def kept(limiter: Limiter, traffic: LiveTraffic) -> int:
    """How many alerts may stand before the forwarder without meeting a full window.

    Those that come live in the same period need room as well; one always stays, for a forwarder
    that finds nothing to try cannot find out that Moogsoft is back.
    """
    beside_live = floor(limiter.limit - traffic.most(limiter.period / limiter.span))
    return max(1, min(int(KEPT_SHARE * limiter.limit), beside_live))


def excess(queued: int, limiter: Limiter, traffic: LiveTraffic) -> int:
    """How many of the `queued` alerts have to be moved aside now.

    None where the forwarder would deliver all of them in time.
    """
    if _is_in_time(queued, limiter.used, limiter.period):
        return 0
    return max(0, queued - kept(limiter, traffic))


def stands_too_long(queued: int, used: int, limit: int, period: float) -> bool:
    """Whether a queue stands before a limiter of which no more is known than its settings.

    It accepts `limit` alerts in a `period` (seconds), and took `used` in the last one.
    """
    return queued > max(1, int(KEPT_SHARE * limit)) and not _is_in_time(queued, used, period)


def _is_in_time(queued: int, used: int, period: float) -> bool:
    return queued <= used * IN_TIME_SECONDS / period


@dataclass(frozen=True)
class Sheltered:
    """An alert ready to be moved aside; `undoes_replay` says that it was a replay, now untried."""

    payload: bytes
    undoes_replay: bool = False


def sheltered(raw: bytes, route: Route, cycle: str) -> Sheltered:
    """An alert with the mark that it was moved aside, on the forwarder's `route`.

    A replay that the forwarder has not tried is undone, so that it does not count. What is no JSON
    object goes as it is.
    """
    message = parse(raw, frozenset({HEADER_FIELD, *route.reset_fields}))
    if message is None:
        return Sheltered(raw)
    is_untried = all(message.count(field).value == 0 for field in route.reset_fields)
    undoes_replay = is_untried and message.header.replays > 0
    header = message.header.sheltered(undoes_replay)
    return Sheltered(message.stamped(header.encode(route.name, cycle)), undoes_replay)
