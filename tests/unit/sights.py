"""One look at the limiter, as tests want it: nothing but what they name."""

from typing import Any

from mutt_tasks.core.sight import Sight

NOTHING: dict[str, Any] = {
    **{"used": 0, "queued": 0, "sure": 0, "certain": 0, "unsure": 0, "live": 0.0},
    **{"period": 1.0, "limit": 50},
}


def sight(used: int = 0, **found: Any) -> Sight:
    """A look that found so many alerts in the window, and what else is named."""
    return Sight(**(NOTHING | {"used": used} | found))


def window(*moments: float) -> Sight:
    """A look at ten alerts that leave in so many seconds, tenths of the period."""
    return sight(10, leaving=moments)


EVEN = window(*(0.05 + 0.1 * at for at in range(10)))
RANDOM = window(0.02, 0.14, 0.33, 0.36, 0.41, 0.55, 0.58, 0.63, 0.87, 0.95)
BURSTS = window(*(0.3,) * 5, *(0.7,) * 5)
