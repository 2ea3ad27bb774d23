"""The key space, drawn once.

    mutt:remediation:lease          string   who may move messages now; expires
    mutt:remediation:drain          hash     what the lease's holder does; outlives a killed worker
    mutt:remediation:tick           string   when the last beat tick was accepted, ms
    mutt:remediation:health         hash     last answer of the probe, when the last ones were asked
                                             for, and the forwarder's breaker where it has no date
    mutt:remediation:stats          hash     every counter, and when the last cycle ended
    mutt:remediation:journal        stream   what each cycle did and why, oldest trimmed
    mutt:remediation:paused         hash     an operator's pause: actor, reason, since; expires
    mutt:remediation:pace           hash     replay rate, live traffic, the consumers' limits and
                                             whether they drop what is sent
    mutt:remediation:route:<name>   hash     a route's last commit, place in the queue, and flow
    mutt:remediation:request:<kind>:<id>
                                    string   what was done for an operator's request; expires

Read, never written: the pipeline's own `mutt:config:<key>`, its forwarder's limiter and its
breaker, `mutt:circuit_breaker:moogsoft:*` (`mutt:circuit:moog:open` in older versions). The message
lists and the limiter are named by the settings.
"""

PREFIX = "mutt:remediation:"

LEASE = PREFIX + "lease"
DRAIN = PREFIX + "drain"
TICK = PREFIX + "tick"
HEALTH = PREFIX + "health"
STATS = PREFIX + "stats"
JOURNAL = PREFIX + "journal"
PAUSED = PREFIX + "paused"
PACE = PREFIX + "pace"

BREAKER = "mutt:circuit_breaker:moogsoft:state"
BREAKER_OPEN_TIME = "mutt:circuit_breaker:moogsoft:open_time"
OLD_BREAKER = "mutt:circuit:moog:open"
FAILURES = "mutt:circuit_breaker:moogsoft:failures"


def route_state(route: str) -> str:
    """The state hash of one route."""
    return f"{PREFIX}route:{route}"


def request(kind: str, request_id: str) -> str:
    """What was done for an operator's request of a kind: `pause`, `resume`, `requeue`."""
    return f"{PREFIX}request:{kind}:{request_id}"


def config(name: str) -> str:
    """A value of the pipeline's runtime configuration."""
    return f"mutt:config:{name}"
