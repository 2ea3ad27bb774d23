"""The worker's log has every entry of the audit, whoever wrote it, and each hour the chain's end.

Commands and consoles write entries too, in processes whose output nobody collects. So the worker
reads what was written and says it, and Redis keeps how far that is: an entry is logged once, also
if it was written while no worker ran; twice at most where one is killed between the two.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from celery import bootsteps

from mutt_tasks.errors import StoreError
from mutt_tasks.settings import Settings
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.logs import log_audit, log_audit_head

logger = logging.getLogger(__name__)

# Between two looks for new entries, and between two lines with the chain's end, in seconds.
LOOK_SECONDS = 5.0
HEAD_SECONDS = 3600.0


class AuditLog(bootsteps.StartStopStep):
    """Logs the audit from the worker's main process, behind the pool, so that no child does too."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopping = threading.Event()

    def start(self, worker: Any) -> None:
        """Begin to look."""
        threading.Thread(
            target=self._look_on, args=(worker.app.settings,), name="audit-log", daemon=True
        ).start()

    def stop(self, _worker: Any) -> None:
        """Look no more."""
        self._stopping.set()

    def _look_on(self, settings: Settings) -> None:
        store = Store.at(settings.redis.address, timeout=2.0, retries=0)
        keeper = Keeper(store.audit, time.monotonic)
        while not self._stopping.is_set():
            keeper.look()
            self._stopping.wait(LOOK_SECONDS)
        store.close()


class Keeper:
    """Logs what is new in the audit at each look; `monotonic` is a clock in seconds."""

    def __init__(self, audit: Audit, monotonic: Callable[[], float]) -> None:
        self._audit = audit
        self._monotonic = monotonic
        self._head_due = monotonic()
        self._said = ""

    def look(self) -> None:
        """Log all entries that nobody has logged, and the end of the chain when it is time."""
        try:
            while entries := self._audit.unlogged():
                for entry_id, fields in entries:
                    log_audit(entry_id, fields)
                self._audit.note_logged(entries[-1][0])
            if self._monotonic() >= self._head_due:
                head = self._audit.head()
                log_audit_head(head.written, head.newest, head.hash)
                self._head_due = self._monotonic() + HEAD_SECONDS
            self._said = ""
        except StoreError as error:
            # Whoever needs Redis says that it is away; that a key is wrong would be said by nobody.
            if str(error) != self._said:
                logger.warning("the audit cannot be logged: %s", error)
            self._said = str(error)
