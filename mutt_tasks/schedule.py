"""Beat's schedule: every `REMEDIATION_INTERVAL`, or what runtime configuration says now."""

import logging
from datetime import datetime, timedelta

from celery.schedules import schedule

from mutt_tasks.errors import StoreError
from mutt_tasks.settings import RUNTIME_KEYS, Settings, overridden
from mutt_tasks.store.store import Store

logger = logging.getLogger(__name__)


# How soon a changed interval takes effect.
POLL_SECONDS = 1.0


class DynamicInterval(schedule):
    """An interval that is read afresh each time beat asks whether a tick is due."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None
        self._reported: tuple[str, ...] = ()
        super().__init__(run_every=timedelta(seconds=settings.pace.interval))

    def is_due(self, last_run_at: datetime) -> tuple[bool, float]:
        """Whether a tick is due, and in how many seconds to ask again."""
        self.run_every = timedelta(seconds=self._interval())
        is_due, seconds = super().is_due(last_run_at)
        # Beat asks again after so many seconds, and only then sees a changed interval.
        return is_due, min(
            seconds, POLL_SECONDS
        ) if self._settings.process.dynamic_config else seconds

    def _interval(self) -> float:
        if not self._settings.process.dynamic_config:
            return self._settings.pace.interval
        try:
            # Beat must not stand still for long while Redis does.
            self._store = self._store or Store.at(
                self._settings.redis.address, timeout=1.0, retries=0
            )
            found, problems = overridden(
                self._settings, self._store.controls.runtime_config(RUNTIME_KEYS)
            )
        except StoreError:
            return float(self.run_every.total_seconds())
        if problems != self._reported:
            for problem in set(problems) - set(self._reported):
                logger.warning(problem)
            self._reported = problems
        return found.pace.interval

    def __reduce__(self) -> tuple[type["DynamicInterval"], tuple[Settings]]:
        # Beat compares and copies entries; a connection is not part of their identity.
        return type(self), (self._settings,)
