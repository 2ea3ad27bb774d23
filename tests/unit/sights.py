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
