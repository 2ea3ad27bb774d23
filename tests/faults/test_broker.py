"""The broker's channel when its server dies."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import kombu
import pytest

from mutt_tasks import broker
from tests.redis_server import RedisServer

untyped: Any = kombu


@pytest.fixture
def server(tmp_path: Path) -> RedisServer:
    return RedisServer(tmp_path).start()


def test_a_channel_with_a_task_that_nobody_has_begun_can_be_closed_when_its_server_is_dead(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """As a worker does it: collected first, closed again; an error there ends the worker."""
    broker.guard()
    connection = untyped.Connection(server.url, transport_options={"socket_timeout": 2})
    tasks = untyped.Queue("tasks", untyped.Exchange("tasks"), routing_key="tasks")
    replies = untyped.Queue("replies", untyped.Exchange("replies", type="fanout"), auto_delete=True)
    begun: list[Any] = []

    def take(_body: Any, message: Any) -> None:
        begun.append(message)

    channel = connection.default_channel
    untyped.Producer(channel).publish(
        {}, exchange=tasks.exchange, routing_key="tasks", declare=[tasks]
    )
    untyped.Consumer(channel, [tasks], callbacks=[take]).consume()
    untyped.Consumer(connection.channel(), [replies], callbacks=[take]).consume()
    while not begun:
        connection.drain_events(timeout=10)
    with suppress(socket.timeout):  # leaves a BRPOP under way
        connection.drain_events(timeout=0.05)
    server.kill()
    connection.collect()
    connection.close()
    assert channel.closed
