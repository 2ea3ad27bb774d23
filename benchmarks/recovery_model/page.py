"""docs/recovery.md."""

from math import isnan

from benchmarks.recovery_model.causal_bound import bound_of
from benchmarks.recovery_model.least import POISON_RESTS
from benchmarks.recovery_model.measures import (
    DELAY_TARGET,
    POISON_REPLAYS,
    TIME_TARGET,
    Measures,
)
from benchmarks.recovery_model.run import NONE, OURS, REPLAYING
from benchmarks.recovery_model.scenario import SCENARIOS, Scenario
from benchmarks.recovery_model.words import COLUMNS, duration, row, table, verdict

INTRO = f"""\
# Recovery

How fast a backlog drains after trouble, and at what cost to the alerts that come in meanwhile.
`make bench-recovery` writes this page; every run has a seed, so the same code gives the same
numbers.

The service's own code runs on a real Redis, in virtual time, against a model of the pipeline that
does what MUTT's source says (`stand_ins/facts.py`): live events; a serial alerter (2 ms an
event) that tries four times, **destroys** events without host name, time stamp or text, and sheds,
20 events/s, while more than 2,000 alerts wait; a forwarder with one thread (10 ms a POST) that
sleeps 1, 2, 4 … 32 s after an alert's failures while everything behind it waits; its limiter
(50/s), which **drops for good** what meets a full window; and its circuit breaker, which opens
after 10 failures in a row for 300 s, in which alerts spend their retries without a POST, and then
lets everything through until a try decides. Both obey limits that are changed while they run
(`mutt:config:*`). Unless a scenario says otherwise 20 live events/s arrive at random (Poisson).

- **ours**: this service with its defaults, a tick of beat every 300 s.
- **predecessor**: every 300 s, while Moogsoft is healthy, ten messages of the alerter's queue,
  their counters as they are.
- **fixed**: a redrive at 500/s from each queue, counters reset, started by an operator 5 s after
  the end of the trouble, and again 10 minutes later while messages came back, five times at most.
- **at_once**: everything in one go at the same moments, counters reset.
- **none**: nobody replays anything: what is dropped and delayed anyway.

## How to read it

- **Time to recover** runs from the end of the trouble (or the start, where there is none) until all
  that was in a dead letter queue has come to its end: at Moogsoft, or dropped, or in the dead list.
  So a backlog that was only moved to another queue does not count as recovered. *never*: the policy
  was through, and messages were left; *>*: given up then, at 12 times the least possible or after
  12 h (20 minutes at least).
- **× least** divides it by the least possible: the good messages in the dead letter queues when the
  trouble is over (and the alerts that still wait then, where no limiter drops them), by what the
  narrowest of limiter, forwarder, Moogsoft (and, for its own messages, alerter) carries beside the
  live events, and the time until the forwarder's breaker lets anything pass again. Where there is
  poison it is {POISON_RESTS:.0f} s at
  least, the rests between its three replays. Below 1 means that alerts were dropped, or that live
  events had to wait behind the replays.
- **Alerts dropped because of it**: by the forwarder's limiter, replays and live alerts alike,
  beyond those that `none` drops up to the same moment.
- **p99 live delay added**: 99th percentile, over the live events that came while something was left
  to recover, of the time to Moogsoft beyond that of the same event in `none`.
- **Replays dropped**, **live alerts dropped**: the same told apart by whose they were, live alerts
  beyond those that `none` drops of the same events. **Destroyed**: events that the alerter threw
  away, beyond those in `none`.
- **Odd ones left**: poison, and alerts that always get 500, that lie in a dead letter queue still.
- **Lost**: nowhere at the end. **Doubled**: in two places, or delivered twice.
- **Targets**: at most {TIME_TARGET} × least; no alert dropped because of it; no good message
  quarantined; every poison message quarantined after exactly {POISON_REPLAYS} replays that count;
  p99 at most {DELAY_TARGET:g} s; nothing lost or doubled.
"""


EVENLY = """The same where live events are evenly spaced, as from a poller:
"""

TRADEOFF = """## Time against drops

Where the limiter is the narrowest part and live events come at random, nobody who does not know the
future can have both: a replay stays in the limiter's window for a second, and room has to be
kept for as many live alerts as may come by chance meanwhile. Kept for more of them, fewer
alerts are dropped and the backlog takes longer. `HEADROOM_SIGMAS` says how rare the chance is
that room is kept for, in standard deviations of a normal distribution. An alert that is dropped
is lost for good, and a backlog that takes half as long again is not: the default, 4.1, is where
both cost least together, if thirty drops are as bad as an hour of waiting.

What is left after that: the few replays that are on their way in the moment when Moogsoft fails
wait in the alert queue, which meets a full window when the forwarder comes back (flapping). And
after trouble that Moogsoft's probe shows, the next tick of beat has to come: 150 s on average at
the default interval, which is 0.03 of the least possible in moogsoft-down and 0.9 in flapping.
"""

BOUND = """Where the limiter is the narrowest part, nobody who does not know the future is faster
than this at one drop an hour (`benchmarks/recovery_model/causal_bound.py` says why). It is the time
of the drain alone; ours includes that until the end of the trouble is noticed.
"""

TRADEOFF_PICTURE = """
![Time, drops and delay by the constant's value, a dot for each seed](recovery-tradeoff.png)
"""


def page(
    found: dict[tuple[str, str], Measures],
    scenarios: list[Scenario],
    even: list[Measures],
    tradeoff: str,
) -> str:
    """The page; `found` is by scenario and policy, `even` with evenly spaced live events."""
    ours = [found[scenario.name, OURS] for scenario in scenarios]
    parts = [INTRO, "## At a glance\n", _summary(ours), "", EVENLY, _summary(even), "", TRADEOFF]
    parts += [tradeoff, "", TRADEOFF_PICTURE]
    parts += [BOUND, _bounds(ours), ""]
    parts += [
        "## The backlog over time\n",
        "![The backlog over time under each policy](recovery.png)\n",
        "## Scenario by scenario\n",
    ]
    for scenario in scenarios:
        rows = [row(found[scenario.name, policy]) for policy in (*REPLAYING, NONE)]
        least = found[scenario.name, NONE].least
        parts += [
            f"### {scenario.name}\n",
            f"{scenario.about} Least possible: {duration(least)}.\n",
            table(COLUMNS, rows),
            "",
        ]
    return "\n".join(parts).rstrip() + "\n"


def _bounds(runs: list[Measures]) -> str:
    """Ours beside what is possible, where the limiter bounds it."""
    rows = []
    for one in runs:
        scenario = SCENARIOS.get(one.scenario)
        bound = bound_of(scenario, 1.0) if scenario else None
        if bound and not isnan(one.ratio):
            rows.append(
                [one.scenario, *(f"{x:.2f}" for x in (one.ratio, bound, one.ratio / bound))]
            )
    return table(["scenario", "× least", "possible", "ours / possible"], rows)


def _summary(runs: list[Measures]) -> str:
    rows = [[one.scenario, *row(one)[1:4], row(one)[7], verdict(one)] for one in runs]
    columns = ["scenario", *COLUMNS[1:4], COLUMNS[7], "targets"]
    return table(columns, rows)
