"""Redis is killed, frozen, cut off, full, read-only, locked or slow while a drain is going on.

Each time everything must be accounted for, and worker and beat come back by themselves.
"""

from collections.abc import Iterator

import pytest
import redis

from tests.faults.system import ProxiedSystem

pytestmark = pytest.mark.xdist_group("redis goes away")

NOT_SENT = "Couldn't apply scheduled task"
TRYING_AGAIN = "Trying again in"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedSystem]:
    found = ProxiedSystem(tmp_path_factory.mktemp("system"))
    found.start()
    # They have to wait for their server from the start.
    found.until(found.said_ever(TRYING_AGAIN))
    found.server.start()
    yield found
    found.stop()


def test_redis_is_killed_and_started_again(system: ProxiedSystem) -> None:
    with system.live_drain():
        has_noticed = system.said(TRYING_AGAIN)
        system.server.kill()
        system.until(has_noticed)
        system.server.start()


def test_redis_is_frozen_for_longer_than_a_client_waits(system: ProxiedSystem) -> None:
    with system.live_drain():
        clients = system.proxy.accepted
        system.server.freeze()
        system.until(lambda: system.proxy.accepted > clients)
        system.server.thaw()


def test_every_connection_is_reset(system: ProxiedSystem) -> None:
    with system.live_drain():
        system.proxy.cut()


def test_the_server_closes_every_connection(system: ProxiedSystem) -> None:
    with system.live_drain():
        for kind in ("normal", "pubsub"):
            system.client.client_kill_filter(_type=kind, skipme=True)


def test_nothing_gets_through_and_then_every_connection_is_reset(system: ProxiedSystem) -> None:
    with system.live_drain():
        held = system.proxy.held
        system.proxy.blackhole()
        system.until(lambda: system.proxy.held >= held + 2)
        system.proxy.cut()
        system.proxy.restore()


def test_every_answer_is_slow(system: ProxiedSystem) -> None:
    with system.live_drain():
        system.proxy.delay = 0.03
        before = system.moved()
        system.until(lambda: system.moved() > before)
        system.proxy.delay = 0.0


def test_redis_is_full(system: ProxiedSystem) -> None:
    with system.live_drain():
        has_noticed = system.said(NOT_SENT)
        system.client.config_set("maxmemory", "1mb")
        system.until(has_noticed)
        system.client.config_set("maxmemory", "0")


def test_redis_is_a_read_only_replica_for_a_while(system: ProxiedSystem) -> None:
    with system.live_drain():
        has_noticed = system.said(NOT_SENT)
        system.client.replicaof("127.0.0.1", "1")
        system.until(has_noticed)
        system.client.replicaof("NO", "ONE")


def test_the_password_is_another_for_a_while(system: ProxiedSystem) -> None:
    with system.live_drain():
        # Beat notices it by a tick, or before by its own connection, and then sends none.
        has_noticed = (system.said(NOT_SENT), system.said(TRYING_AGAIN))
        system.client.config_set("requirepass", "another")
        with redis.Redis(port=system.server.port, password="another") as client:
            client.client_kill_filter(_type="normal", skipme=True)
            system.until(lambda: any(says() for says in has_noticed))
            client.config_set("requirepass", "")
