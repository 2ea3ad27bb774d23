"""When Moogsoft is asked, and when an answer is used again. Redis is fakeredis here."""

from collections.abc import Iterator

import fakeredis
import pytest

from mutt_tasks import checking, moogsoft
from mutt_tasks.moogsoft import Answer
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.store import Store

URL = {"MOOG_WEBHOOK_URL": "http://moogsoft.invalid/webhook", "MOOG_HEALTH_CACHE_TTL": "60"}


class World:
    """A store, its clock, and a Moogsoft whose answers are given beforehand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.redis = fakeredis.FakeRedis()
        self.store = Store(self.redis)
        self.now = 1_000_000.0
        self.answers: list[Answer] = []
        monkeypatch.setattr(self.store.controls, "now", lambda: self.now)
        monkeypatch.setattr(moogsoft, "probe", lambda settings, now: self.answers.pop(0))

    def check(self, settings: Settings, by_hand: bool = False) -> tuple[bool, str]:
        record = checking.check(self.store, settings, by_hand)
        return record.healthy, record.reason


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    found = World(monkeypatch)
    yield found
    found.redis.close()


def test_an_answer_is_used_again_until_its_time_is_over(world: World) -> None:
    world.answers = [Answer(True, "http_200"), Answer(False, "http_503")]
    settings = load(URL)
    assert world.check(settings) == (True, "http_200")
    world.now += 59
    assert world.check(settings) == (True, "http_200")
    world.now += 1
    assert world.check(settings) == (False, "http_503")


def test_a_call_by_hand_asks_at_once(world: World) -> None:
    world.answers = [Answer(False, "http_503"), Answer(True, "http_200")]
    settings = load(URL)
    world.check(settings)
    assert world.check(settings, by_hand=True) == (True, "http_200")


def test_nobody_asks_before_moogsoft_allows_it(world: World) -> None:
    world.answers = [Answer(False, "http_429", 300.0), Answer(True, "http_200")]
    settings = load(URL)
    world.check(settings)
    world.now += 299
    assert world.check(settings, by_hand=True) == (False, "http_429")
    world.now += 1
    assert world.check(settings) == (True, "http_200")


def test_the_forwarders_open_breaker_is_unhealthy_without_asking(world: World) -> None:
    world.redis.set("mutt:circuit_breaker:moogsoft:state", "OPEN")
    settings = load(URL)
    assert world.check(settings) == (False, "breaker_open")
    world.redis.set("mutt:circuit_breaker:moogsoft:state", "HALF_OPEN")
    world.answers = [Answer(True, "http_200")]
    assert world.check(settings) == (True, "http_200")


@pytest.mark.parametrize("env", [{}, {**URL, "MOOG_HEALTH_CHECK_ENABLED": "false"}])
def test_without_anybody_to_ask_moogsoft_counts_as_healthy(
    world: World, env: dict[str, str]
) -> None:
    assert world.check(load(env)) == (True, "unchecked")
    assert world.redis.hget("mutt:remediation:health", "healthy") == b"1"


def test_an_answer_from_the_future_is_not_used(world: World) -> None:
    world.answers = [Answer(True, "http_200"), Answer(False, "http_500")]
    settings = load(URL)
    world.check(settings)
    world.now -= 3600
    assert world.check(settings) == (False, "http_500")


def test_a_damaged_record_is_as_good_as_none(world: World) -> None:
    world.redis.hset("mutt:remediation:health", mapping={"healthy": "1", "checked_at": "soon"})
    world.answers = [Answer(False, "timeout")]
    assert world.check(load(URL)) == (False, "timeout")
