"""Two minutes without Moogsoft: what MUTT itself destroys then, and what a replay policy saves.

While Moogsoft is down alerts pile up before the forwarder, which works them off through its own
limiter once it is back. What meets the full window there no dead letter queue ever sees.
"""

from typing import Any

from benchmarks.recovery_model.scenario import HOUR, Scenario

_OUTAGE = 120.0
_NEVER = 10**9


def _outage(name: str, about: str, **differs: Any) -> Scenario:
    return Scenario(
        name,
        f"Moogsoft is down for two minutes under 20 live events/s; {about}.",
        trouble="moogsoft",
        outage=_OUTAGE,
        cap_seconds=HOUR,
        **differs,
    )


OUTAGES = {
    scenario.name: scenario
    for scenario in (
        _outage("outage", "all else is MUTT's default, its breaker opens for 300 s"),
        _outage("outage-breaker-60", "the breaker opens for 60 s", breaker_rest=60.0),
        _outage("outage-no-breaker", "the breaker is switched off", breaker_failures=_NEVER),
        _outage("outage-two-forwarders", "two forwarders, a breaker of 300 s", forwarders=2),
    )
}
