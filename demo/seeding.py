"""Puts the sample backlog into a Redis that nobody has used yet."""

import time
from typing import Any

import redis

from demo.backlog import Backlog, sample
from mutt_tasks.core.policy import QUARANTINE_REASONS
from mutt_tasks.settings import Settings
from mutt_tasks.store import keys

MOVED = ("replayed", *QUARANTINE_REASONS)


def message_lists(settings: Settings) -> tuple[str, ...]:
    """Every list that messages lie in, other than those of what is in hand just now."""
    return (
        settings.lists.alerter_dlq,
        settings.lists.moog_dlq,
        settings.lists.ingest_queue,
        settings.lists.alert_queue,
        settings.lists.dead_letter_queue,
    )


def is_untouched(client: redis.Redis, settings: Settings, processing: tuple[str, ...]) -> bool:
    """Whether there are no messages and never were: no list has any, nothing was ever moved.

    Counters of mere cycles do not matter: a worker may have started before us.
    """
    present: Any = client.exists(*message_lists(settings), *processing)
    counters: Any = client.hkeys(keys.STATS)
    moved = {name for name in counters if name.decode().partition(":")[0] in MOVED}
    return not present and not moved


def seed(client: redis.Redis, settings: Settings, events: int) -> Backlog:
    """Fill the dead letter queues that are served, in one step; returns what was put in."""
    serves_moog = any(route.source == settings.lists.moog_dlq for route in settings.routes)
    backlog = sample(events, time.time(), with_alerts=serves_moog)
    with client.pipeline(transaction=True) as steps:
        for name, messages in (
            (settings.lists.alerter_dlq, backlog.alerter),
            (settings.lists.moog_dlq, backlog.moog),
        ):
            if messages:
                steps.lpush(name, *messages)
        steps.execute()
    return backlog
