"""The worker's log has every entry of the audit, whoever wrote it, and each hour the chain's end.

Commands and consoles write entries too, in processes whose output nobody collects. So the worker
reads what was written and says it, and Redis keeps how far that is: an entry is logged once, also
if it was written while no worker ran; twice at most where one is killed between the two.
"""

import time
from collections.abc import Callable
from typing import Any

from mutt_tasks.settings import Settings
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.logs import log_audit, log_audit_head
from mutt_tasks.worker.background import Background, SaidOnce

# Between two looks for new entries, and between two lines with the chain's end, in seconds.
LOOK_SECONDS = 5.0
HEAD_SECONDS = 3600.0


class AuditLog(Background):
    """Logs the audit from the worker's main process."""

    thread_name = "audit-log"

    def work(self, app: Any) -> None:
        """Look every few seconds."""
        settings: Settings = app.settings
        store = Store.at(settings.redis.address, timeout=2.0, retries=0)
        keeper = Keeper(store.audit, time.monotonic)
        while not self.stopping.is_set():
            keeper.look()
            self.stopping.wait(LOOK_SECONDS)
        store.close()


class Keeper:
    """Logs what is new in the audit at each look; `monotonic` is a clock in seconds."""

    def __init__(self, audit: Audit, monotonic: Callable[[], float]) -> None:
        self._audit = audit
        self._monotonic = monotonic
        self._head_due = monotonic()
        self._trouble = SaidOnce("the audit cannot be logged")

    def look(self) -> None:
        """Log all entries that nobody has logged, and the end of the chain when it is time."""
        with self._trouble.watched():
            while entries := self._audit.unlogged():
                for entry_id, fields in entries:
                    log_audit(entry_id, fields)
                self._audit.note_logged(entries[-1][0])
            if self._monotonic() >= self._head_due:
                head = self._audit.head()
                log_audit_head(head.written, head.newest, head.hash)
                self._head_due = self._monotonic() + HEAD_SECONDS
