"""The API does what its description says, whatever is asked; and the description is checked in."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from mutt_tasks.operations.access import new_key
from mutt_tasks.store.store import Store
from tests.console.conftest import app_on
from tests.console.running import served
from tests.console.test_reading import HOSTILE
from tests.pipeline import DEAD, DLQ, INGEST, MOOG_DLQ, event
from tests.redis_server import RedisServer
from tests.services import ROOT

CHECKED_IN = ROOT / "docs" / "openapi.json"
LISTS = (DLQ, MOOG_DLQ, DEAD, INGEST, "mutt:alert_queue", "lab:queue")
EACH = 30
# The stream has no end to wait for: it is tested by itself.
DESCRIBED = schemathesis.openapi.from_path(CHECKED_IN).exclude(path="/api/v1/events")
# Their filters, moments and selections have a grammar that no pattern tells.
GRAMMAR = ("/messages", "/groups", "/plans", "/audit", "/acks/{group}")
AS_THINGS_STAND = ["2xx", "401", "403", "404", "409", "410", "412", "423", "428", "429"]
DESCRIBED.config.checks.positive_data_acceptance.expected_statuses = AS_THINGS_STAND


@pytest.fixture(scope="module")
def api(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The address of a console with messages of all kinds, and an admin's key."""
    redis_server.client.flushall()
    for number in range(EACH):
        for name in (DLQ, MOOG_DLQ, DEAD):
            redis_server.client.lpush(name, event(number), *HOSTILE)
    path = tmp_path_factory.mktemp("console") / "keys"
    key = new_key(str(path), "fuzz", "admin")
    with served(app_on(Store(redis_server.client), CONSOLE_KEYS_FILE=path)) as url:
        yield url, key
    redis_server.client.flushall()


@DESCRIBED.parametrize()
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
def test_whatever_is_asked_the_answer_is_as_described(
    case: schemathesis.Case, api: tuple[str, str]
) -> None:
    url, key = api
    excluded = [ignored_auth]
    if case.path.endswith(GRAMMAR):
        excluded.append(positive_data_acceptance)
    case.call_and_validate(url, headers={"X-API-KEY": key}, excluded_checks=excluded, timeout=20)
