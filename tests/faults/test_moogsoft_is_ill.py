"""Moogsoft falls ill in the middle of a drain: not one message more until it is well again.

One worker and one beat go through all of it; what the probe makes of each answer is tested with
the probe.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.books import Books
from tests.faults.system import ProxiedSystem
from tests.moogsoft_server import (
    Answer,
    Connection,
    MoogsoftServer,
    dribble,
    endless_body,
    reset,
    silence,
    status,
)

pytestmark = pytest.mark.xdist_group("moogsoft is ill")

WELL = "http_200"
TIMEOUT = 0.5


class Patient:
    """A Moogsoft whose health can be changed while it runs."""

    def __init__(self) -> None:
        self.answer: Answer = status(200)

    def __call__(self, connection: Connection) -> None:
        self.answer(connection)


@pytest.fixture(scope="module")
def patient() -> Patient:
    return Patient()


@pytest.fixture(scope="module")
def system(patient: Patient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedSystem]:
    with MoogsoftServer(patient) as server:
        found = ProxiedSystem(
            tmp_path_factory.mktemp("system"),
            MOOG_WEBHOOK_URL=server.url,
            MOOG_HEALTH_TIMEOUT=TIMEOUT,
            MOOG_HEALTH_CACHE_TTL=0,
            REMEDIATION_INTERVAL=0.5,
        )
        found.server.start()
        found.start()
        yield found
        found.stop()


@pytest.fixture(autouse=True)
def well(patient: Patient) -> Iterator[None]:
    yield
    patient.answer = status(200)


def cycles(system: ProxiedSystem) -> list[dict[str, str]]:
    """The journal's cycles, oldest first."""
    return [entry for entry in Books.of(system.client).journal if entry["event"] == "cycle"]


@pytest.mark.parametrize(
    ("illness", "probed"),
    [
        pytest.param(silence, "timeout", id="accepts and never answers"),
        pytest.param(dribble, "timeout", id="answers byte by byte"),
        pytest.param(endless_body(503), "http_503", id="sends an error and a giant body"),
        pytest.param(reset, "connection_failed", id="resets"),
        pytest.param(status(302, "Location: http://127.0.0.1:1/login"), "http_302", id="redirects"),
        pytest.param(status(429, "Retry-After: 1"), "http_429", id="asks to wait"),
    ],
)
def test_nothing_is_replayed_until_moogsoft_is_well_again(
    system: ProxiedSystem, patient: Patient, illness: Answer, probed: str
) -> None:
    with system.live_drain():
        patient.answer = illness
        seen = len(cycles(system))
        system.until(lambda: any(c["health"] == probed for c in cycles(system)[seen:]))
        moved, seen = system.moved(), len(cycles(system))
        system.until(lambda: len(cycles(system)) > seen)
        assert {(c["outcome"], c["reason"]) for c in cycles(system)[seen:]} == {
            ("held", "unhealthy")
        }
        assert system.moved() == moved
        patient.answer = status(200)
        # Moogsoft is asked ever more rarely; who calls by hand is answered at once.
        system.services.call("mutt_tasks.remediate")


def test_while_moogsoft_flaps_only_cycles_that_found_it_well_replay(
    system: ProxiedSystem, patient: Patient
) -> None:
    answers = itertools.cycle([status(500), status(200)])

    def flaps(connection: Connection) -> None:
        next(answers)(connection)

    with system.live_drain():
        patient.answer = flaps
        before = system.moved()
        system.until(lambda: system.moved() >= before + 4)
        patient.answer = status(200)
    books = Books.of(system.client)
    found: dict[str, Any] = {c["cycle"]: c["health"] for c in cycles(system)}
    replayed = {entry["cycle"] for entry in books.journal if entry["event"] == "moved"}
    assert {found[cycle] for cycle in replayed} == {WELL}
    assert "http_500" in found.values()
