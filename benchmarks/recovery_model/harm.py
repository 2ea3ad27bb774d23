"""Situations in which replays cost alerts although nothing is wrong with the pipeline.

Its limits change while we drain, our settings do not match it, nobody takes, an alert fails alone.
"""

from benchmarks.recovery_model.outages import OUTAGES
from benchmarks.recovery_model.scenario import EVEN, POISSON, SCENARIOS, Change, Scenario
from stand_ins import runtime

# A drain is under way by then.
_SOON = 10.0
_BACKLOG = 800


def _lowered(name: str, about: str, limit: int, live_rate: float, secretly: bool) -> Scenario:
    return Scenario(
        name,
        about,
        live_rate=live_rate,
        backlog_alerter=_BACKLOG,
        changes=(Change(_SOON, runtime.RATE_LIMIT, str(limit), secretly=secretly),),
        cap_seconds=1200.0,
    )


def _smaller(limit: int, live_rate: float, pattern: str) -> Scenario:
    return Scenario(
        f"limit-{limit}-from-the-start-{pattern}",
        f"The forwarder's limit has always been {limit}/s, our MOOG_RATE_LIMIT says 50;"
        f" {live_rate:g} live/s, {pattern}.",
        live_rate=live_rate,
        live_pattern=pattern,
        backlog_alerter=_BACKLOG,
        limit=limit,
        env=(("MOOG_RATE_LIMIT", "50"),),
        cap_seconds=1200.0,
    )


def _wrong_key(limit: int) -> Scenario:
    return Scenario(
        f"wrong-key-{limit}",
        f"MOOG_RATE_LIMIT_KEY names a key that no forwarder uses; the true limit is {limit}/s.",
        live_rate=2.0,
        backlog_alerter=_BACKLOG,
        limit=limit,
        env=(("MOOG_RATE_LIMIT", "50"), ("MOOG_RATE_LIMIT_KEY", "mutt:rate_limit:elsewhere")),
        cap_seconds=1200.0,
    )


def _late(name: str, about: str, live_rate: float) -> Scenario:
    return Scenario(
        name,
        f"First start while the forwarder is away for two minutes, 400 waiting; {about}.",
        live_rate=live_rate,
        backlog_alerter=400,
        forwarder_from=120.0,
        cap_seconds=1200.0,
    )


def _suspects(amount: int, live_rate: float, forwarders: int) -> Scenario:
    pair = "two forwarders" if forwarders == 2 else "one forwarder"
    return Scenario(
        f"suspects-{amount}" + ("-two-forwarders" if forwarders == 2 else ""),
        f"{amount} alerts wait that always get 500, under {live_rate:g} live/s; {pair}.",
        live_rate=live_rate,
        suspects=amount,
        forwarders=forwarders,
        cap_seconds=1200.0,
    )


def _shedding(mode: str, about: str) -> Scenario:
    return Scenario(
        f"shed-at-5-{mode}",
        f"The shed threshold is set to 5 at run time, mode {mode}: {about}.",
        live_rate=15.0,
        backlog_alerter=_BACKLOG,
        changes=(
            Change(_SOON, runtime.SHED_THRESHOLD, "5"),
            Change(_SOON, runtime.SHED_MODE, mode),
        ),
        cap_seconds=1200.0,
    )


HARM = {
    scenario.name: scenario
    for scenario in (
        _lowered("limit-to-5", "moog_rate_limit is set from 50 to 5 in a drain.", 5, 1.0, False),
        _lowered("limit-to-30", "moog_rate_limit is set from 50 to 30.", 30, 15.0, False),
        _lowered(
            "limit-to-5-secretly",
            "The forwarder's limit is 5/s from now on, our MOOG_RATE_LIMIT still 50.",
            *(5, 1.0, True),
        ),
        _lowered(
            "limit-to-30-secretly",
            "The forwarder's limit is 30/s from now on, our MOOG_RATE_LIMIT still 50.",
            *(30, 15.0, True),
        ),
        _smaller(30, 8.0, POISSON),
        _smaller(30, 8.0, EVEN),
        _smaller(35, 5.0, POISSON),
        Scenario(
            "crowded",
            "The forwarder's limit has always been 5/s, our MOOG_RATE_LIMIT says 50;"
            " 10 evenly spaced live/s fill it alone.",
            live_rate=10.0,
            live_pattern=EVEN,
            backlog_alerter=_BACKLOG,
            limit=5,
            env=(("MOOG_RATE_LIMIT", "50"),),
            cap_seconds=60.0,
        ),
        _wrong_key(50),
        _wrong_key(5),
        _late("late-forwarder", "no live events", 0.0),
        _late("late-forwarder-live", "5 live/s", 5.0),
        _suspects(2, 15.0, 1),
        _suspects(1, 5.0, 1),
        _suspects(2, 15.0, 2),
        _suspects(1, 5.0, 2),
        _shedding("dlq", "live events go to its dead letter queue"),
        _shedding("defer", "the alerter pauses"),
        Scenario(
            "incomplete",
            "50 events without a message text lie among 400: the alerter destroys them.",
            live_rate=5.0,
            backlog_alerter=400,
            backlog_incomplete=50,
            cap_seconds=1200.0,
        ),
        Scenario(
            "unmatched",
            "Of 400 events half match no rule: they reach the alerter and no forwarder.",
            live_rate=5.0,
            backlog_alerter=200,
            backlog_unmatched=200,
            cap_seconds=1200.0,
        ),
        Scenario(
            "unmatched-even",
            "400 events match no rule, under 10 evenly spaced live events/s that do.",
            live_rate=10.0,
            live_pattern=EVEN,
            backlog_unmatched=400,
            cap_seconds=1200.0,
        ),
    )
}

ALL = SCENARIOS | OUTAGES | HARM
