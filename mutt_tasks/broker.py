"""A worker that outlives whatever stands in its task queue, and a server that dies at any moment.

Celery refuses content types other than JSON by itself. But an item that is no task message at
all (somebody's LPUSH into the wrong list) makes kombu's Redis channel raise in the middle of
the worker's event loop, which ends the worker. Such an item is reported and dropped instead.

When the server dies while a task waits for its time (the next cycle of a drain always does),
kombu closes the channel a second time, when its address is forgotten, to hand that task back.
That ends the worker too. The task stays where it is instead: the next tick takes over, and an
hour later it is delivered again, and stale.

When a Sentinel fails over, the old master may live on as a replica. redis-py takes its refusal for
a lost connection and reconnects, but to the same server again; where kombu hands such a task back
that goes round and round, and the worker takes no task any more. So whatever reconnects asks the
Sentinel.
"""

import logging
from queue import Empty
from typing import Any

from kombu.transport import redis

from mutt_tasks.store.login import try_also

logger = logging.getLogger(__name__)

_NO_TASK_MESSAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


def _guarded(channel_class: Any, next_password: str) -> Any:
    class Channel(channel_class):  # type: ignore[misc]  # kombu ships no types
        def _get_pool(self, asynchronous: bool = False) -> Any:
            pool = super()._get_pool(asynchronous)
            try_also(pool, next_password)
            return pool

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

        def close(self) -> None:
            try:
                super().close()
            except AttributeError:
                is_transport_closed = self.connection and self.connection.client is None
                if not is_transport_closed:
                    raise

    return Channel


def _following(connection_class: Any) -> Any:
    class Connection(connection_class):  # type: ignore[misc]  # chosen by kombu
        def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            if not self._sock:
                self.connect()  # asks the Sentinel, as reconnecting in there does not
            super().send_packed_command(command, check_health)

    return Connection


def guard(next_password: str = "") -> None:
    """Make every Redis broker connection of this process survive what is described above.

    `next_password` is tried where the server refuses the one in the broker's address. It is given
    here because Celery shows its own settings to whoever asks the worker for them.
    """
    for transport in (redis.Transport, redis.SentinelTransport):
        if transport.Channel.__module__ != __name__:
            channel = transport.Channel = _guarded(transport.Channel, next_password)
            if transport is redis.SentinelTransport:
                channel.connection_class = _following(channel.connection_class)
                channel.connection_class_ssl = _following(channel.connection_class_ssl)
