"""Whatever is asked of the API, it answers as described, and nothing is lost."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from mutt_tasks.operations.access import new_key
from mutt_tasks.store.store import Store
from tests.console.conftest import app_on
from tests.console.people import API
from tests.console.running import served
from tests.console.test_reading import HOSTILE
from tests.jobs import OFF
from tests.pipeline import ALERTS, DEAD, DLQ, INGEST, MOOG_DLQ, event, run_cycle
from tests.redis_server import RedisServer
from tests.services import ROOT

# The stream has no end to wait for: it is tested by itself.
DESCRIBED = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.json").exclude(
    path=f"{API}/events"
)
# Their filters, moments and selections have a grammar that no pattern tells.
GRAMMAR = ("/messages", "/groups", "/plans", "/audit", "/acks/{group}")
AS_THINGS_STAND = ["2xx", "401", "403", "404", "409", "410", "412", "423", "428", "429"]
DESCRIBED.config.checks.positive_data_acceptance.expected_statuses = AS_THINGS_STAND
EACH = 30


def lying(client: redis.Redis) -> int:
    """How many messages there are, wherever they lie."""
    trash: Any = client.keys("mutt:remediation:trash:*")
    names = [DLQ, MOOG_DLQ, DEAD, INGEST, ALERTS, "lab:queue", *trash]
    lengths: list[Any] = [client.llen(name) for name in names]
    return sum(lengths)


@pytest.fixture(scope="module")
def api(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The address of a console with messages of all kinds, and an admin's key.

    Nothing is lost by what is asked there, nor by what a worker then does of it.
    """
    client = redis_server.client
    client.flushall()
    for name in (DLQ, MOOG_DLQ, DEAD):
        client.lpush(name, *HOSTILE, *(event(number) for number in range(EACH)))
    before, store = lying(client), Store(client)
    path = tmp_path_factory.mktemp("console") / "keys"
    key = new_key(str(path), "fuzz", "admin")
    with served(app_on(store, CONSOLE_KEYS_FILE=path)) as url:
        yield url, key
    client.delete("mutt:remediation:paused")
    run_cycle(store, OFF)
    assert lying(client) == before
    client.flushall()


@DESCRIBED.parametrize()
@settings(
    max_examples=10, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
def test_whatever_is_asked_the_answer_is_as_described(
    case: schemathesis.Case[Any], api: tuple[str, str]
) -> None:
    url, key = api
    excluded = [ignored_auth]  # wrong keys are throttled; test_guard.py has them
    if case.path.endswith(GRAMMAR):
        excluded.append(positive_data_acceptance)
    case.call_and_validate(url, headers={"X-API-KEY": key}, excluded_checks=excluded, timeout=20)
