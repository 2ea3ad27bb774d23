"""docs/recovery.md."""

from benchmarks.recovery_model.harm import HARM
from benchmarks.recovery_model.least import DROPS_AN_HOUR, POISON_RESTS
from benchmarks.recovery_model.measures import (
    CAUSAL_TARGET,
    DELAY_TARGET,
    POISON_REPLAYS,
    TIME_TARGET,
    Measures,
)
from benchmarks.recovery_model.run import NONE, OURS, REPLAYING
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.words import COLUMNS, duration, row, table

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
  trouble is over, and the alerts that the limiter has destroyed by then in `none` (and all that
  wait in the queues, where no limiter drops them), by what the narrowest of limiter, forwarder,
  Moogsoft (and, for its own messages, alerter) carries beside the live events, and the time until
  the forwarder's breaker lets anything pass again. Where there is poison it is {POISON_RESTS:.0f} s
  at least, the rests between its three replays. Below 1 means that alerts were lost, or that live
  events had to wait behind the replays.
- **Possible** is what nobody can beat who does not know the future, in the same unit. Where live
  events come at random and the limiter is the narrowest part, room has to be kept for those that
  may come (`benchmarks/recovery_model/causal_bound.py`, at {DROPS_AN_HOUR:.0f} drop an hour). And
  the last of many poison messages is met when nearly all else is done, so that its rests come on
  top. Where no such bound is known, as when a limit changes or would allow no replay at that
  price, it is 1: that says nothing of whether 1 can be reached.
- **Alerts dropped because of it**: by the forwarder's limiter, replays and live alerts alike,
  beyond those that `none` drops up to the same moment.
- **Lost by the pipeline itself**: live alerts that met the limiter's full window without having
  been in a dead letter queue. That is what MUTT destroys while nobody replays anything, and what a
  policy saves, or makes worse: the column before counts what is beyond `none`.
- **p99 live delay added**: 99th percentile, over the live events that came while something was left
  to recover, of the time to Moogsoft beyond that of the same event in `none`. Live events that came
  before the end of an outage, when Moogsoft took nothing yet, and were set aside meanwhile
  belong to the backlog instead: the time to recover counts them.
- **Replays dropped**, **live alerts dropped**: the same told apart by whose they were, live alerts
  beyond those that `none` drops of the same events. **Destroyed**: events that the alerter threw
  away, beyond those in `none`.
- **Odd ones left**: poison, and alerts that always get 500, that lie in a dead letter queue still.
- **Lost**: nowhere at the end. **Doubled**: in two places, or delivered twice.
- **Targets**: at most {CAUSAL_TARGET} times what is possible, or {TIME_TARGET} × least if that is
  more; no alert dropped because of it, nor lost by the pipeline itself unless live alerts alone are
  more than its limiter takes; no good message quarantined; every poison message quarantined after
  exactly {POISON_REPLAYS} replays that count; p99 at most {DELAY_TARGET:g} s; nothing lost or
  doubled.
"""


EVENLY = """The same where live events are evenly spaced, as from a poller:
"""

ODD = """Where the pipeline's limits change or are not what our settings say, where nobody takes,
and where an alert fails alone:
"""

LOST = """## Alerts lost

What the forwarder's limiter destroyed in all, live alerts and replays alike: no dead letter queue
has them. `none` is counted up to the moment at which ours had recovered, the others up to their own
end.
"""

CHANCE = """## Time against drops

Where the limiter is the narrowest part and live events come at random, nobody who does not know the
future can have both: a replay stays in the limiter's window for a second, and room has to be
kept for as many live alerts as may come by chance meanwhile. Kept for more of them, fewer
alerts are dropped and the backlog takes longer. An alert that is dropped is lost for good, and a
backlog that takes half as long again is not: `DROPS_A_SECOND` (`core/room.py`) weighs both.
"""


# What the first tables show of each scenario.
GLANCE = (
    "time to recover",
    "× least",
    "possible",
    "alerts dropped because of it",
    "lost by the pipeline itself",
    "p99 live delay added",
    "targets",
)


def page(
    found: dict[tuple[str, str], Measures], scenarios: list[Scenario], even: list[Measures]
) -> str:
    """The page; `found` is by scenario and policy, `even` with evenly spaced live events."""
    usual, odd = (
        [found[each.name, OURS] for each in scenarios if (each.name in HARM) is is_harm]
        for is_harm in (False, True)
    )
    parts = [INTRO, "## At a glance\n", _summary(usual), "", EVENLY, _summary(even), "", ODD]
    parts += [_summary(odd), "", LOST, _losses(found, scenarios), "", CHANCE]
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


def _summary(runs: list[Measures]) -> str:
    shown = [COLUMNS.index(name) for name in GLANCE]
    rows = [[one.scenario, *(row(one)[at] for at in shown)] for one in runs]
    return table(["scenario", *GLANCE], rows)


def _losses(found: dict[tuple[str, str], Measures], scenarios: list[Scenario]) -> str:
    """The scenarios in which anybody loses an alert, and how many with whom."""
    rows = []
    for scenario in scenarios:
        runs = [found[scenario.name, policy] for policy in REPLAYING]
        lost = [runs[0].dropped_anyway, *(one.live_lost + one.replays_dropped for one in runs)]
        if any(lost):
            rows.append([scenario.name, *(f"{many:,}" for many in lost)])
    return table(["scenario", NONE, *REPLAYING], rows)
