"""The key space, drawn once.

    mutt:remediation:lease          string   who may move messages now; expires
    mutt:remediation:lease:taken    string   how often it was taken: tells a late wish for it
    mutt:remediation:drain          hash     what the lease's holder does; outlives a killed worker
    mutt:remediation:tick           string   when the last beat tick was accepted, ms
    mutt:remediation:health         hash     last answer of the probe, when the last ones were asked
                                             for, and the forwarder's breaker where it has no date
    mutt:remediation:stats          hash     every counter, and when the last cycle ended
    mutt:remediation:journal        stream   what each cycle did and why, oldest trimmed
    mutt:remediation:paused         hash     an operator's pause: actor, reason, since; expires
    mutt:remediation:pace           hash     replay rate, live traffic, the consumers' limits and
                                             whether they drop what is sent
    mutt:remediation:levels         hash     what the service levels are reckoned from, now and at
                                             moments of the last month
    mutt:remediation:route:<name>   hash     a route's last commit, place in the queue, and flow
    mutt:remediation:request:<kind>:<id>
                                    string   what was done for an operator's request; expires
    mutt:remediation:plan:<id>      hash     a plan; expires
    mutt:remediation:plan:<id>:set:<list>
                                    string   the digests of the messages that it means
    mutt:remediation:audit          stream   who changed what and why, a chain of hashes
    mutt:remediation:audit:head     hash     the end of that chain
    mutt:remediation:audit:logged   string   id of the last entry that a worker has logged
    mutt:remediation:audit:seen     hash     what others changed and the audit has: runtime settings
    mutt:remediation:checks         hash     what was found when books and audit were last checked
    mutt:remediation:note:<id>      list     what was noted about a message or group; expires
    mutt:remediation:ack:<id>       hash     who takes care of it, and until when; expires then
    mutt:remediation:acks           zset     those that are acknowledged, by when that ends, ms
    mutt:remediation:jobs           zset     every job, by when it was submitted
    mutt:remediation:jobs:active    zset     those that have not ended
    mutt:remediation:job:<id>       hash     one job; expires some weeks after its end
    mutt:remediation:job:<id>:done:<list>
                                    string   bitmap over the frozen set: what is done
    mutt:remediation:trash          zset     jobs that threw something away, by when it is removed
    mutt:remediation:trash:<job>:<list>
                                    list     what it took from there, byte for byte
    mutt:remediation:aside:<list>   list     while somebody works deep inside a list: what is older
    mutt:remediation:front:<list>   list     what is to go first, on its way to the list's old end
    mutt:remediation:forward:<list> string   behind how many messages that wait that lies; expires
    mutt:remediation:notify:lease   string   which notifier sends now; expires
    mutt:remediation:notify:state   hash     how far it has read, what there is to tell, and what
                                             each target was told
    mutt:remediation:notify:sending:<target>
                                    hash     the message that is under way there; expires

Read, never written: the pipeline's own `mutt:config:<key>`, its forwarder's limiter and its
breaker, `mutt:circuit_breaker:moogsoft:*` (`mutt:circuit:moog:open` in older versions). The message
lists and the limiter are named by the settings.
"""

PREFIX = "mutt:remediation:"

LEASE = PREFIX + "lease"
LEASE_TAKEN = PREFIX + "lease:taken"
DRAIN = PREFIX + "drain"
TICK = PREFIX + "tick"
HEALTH = PREFIX + "health"
STATS = PREFIX + "stats"
JOURNAL = PREFIX + "journal"
PAUSED = PREFIX + "paused"
PACE = PREFIX + "pace"
CHECKS = PREFIX + "checks"
LEVELS = PREFIX + "levels"

BREAKER = "mutt:circuit_breaker:moogsoft:state"
BREAKER_OPEN_TIME = "mutt:circuit_breaker:moogsoft:open_time"
OLD_BREAKER = "mutt:circuit:moog:open"
FAILURES = "mutt:circuit_breaker:moogsoft:failures"

AUDIT = PREFIX + "audit"
AUDIT_HEAD = PREFIX + "audit:head"
AUDIT_LOGGED = PREFIX + "audit:logged"
AUDIT_SEEN = PREFIX + "audit:seen"
ACKS = PREFIX + "acks"
JOBS = PREFIX + "jobs"
ACTIVE_JOBS = PREFIX + "jobs:active"
TRASH = PREFIX + "trash"

NOTIFY_LEASE = PREFIX + "notify:lease"
NOTIFY_STATE = PREFIX + "notify:state"


def notify_sending(target: str) -> str:
    """The message that is under way to a target."""
    return f"{PREFIX}notify:sending:{target}"


def route_state(route: str) -> str:
    """The state hash of one route."""
    return f"{PREFIX}route:{route}"


def plan(plan_id: str) -> str:
    """One plan."""
    return f"{PREFIX}plan:{plan_id}"


def plan_set(plan_id: str, source: str) -> str:
    """The messages of one list that a plan means."""
    return f"{PREFIX}plan:{plan_id}:set:{source}"


def note(subject: str) -> str:
    """What was noted about a message or a group."""
    return f"{PREFIX}note:{subject}"


def ack(subject: str) -> str:
    """Who takes care of a message or a group."""
    return f"{PREFIX}ack:{subject}"


def job(job_id: str) -> str:
    """One job."""
    return f"{PREFIX}job:{job_id}"


def job_done(job_id: str, source: str) -> str:
    """Which messages of a job's frozen set for one list are done."""
    return f"{PREFIX}job:{job_id}:done:{source}"


def job_edit(job_id: str) -> str:
    """The bytes that an edit puts in a message's place."""
    return f"{PREFIX}job:{job_id}:edit"


def trash(job_id: str, source: str) -> str:
    """What a job threw away from one list."""
    return f"{PREFIX}trash:{job_id}:{source}"


def aside(source: str) -> str:
    """What is older than the place where a job works inside a list."""
    return f"{PREFIX}aside:{source}"


def front(source: str) -> str:
    """What was found deep inside a list, on its way to the list's old end."""
    return f"{PREFIX}front:{source}"


def forward(source: str) -> str:
    """Behind how many messages that wait lies what a drain wants at the list's old end."""
    return f"{PREFIX}forward:{source}"


def request(kind: str, request_id: str) -> str:
    """What was done for an operator's request of a kind: `pause`, `resume`, `requeue`."""
    return f"{PREFIX}request:{kind}:{request_id}"


def config(name: str) -> str:
    """A value of the pipeline's runtime configuration."""
    return f"mutt:config:{name}"
