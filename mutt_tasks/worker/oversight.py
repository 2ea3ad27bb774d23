"""What nobody would ask for in time is checked by the worker: the books, and the audit's chain.

What is found stands in Redis, from where every worker's metrics have it, and in the log.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from mutt_tasks.worker.background import Background, SaidOnce

logger = logging.getLogger(__name__)

# Between two looks at the books, in seconds: as often as they are usually scraped.
LOOK_SECONDS = 30.0
# From one reading of the audit to the next at least so many seconds, and so many times as long as
# the reading took: a long chain has at most a hundredth of this process' time.
AUDIT_SECONDS, AUDIT_REST = 60.0, 100.0


class Oversight(Background):
    """Checks from the worker's main process."""

    thread_name = "oversight"

    def work(self, app: Any) -> None:
        """Look every half minute."""
        settings: Settings = app.settings
        store = Store.at(settings.redis.address, timeout=2.0, retries=0)
        checker = Checker(store, settings, time.monotonic)
        while not self.stopping.is_set():
            checker.look()
            self.stopping.wait(LOOK_SECONDS)
        store.close()


class Checker:
    """Checks what is due at each look; `monotonic` is a clock in seconds."""

    def __init__(self, store: Store, settings: Settings, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._settings = settings
        self._monotonic = monotonic
        self._audit_due = monotonic()
        self._anchor = ""
        self._trouble = {
            check: SaidOnce(f"{name} cannot be checked")
            for name, check in (("books", self._books), ("audit", self._audit))
        }

    def look(self) -> None:
        """Check the books, and the audit when it is time; what stops one stops no other."""
        for check, trouble in self._trouble.items():
            with trouble.watched():
                check()

    def _books(self) -> None:
        settings = self._settings
        missing = self._store.balance.check(settings.routes, settings.lists.dead_letter_queue)
        for name, count in missing.items():
            if count:
                logger.error(
                    "the books do not balance: %d messages have left the list %s,"
                    " and no counter has them: who else takes from it?",
                    count,
                    name,
                )

    def _audit(self) -> None:
        """Read the whole chain, which must still hold what was its end when this last was whole."""
        began_at = self._monotonic()
        if began_at < self._audit_due:
            return
        verdict = self._store.audit.verify(anchor=self._anchor)
        took = self._monotonic() - began_at
        self._audit_due = self._monotonic() + max(AUDIT_SECONDS, AUDIT_REST * took)
        self._store.balance.note_audit(is_whole=not verdict.wrong, now=self._store.now())
        if verdict.wrong:
            logger.error("the audit was changed from %s on: %s", verdict.from_id, verdict.wrong)
        else:
            self._anchor = verdict.last_hash
