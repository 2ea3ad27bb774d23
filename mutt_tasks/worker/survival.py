"""Whoever looks on starts a cycle: a drain survives its worker, a queue that stands is seen, an
operator's job begins at once, and so do replays when a pause ends.

Whatever ends a drain in the middle (a killed worker, a lost task, a time limit) leaves its lease to
run out, and the note that it was under way. The next tick would take over, minutes later.
"""

import logging
from typing import Any

from kombu.exceptions import OperationalError

from mutt_tasks.errors import StoreError
from mutt_tasks.replay import job_work
from mutt_tasks.replay.guard import look_on, wants_cycle
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from mutt_tasks.worker.background import Background

logger = logging.getLogger(__name__)

# Between two looks, and between two cycles that are started but do not come about, in seconds.
LOOK_SECONDS = 1.0
LONGEST_WAIT = 30.0


class Survival(Background):
    """Starts a cycle when the worker starts and finds work, or when it finds a drain given up."""

    thread_name = "survival"

    def work(self, app: Any) -> None:
        """Look every second."""
        settings: Settings = app.settings
        store = Store.at(settings.redis.address, timeout=2.0, retries=0)
        is_first, was_paused, wait = True, False, LOOK_SECONDS
        while not self.stopping.is_set():
            try:
                found = look_on(store, settings)
                is_left = found.is_abandoned or wants_cycle(found, settings)
                if is_first:
                    is_left = store.lease.is_up_for_taking(settings.routes)
                # Without drains a tick is exactly one batch, and nothing is under way between two.
                is_wanted, is_first = settings.pace.drain and is_left, False
                if is_wanted:
                    _start_cycle(app, "going on with what was left")
                wait = min(2 * wait, LONGEST_WAIT) if is_wanted else LOOK_SECONDS
                if found.has_jobs and not is_wanted and job_work.wants_cycle(store, settings):
                    _start_cycle(app, "an operator's job waits")
                if was_paused and not found.is_paused:
                    # Whoever ended it, the next tick may be minutes away.
                    _start_cycle(app, "a pause has ended")
                was_paused = found.is_paused
            except (StoreError, OperationalError):
                wait = LOOK_SECONDS  # Redis is away; who needs it says so
            self.stopping.wait(wait)
        store.close()


def _start_cycle(app: Any, why: str) -> None:
    logger.info("%s: starting a cycle", why)
    app.send_task(
        "mutt_tasks.remediate", kwargs={"trigger": "worker"}, expires=LONGEST_WAIT, retry=False
    )
