"""When Moogsoft is asked, and when an answer is used again. Redis is fakeredis here."""

from collections.abc import Callable, Iterator

import fakeredis
import pytest

from mutt_tasks import checking
from mutt_tasks.moogsoft import Answer
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings

URL = {"MOOG_WEBHOOK_URL": "http://moogsoft.invalid/webhook", "MOOG_HEALTH_CACHE_TTL": "60"}


class World:
    """A store, its clock, and a Moogsoft whose answers are given beforehand."""

    def __init__(self) -> None:
        self.redis = fakeredis.FakeRedis()
        self.store = Store(self.redis)
        self.now = 1_000_000.0
        self.answers: list[Answer] = []
        self.surroundings = Surroundings(
            now=lambda: self.now, probe=lambda settings, now: self.answers.pop(0)
        )

    def check(self, settings: Settings, by_hand: bool = False) -> tuple[bool, str]:
        record = checking.check(self.store, settings, self.surroundings, by_hand=by_hand)
        return record.healthy, record.reason


def next_look(world: World, passed_at: float) -> float:
    return checking.next_look(world.store, world.surroundings, passed_at)


@pytest.fixture
def world() -> Iterator[World]:
    found = World()
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


# --- a failed answer is used until it is time to ask again ---


def test_a_failed_answer_is_used_for_five_seconds_whatever_the_cache_says(world: World) -> None:
    world.answers = [Answer(False, "http_503"), Answer(False, "http_502"), Answer(True, "http_200")]
    settings = load(URL)
    world.check(settings)
    world.now += 4.9
    assert world.check(settings) == (False, "http_503")
    world.now += 0.1
    assert world.check(settings) == (False, "http_502")
    world.now += 27
    assert world.check(settings) == (False, "http_502")
    world.now += 0.5
    assert world.check(settings) == (True, "http_200")


@pytest.mark.parametrize("every", [0.5, 5.0, 10.0])
def test_moogsoft_is_asked_at_most_three_times_in_any_minute(world: World, every: float) -> None:
    world.answers = [Answer(False, "http_503")] * 100
    settings = load(URL)
    asked = []
    for _ in range(round(600 / every)):
        left = len(world.answers)
        world.check(settings)
        asked += [world.now] * (left - len(world.answers))
        world.now += every
    assert max(sum(start <= at < start + 60 for at in asked) for start in asked) == 3
    assert len(asked) >= 19


def test_a_call_by_hand_asks_though_others_have_asked_thrice(world: World) -> None:
    world.answers = [Answer(False, "http_503")] * 3 + [Answer(True, "http_200")]
    settings = load(URL)
    for _ in range(3):
        world.check(settings, by_hand=True)
        world.now += 1
    assert world.check(settings) == (False, "http_503")
    assert world.check(settings, by_hand=True) == (True, "http_200")


def test_live_alerts_that_pass_hasten_the_next_question(world: World) -> None:
    world.answers = [Answer(False, "http_503")] * 4 + [Answer(True, "http_200")]
    settings = load(URL)
    for wait in (5.0, 27.5, 27.5, 10.0):
        world.check(settings)
        world.now += wait
    long_ago = world.now - 20  # before the last question
    assert next_look(world, long_ago) == checking.LONGEST_LOOK
    assert world.check(settings) == (False, "http_503")
    assert next_look(world, world.now - 1) == 0.0
    assert world.check(settings) == (True, "http_200")


def test_live_alerts_that_pass_hasten_nothing_that_moogsoft_put_off(world: World) -> None:
    world.answers = [Answer(False, "http_429", 300.0)]
    settings = load(URL)
    world.check(settings)
    world.now += 100
    assert next_look(world, world.now - 1) == checking.LONGEST_LOOK
    assert world.check(settings) == (False, "http_429")


def test_the_last_look_before_a_question_is_due_comes_at_its_moment(world: World) -> None:
    world.answers = [Answer(False, "http_503")]
    world.check(load(URL))
    world.now += 3.5
    assert next_look(world, 0.0) == pytest.approx(1.5, abs=0.01)


