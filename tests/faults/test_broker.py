"""The broker's channel when its server dies."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import kombu
import pytest

from mutt_tasks import broker
from tests.faults.sentinel import SERVICE, Naming
from tests.redis_server import RedisServer
from tests.services import until

untyped: Any = kombu


@contextmanager
def running(folder: Path) -> Iterator[RedisServer]:
    folder.mkdir()
    found = RedisServer(folder, "--repl-diskless-sync-delay", "0").start()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running(tmp_path / "server") as found:
        yield found


@pytest.fixture
def sentinel(server: RedisServer) -> Iterator[Naming]:
    found = Naming(server.port)
    yield found
    found.stop()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[RedisServer]:
    with running(tmp_path / "other") as found:
        yield found


def taken(connection: Any) -> tuple[Any, list[Any]]:
    """A channel with a task that was delivered to it, and the deliveries."""
    tasks = untyped.Queue("tasks", untyped.Exchange("tasks"), routing_key="tasks")
    begun: list[Any] = []
    channel = connection.default_channel
    untyped.Producer(channel).publish(
        {}, exchange=tasks.exchange, routing_key="tasks", declare=[tasks]
    )
    untyped.Consumer(
        channel, [tasks], callbacks=[lambda _body, message: begun.append(message)]
    ).consume()
    while not begun:
        connection.drain_events(timeout=10)
    return channel, begun


def test_a_channel_with_a_task_that_nobody_has_begun_can_be_closed_when_its_server_is_dead(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """As a worker does it: collected first, closed again; an error there ends the worker."""
    broker.guard()
    connection = untyped.Connection(server.url, transport_options={"socket_timeout": 2})
    channel, _ = taken(connection)
    replies = untyped.Queue("replies", untyped.Exchange("replies", type="fanout"), auto_delete=True)
    untyped.Consumer(connection.channel(), [replies], callbacks=[print]).consume()
    with suppress(socket.timeout):  # leaves a BRPOP under way
        connection.drain_events(timeout=0.05)
    server.kill()
    connection.collect()
    connection.close()
    assert channel.closed


def test_a_channel_follows_a_failover_while_it_hands_a_task_back(
    server: RedisServer, other: RedisServer, sentinel: Naming
) -> None:
    """The old master lives on as a replica, and Sentinel names it for a moment longer.

    It refuses what hands the task back. redis-py goes on asking that same server, without end;
    in a thread here, so that the test fails when it does.
    """
    broker.guard()
    connection = untyped.Connection(
        f"sentinel://127.0.0.1:{sentinel.port}",
        transport_options={"master_name": SERVICE, "socket_timeout": 2},
    )
    channel, begun = taken(connection)
    other.client.replicaof("127.0.0.1", str(server.port))
    until(lambda: other.client.hlen("unacked") == 1)
    other.client.replicaof("NO", "ONE")
    server.client.replicaof("127.0.0.1", str(other.port))
    sentinel.ports[:] = [server.port] * 3 + [other.port]
    closing = threading.Thread(target=channel.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    assert len(begun) == 1
    assert other.client.llen("tasks") == 1
    connection.close()
