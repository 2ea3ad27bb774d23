"""The settings in force now: the environment's, as the pipeline's runtime configuration has them.

With `DYNAMIC_CONFIG_ENABLED` the Redis strings `mutt:config:*` of RUNTIME_KEYS override theirs.
"""

import logging

from mutt_tasks.settings import RUNTIME_KEYS, Settings, overridden
from mutt_tasks.store.store import Store

logger = logging.getLogger(__name__)


def in_force(store: Store, settings: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The settings in force now, and one line for each runtime value that is bad and ignored."""
    if not settings.process.dynamic_config:
        return settings, ()
    return overridden(settings, store.pipeline.runtime_config(RUNTIME_KEYS))


class RuntimeSettings:
    """The settings in force, for a process that also says which runtime values are bad.

    It keeps what it has said: each bad value is reported once, and again only when it was mended
    in between.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._reported: frozenset[str] = frozenset()

    def now(self) -> Settings:
        """The settings in force now; raises StoreError when Redis cannot be asked."""
        found, problems = in_force(self._store, self._settings)
        for problem in sorted(set(problems) - self._reported):
            logger.warning(problem)
        self._reported = frozenset(problems)
        return found
