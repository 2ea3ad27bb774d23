"""Words for tests of what operators see: a looker on a store, and lists that move meanwhile."""

import time
from dataclasses import dataclass, field

from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.sparing import Time
from mutt_tasks.store.store import Store
from tests.pipeline import settings_of


@dataclass
class Clock:
    """A clock whose waits pass at once; `waited` is their sum in seconds."""

    waited: float = 0.0
    waits: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """The real clock, put forward by what was waited."""
        return time.monotonic() + self.waited

    def wait(self, seconds: float) -> None:
        """Pass at once."""
        self.waited += seconds
        self.waits.append(seconds)


def looker_on(store: Store, clock: Clock | None = None, **env: object) -> Looker:
    """What an operator's look works with, on both routes."""
    clock = clock or Clock()
    settings = settings_of(**{"REMEDIATION_ROUTES": "alerter,moog"} | env)
    return Looker(store, settings, Time(clock.monotonic, clock.wait))