# --- the forwarder's breaker ---

STATE, OPEN_TIME = "mutt:circuit_breaker:moogsoft:state", "mutt:circuit_breaker:moogsoft:open_time"


def stale_since(world: World) -> float:
    return checking.check(world.store, load(URL), world.surroundings, by_hand=False).stale_since


def test_an_open_breaker_whose_time_is_over_leaves_it_to_the_probe(world: World) -> None:
    world.redis.mset({STATE: "OPEN", OPEN_TIME: world.now - 299})
    settings = load(URL)
    assert world.check(settings) == (False, "breaker_open")
    world.now += 1
    world.answers = [Answer(True, "http_200")]
    assert world.check(settings) == (True, "http_200")
    assert stale_since(world) == world.now
    longer = load(URL | {"MOOG_BREAKER_TIMEOUT": "600"})
    assert world.check(longer) == (False, "breaker_open")


@pytest.mark.parametrize("open_time", [None, "yesterday", "99999999999"])
def test_an_open_breaker_without_a_date_counts_for_its_time_since_it_was_seen(
    world: World, open_time: str | None
) -> None:
    world.redis.set(STATE, "OPEN")
    if open_time:
        world.redis.set(OPEN_TIME, open_time)
    settings = load(URL)
    for _ in range(3):
        assert world.check(settings) == (False, "breaker_open")
        world.now += 100
    world.answers = [Answer(True, "http_200")]
    assert world.check(settings) == (True, "http_200")


def test_a_breaker_that_was_closed_in_between_is_seen_for_the_first_time_again(
    world: World,
) -> None:
    world.redis.set(STATE, "OPEN")
    world.answers = [Answer(True, "http_200")]
    settings = load(URL)
    world.check(settings)
    world.now += 200
    world.redis.set(STATE, "CLOSED")
    assert world.check(settings) == (True, "http_200")
    world.redis.set(STATE, "OPEN")
    world.now += 200
    assert world.check(settings) == (False, "breaker_open")


def test_an_older_forwarders_breaker_is_open_while_its_key_is_there(world: World) -> None:
    world.redis.set("mutt:circuit:moog:open", "1")
    settings = load(URL)
    world.now += 1000
    assert world.check(settings) == (False, "breaker_open")
    world.redis.delete("mutt:circuit:moog:open")
    world.answers = [Answer(True, "http_200")]
    assert world.check(settings) == (True, "http_200")


def test_moogsoft_is_asked_as_soon_as_the_breaker_is_closed(world: World) -> None:
    world.answers = [Answer(False, "http_503"), Answer(True, "http_200")]
    settings = load(URL)
    world.check(settings)
    world.redis.mset({STATE: "OPEN", OPEN_TIME: world.now})
    world.now += 1
    assert world.check(settings) == (False, "breaker_open")
    world.redis.set(STATE, "CLOSED")
    assert world.check(settings) == (True, "http_200")


def test_a_closed_breaker_is_no_reason_while_moogsoft_may_not_be_asked(world: World) -> None:
    world.answers = [Answer(False, "http_429", 300.0)]
    settings = load(URL)
    world.check(settings)
    world.redis.mset({STATE: "OPEN", OPEN_TIME: world.now})
    assert world.check(settings) == (False, "breaker_open")
    world.redis.set(STATE, "CLOSED")
    assert world.check(settings) == (False, "ask_later")


def test_what_was_asked_before_the_breaker_opened_counts_when_it_is_closed_again(
    world: World,
) -> None:
    world.answers = [Answer(False, "http_503")] * 3
    settings = load(URL)
    for _ in range(3):
        world.check(settings, by_hand=True)
        world.now += 1
    world.redis.mset({STATE: "OPEN", OPEN_TIME: world.now})
    assert world.check(settings) == (False, "breaker_open")
    world.redis.set(STATE, "CLOSED")
    assert world.check(settings) == (False, "ask_later")


