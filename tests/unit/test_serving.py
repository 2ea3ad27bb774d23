"""The worker's two servers listen where they are told to, and nowhere else."""

import http.client
import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from mutt_tasks.settings import Settings, load
from mutt_tasks.worker.serving import Serving
from tests.redis_server import free_port
from tests.services import until

# Two addresses of every Linux machine's own loopback interface.
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


def settings_at(address: str) -> Settings:
    return load(
        {
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
            "REMEDIATION_LISTEN_ADDRESS": address,
            "METRICS_PORT_REMEDIATION": str(free_port()),
            "HEALTH_PORT_REMEDIATION": str(free_port()),
        }
    )


@pytest.fixture(params=[HERE, ELSEWHERE, "0.0.0.0"])
def served(request: pytest.FixtureRequest) -> Iterator[Settings]:
    settings = settings_at(request.param)
    serving = Serving(None)
    serving.start(SimpleNamespace(app=SimpleNamespace(settings=settings)))
    yield settings
    serving.stop(None)
    for address in (HERE, ELSEWHERE):
        for port in (settings.process.metrics_port, settings.process.health_port):
            until(lambda: not listens(address, port))  # noqa: B023  # called at once


def listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def test_both_servers_listen_at_the_address_that_they_are_given(served: Settings) -> None:
    process = served.process
    for port, path in ((process.metrics_port, "/metrics"), (process.health_port, "/health")):
        own = HERE if process.listen_address == "0.0.0.0" else process.listen_address
        until(lambda: listens(own, port))  # noqa: B023  # called at once
        connection = http.client.HTTPConnection(own, port, timeout=30)
        connection.request("GET", path)
        assert connection.getresponse().status == 200
        connection.close()
        found = {address for address in (HERE, ELSEWHERE) if listens(address, port)}
        assert found == ({HERE, ELSEWHERE} if process.listen_address == "0.0.0.0" else {own})


def test_a_port_that_is_taken_is_opened_once_it_is_free() -> None:
    settings = settings_at(HERE)
    process = settings.process
    serving = Serving(None)
    with socket.create_server((HERE, process.health_port)):
        serving.start(SimpleNamespace(app=SimpleNamespace(settings=settings)))
        until(lambda: listens(HERE, process.metrics_port))  # the other one is not held up
    until(lambda: listens(HERE, process.health_port))
    serving.stop(None)
    for port in (process.metrics_port, process.health_port):
        until(lambda: not listens(HERE, port))  # noqa: B023  # called at once
