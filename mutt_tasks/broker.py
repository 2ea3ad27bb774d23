"""A worker that outlives whatever stands in its task queue.

Celery refuses content types other than JSON by itself. But an item that is no task message at
all (somebody's LPUSH into the wrong list) makes kombu's Redis channel raise in the middle of
the worker's event loop, which ends the worker. Such an item is reported and dropped instead.
"""

import logging
from queue import Empty
from typing import Any

from kombu.transport import redis

logger = logging.getLogger(__name__)

_NO_TASK_MESSAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


def _guarded(channel_class: Any) -> Any:
    class Channel(channel_class):  # type: ignore[misc]  # kombu ships no types
        def _brpop_read(self, **options: Any) -> Any:
            try:
                return super()._brpop_read(**options)
            except _NO_TASK_MESSAGE as error:
                logger.error(
                    "dropped an item of the task queue that is no task message (%s)",
                    type(error).__name__,
                )
                # As after a BRPOP that found nothing: the loop asks again.
                raise Empty from None

    return Channel


def guard() -> None:
    """Make every Redis broker connection of this process drop what is no task message."""
    for transport in (redis.Transport, redis.SentinelTransport):
        if transport.Channel.__module__ != __name__:
            transport.Channel = _guarded(transport.Channel)