def test_the_wait_that_moogsoft_asks_for_begins_with_its_answer(world: World) -> None:
    settings = load(URL)

    def slow(_settings: Settings, _now: float) -> Answer:
        world.now += 4
        return Answer(False, "http_429", 300.0)

    surroundings = Surroundings(now=lambda: world.now, probe=slow)
    checking.check(world.store, settings, surroundings, by_hand=False)
    world.now += 299  # 303 s after it was asked
    assert world.check(settings, by_hand=True) == (False, "http_429")


# --- a drain that waits rests again without a cycle ---

WAITING = "mutt:remediation:drain"


@pytest.fixture
def waiting(world: World) -> World:
    """A drain that has just found Moogsoft down."""
    world.redis.lpush("mutt:dlq:alerter", "x")
    world.redis.hset(WAITING, "asks", round(world.now * 1000))
    world.answers = [Answer(False, "http_503")]
    world.check(load(URL))
    return world


def lingers(world: World, **env: str) -> float:
    return checking.may_linger(world.store, load(URL | env), world.surroundings)


def test_a_drain_lingers_until_the_next_question(waiting: World) -> None:
    waiting.now += 1
    assert lingers(waiting) == pytest.approx(4)
    waiting.now += 4
    assert lingers(waiting) == 0.0
    waiting.answers = [Answer(False, "http_503")]
    waiting.check(load(URL))
    assert lingers(waiting) == checking.LONGEST_LOOK
    waiting.now += 25
    assert lingers(waiting) == 0.0  # it is time to say so again


@pytest.mark.parametrize(
    "happens",
    ["paused", "emptied", "disabled", "no drains", "never waited", "breaker", "old breaker"],
)
def test_whatever_happens_meanwhile_is_for_a_cycle_to_deal_with(
    waiting: World, happens: str
) -> None:
    waiting.now += 1
    assert lingers(waiting) > 0
    redis = waiting.redis
    acts: dict[str, Callable[[], object]] = {
        "paused": lambda: redis.hset("mutt:remediation:paused", "actor", "ann"),
        "emptied": lambda: redis.delete("mutt:dlq:alerter"),
        "never waited": lambda: redis.hset(WAITING, "asks", ""),
        "breaker": lambda: redis.set(STATE, "OPEN"),
        "old breaker": lambda: redis.set("mutt:circuit:moog:open", "1"),
    }
    if happens in acts:
        acts[happens]()
    env = {
        "disabled": {"REMEDIATION_ENABLED": "false"},
        "no drains": {"REMEDIATION_DRAIN": "false"},
    }.get(happens, {})
    assert lingers(waiting, **env) == 0.0


def test_a_drain_lingers_while_the_breaker_is_open_and_no_longer(waiting: World) -> None:
    waiting.redis.mset({STATE: "OPEN", OPEN_TIME: waiting.now})
    waiting.check(load(URL))
    assert lingers(waiting) == checking.LONGEST_LOOK
    waiting.redis.set(STATE, "HALF_OPEN")
    assert lingers(waiting) == 0.0


@pytest.mark.parametrize(("failures", "is_over"), [(None, True), ("0", True), ("3", False)])
def test_live_alerts_that_pass_end_the_lingering(
    waiting: World, failures: str | None, is_over: bool
) -> None:
    for wait in (5.0, 27.5, 27.5):
        waiting.now += wait
        waiting.answers = [Answer(False, "http_503")]
        waiting.check(load(URL))
    waiting.now += 6
    waiting.redis.hset(WAITING, "asks", round(waiting.now * 1000))
    assert lingers(waiting) > 0
    waiting.redis.zadd("mutt:rate_limit:moog", {"a": (waiting.now - 1) * 1000})
    if failures:
        waiting.redis.set("mutt:circuit_breaker:moogsoft:failures", failures)
    assert (lingers(waiting) == 0.0) is is_over


def test_a_limiter_that_holds_something_else_is_as_good_as_not_there(waiting: World) -> None:
    waiting.redis.set("mutt:rate_limit:moog", "x")
    waiting.now += 1
    assert lingers(waiting) > 0
