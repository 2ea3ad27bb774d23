"""A Sentinel makes the replica master while a drain is going on; the broker fails over too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sentinel import Watched
from tests.faults.system import MESSAGES, System
from tests.pipeline import DLQ, event

pytestmark = pytest.mark.xdist_group("failover")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    found = Watched(tmp_path_factory.mktemp("watched"))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def system(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("system")
    found = System(folder, watched.url, watched.master().client)
    found.start()
    yield found
    found.stop()


def test_an_orderly_failover_loses_nothing(system: System, watched: Watched) -> None:
    with system.live_drain():
        old = watched.master()
        watched.fail_over()
        system.until(lambda: watched.master() is not old)
        system.client = watched.master().client
    system.until(watched.is_ready)


def test_a_failover_to_a_replica_that_lags_undoes_the_last_moments_as_a_whole(
    system: System, watched: Watched
) -> None:
    """What replication had not delivered yet never happened, and all else is accounted for.

    Undone moves are done again. What a producer wrote in those moments is lost, and only
    WAIT tells it.
    """
    with system.live_drain():
        old, new = watched.master(), watched.replica()
        assert old.client.wait(1, 10_000) == 1
        new.client.replicaof("127.0.0.1", "1")  # from here on nothing arrives
        kept = MESSAGES - int(new.client.llen(DLQ))
        system.until(lambda: system.moved() >= kept + 6)
        old.client.lpush(DLQ, event(MESSAGES))
        assert old.client.wait(1, 1) == 0
        old.kill()
        system.until(lambda: watched.master() is new)
        system.client = new.client
        assert system.moved() == kept
