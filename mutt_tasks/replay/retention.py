"""What is removed because of its age: the trash of jobs that ended a week ago, old dead letters."""

import logging

from mutt_tasks.replay import dead_letters
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.job_steps import lists_of, rest

logger = logging.getLogger(__name__)

# A tick gives it so many seconds; what is left waits for the next one.
SECONDS = 1.0


def tidy(context: CycleContext) -> None:
    """Remove what is due, a part at a time."""
    store, surroundings = context.store, context.surroundings
    late_at, now = surroundings.monotonic() + SECONDS, surroundings.now()
    lists = lists_of(context.settings)
    for job in store.trash.expired(now):
        count = left = sum(store.trash.depths({job: lists}).values())
        is_first = True
        while left or is_first:
            began_at = surroundings.monotonic()
            if began_at > late_at:
                return
            left = store.trash.empty(context.token, job, lists, count, now)
            is_first = False
            rest(context, began_at)
    try:
        while surroundings.monotonic() < late_at and dead_letters.retire(context, now):
            pass
    except OSError as error:
        folder = context.settings.lists.export_folder
        logger.warning("no dead letter is removed: %s cannot be written (%s)", folder, error)
