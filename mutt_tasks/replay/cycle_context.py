"""What every step of one cycle works with."""

from dataclasses import dataclass

from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings


@dataclass(frozen=True)
class CycleContext:
    """The cycle's id, the token that it holds the lease with, and the world around it."""

    store: Store
    settings: Settings
    surroundings: Surroundings
    cycle: str
    token: str

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that replays lie in: the alert queue first, then each route's target."""
        targets = (route.target for route in self.settings.routes)
        return tuple(dict.fromkeys((self.settings.lists.alert_queue, *targets)))


@dataclass(frozen=True)
class Health:
    """What the check found: whether Moogsoft accepts events, and why it says so."""

    is_healthy: bool
    reason: str
