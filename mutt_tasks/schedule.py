"""Beat's schedule: every `REMEDIATION_INTERVAL`, or what runtime configuration says now."""

from datetime import datetime, timedelta
from functools import cached_property

from celery.schedules import schedule

from mutt_tasks.errors import StoreError
from mutt_tasks.runtime_settings import RuntimeSettings
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store

# How soon a changed interval takes effect.
POLL_SECONDS = 1.0


class DynamicInterval(schedule):
    """An interval that is read afresh each time beat asks whether a tick is due."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__(run_every=timedelta(seconds=settings.pace.interval))

    def is_due(self, last_run_at: datetime) -> tuple[bool, float]:
        """Whether a tick is due, and in how many seconds to ask again."""
        self.run_every = timedelta(seconds=self._interval())
        is_due, seconds = super().is_due(last_run_at)
        # Beat asks again after these seconds, and only then sees a changed interval.
        if self._settings.process.dynamic_config:
            seconds = min(seconds, POLL_SECONDS)
        return is_due, seconds

    @cached_property
    def _runtime(self) -> RuntimeSettings:
        # Beat must not stand still for long while Redis does.
        store = Store.at(self._settings.redis.address, timeout=1.0, retries=0)
        return RuntimeSettings(store, self._settings)

    def _interval(self) -> float:
        if not self._settings.process.dynamic_config:
            return self._settings.pace.interval
        try:
            return self._runtime.now().pace.interval
        except StoreError:
            return float(self.run_every.total_seconds())

    def __reduce__(self) -> tuple[type["DynamicInterval"], tuple[Settings]]:
        # Beat compares and copies entries; a connection is not part of their identity.
        return type(self), (self._settings,)
