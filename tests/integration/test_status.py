"""The status that every face shows, read from a real Redis that cycles have worked on."""

import json
import re
from pathlib import Path

import pytest
import redis

from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import job_view, jobs, status, switches
from mutt_tasks.operations.reasons import WORDS, in_words
from mutt_tasks.operations.status import Status
from mutt_tasks.settings import Settings
from mutt_tasks.store import keys
from mutt_tasks.store.store import Store
from tests.jobs import order, plan_of
from tests.looking import looker_on
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    consume,
    drain,
    event,
    fill,
    lying_in,
    run_cycle,
    settings_of,
)


@pytest.fixture
def settings() -> Settings:
    return settings_of(REMEDIATION_ROUTES="alerter,moog", REMEDIATION_BATCH_SIZE=2)


def read(store: Store, settings: Settings, *beside: str) -> Status:
    return status.read(store, settings.routes, settings.lists.dead_letter_queue, beside)


def test_before_the_first_cycle_it_says_what_waits_and_that_nothing_is_known(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1), event(2)])
    found = read(store, settings)
    assert found.sentence == "2 wait for the next cycle"
    assert found.moogsoft == status.Moogsoft(None, "")
    assert (found.cycle, found.reasons, found.is_draining) == ("", (), False)
    route = found.routes["alerter"]
    assert (route.depth, route.target_depth, route.held_by) == (2, 0, "")
    assert (route.rate, route.eta_seconds) == (0.0, None)
    assert found.routes["moog"].eta_seconds == 0.0


def test_a_route_under_way_has_a_rate_and_a_time_to_empty(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(n) for n in range(20)])
    run_cycle(store, settings)
    state = keys.route_state("alerter")
    client.hset(state, mapping={"speed": 4, "moved_at": store.now()})
    found = read(store, settings)
    route = found.routes["alerter"]
    assert found.is_draining
    assert not route.is_held
    assert route.rate == 4
    assert route.eta_seconds == route.depth / 4
    assert found.sentence.startswith("replaying alerter 4/s, empty in about ")
    client.hset(state, "moved_at", store.now() - status.MOVING_SECONDS - 1)
    still = read(store, settings).routes["alerter"]
    assert (still.rate, still.eta_seconds) == (0.0, None)
    client.hset(state, "moved_at", store.now())
    client.delete(keys.LEASE)  # the drain has ended
    assert read(store, settings).routes["alerter"].rate == 0.0


def test_what_holds_a_route_is_named_and_told_in_words(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1)])
    run_cycle(store, settings, healthy=False)
    client.hset(keys.route_state("alerter"), mapping={"speed": 4, "moved_at": 4e9})
    found = read(store, settings)
    route = found.routes["alerter"]
    assert (route.is_held, route.held_by, route.rate) == (True, "unhealthy", 0.0)
    assert found.sentence == "1 held: Moogsoft is not healthy"
    assert found.reasons == ("unhealthy",)


@pytest.mark.parametrize(
    ("held_by", "rate"), [("rate_limited", 4.0), ("window", 4.0), ("waiting", 0.0), ("empty", 0.0)]
)
def test_a_route_that_is_held_for_a_moment_only_keeps_its_rate(
    client: redis.Redis, store: Store, settings: Settings, held_by: str, rate: float
) -> None:
    fill(client, DLQ, [event(n) for n in range(20)])
    run_cycle(store, settings)
    route = keys.route_state("alerter")
    client.hset(route, mapping={"speed": 4, "moved_at": store.now()})
    client.xadd(keys.JOURNAL, {"event": "cycle", "route:alerter": f"held {held_by}"})
    client.xadd(keys.JOURNAL, {"event": "moved", "route": "alerter"})
    assert read(store, settings).routes["alerter"].rate == rate


def test_a_pause_is_told_with_who_and_why_and_holds_at_once(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1)])
    switches.pause(store, "1", "ann", "CHG4711", 3600)
    found = read(store, settings)
    assert found.paused is not None
    assert (found.paused.actor, found.paused.reason) == ("ann", "CHG4711")
    assert found.sentence == "paused by ann for another 60 min: CHG4711"
    assert all(route.held_by == "paused" and route.is_held for route in found.routes.values())


def test_the_books_count_what_moved_and_what_lies_there(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1), b"garbage", event(2), event(3)])
    drain(store, settings)
    fill(client, DLQ, [event(4)])
    client.hset(keys.STATS, mapping={"bounced:alerter": 2, "requeued:moog": 1})
    found = read(store, settings, "beside")
    books = found.books
    assert (books.replayed, books.bounced, books.requeued, books.waiting) == (3, 2, 1, 1)
    assert {reason for reason, n in books.quarantined.items() if n} == {"malformed"}
    assert found.dead_depth == client.llen(DEAD) == 1
    assert found.depths[INGEST] == found.routes["alerter"].target_depth == 3
    assert found.depths["beside"] == 0


def test_what_lies_beside_a_list_for_seconds_is_counted_with_it(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    fill(client, keys.aside("alerter"), [event(n) for n in range(10, 14)])
    fill(client, keys.front("moog"), [event(20)])
    routes = read(store, settings).routes
    assert (routes["alerter"].depth, routes["moog"].depth) == (7, 1)


def test_the_age_is_that_of_the_oldest_messages_event(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1, timestamp=store.now() - 500), event(2)])
    age = read(store, settings).routes["alerter"].oldest_age_seconds
    assert age == pytest.approx(500, abs=5)
    assert read(store, settings).routes["moog"].oldest_age_seconds is None
    fill(client, "mutt:dlq:moog", [b"garbage"])
    assert read(store, settings).routes["moog"].oldest_age_seconds is None


def test_an_event_whose_clock_is_ahead_has_no_age(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1, timestamp=store.now() + 3600)])
    assert read(store, settings).routes["alerter"].oldest_age_seconds == 0.0


def test_an_empty_pipeline_has_nothing_to_replay(store: Store, settings: Settings) -> None:
    run_cycle(store, settings)
    found = read(store, settings)
    assert found.sentence == "nothing to replay"
    assert found.reasons == ("empty",)


def test_what_somebody_else_wrote_into_our_keys_costs_a_number_and_no_answer(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1)])
    client.hset(keys.route_state("alerter"), mapping={"speed": "fast", "moved_at": b"\xff"})
    client.hset(keys.HEALTH, "reason", b"\xff")
    client.hset(keys.STATS, mapping={"replayed:alerter": "many"})
    client.xadd(keys.JOURNAL, {"event": b"\xff"})
    found = read(store, settings)
    assert found.routes["alerter"].rate == 0.0
    assert found.moogsoft.healthy is None
    assert found.books.replayed == 0


def test_as_json_it_has_the_names_that_faces_keep(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    fill(client, DLQ, [event(1)])
    run_cycle(store, settings)
    switches.pause(store, "1", "ann", "why", 60)
    found = json.loads(json.dumps(read(store, settings).as_json()))
    assert set(found) == {
        *("sentence", "routes", "dead_depth", "dead_oldest_age_seconds", "trash_depth"),
        *("moogsoft", "paused", "books", "jobs"),
    }
    assert set(found["routes"]) == {"alerter", "moog"}
    kept = {"depth", "target_depth", "oldest_age_seconds", "held_by", "rate", "eta_seconds"}
    assert kept <= set(found["routes"]["alerter"])
    assert set(found["paused"]) == {"actor", "reason", "since", "seconds_left"}


def test_every_reason_that_the_runbook_explains_has_its_words_and_no_other_has() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    table = page.partition("| reason | what holds the replays |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(WORDS)


def test_what_holds_several_routes_is_told_without_those_that_have_nothing_to_do() -> None:
    assert in_words(["empty", "unhealthy"]) == "Moogsoft is not healthy"
    assert in_words(["empty"]) == "nothing to replay"
    assert in_words(["of another version"]) == "of another version"
    assert in_words([]) == ""


def test_a_job_under_way_is_in_the_sentence_and_stands_as_it_does_alone(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    header = {"replays": 5, "route": "alerter"}
    dead = [event(n, _remediation=header) for n in range(5)]
    fill(client, DEAD, dead)
    job = jobs.submit(store, plan_of(store, Verb.REQUEUE, {"dead": dead}), order())
    waits = f"requeue {job.id} by ann: 0 of 5 done"
    assert read(store, settings).sentence == waits
    second = jobs.submit(store, plan_of(store, Verb.REQUEUE, {"dead": dead}), order())
    assert read(store, settings).sentence == f"{waits}, and 1 more job"
    jobs.cancel(store, second.id, order())
    fill(client, "mutt:dlq:moog", [event(9)])
    run_cycle(store, settings, healthy=False)
    found = read(store, settings)
    assert found.sentence == (
        f"1 held: Moogsoft is not healthy; {waits}, waits: Moogsoft is not healthy"
    )
    looks = looker_on(store, REMEDIATION_BATCH_SIZE=2)
    assert found.as_json()["jobs"] == [job_view.job(looks, job)]
    switches.pause(store, "1", "ann", "CHG4711", 60)
    assert read(store, settings).sentence == f"paused by ann for another 60 s: CHG4711; {waits}"


def test_the_books_and_the_job_count_alike_what_came_back(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    header = {"replays": 5, "route": "alerter"}
    dead, lying = [event(n, _remediation=header) for n in range(4)], [event(9)]
    fill(client, DEAD, dead)
    fill(client, DLQ, lying)
    requeue = jobs.submit(store, plan_of(store, Verb.REQUEUE, {"dead": dead}), order())
    replay = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": lying}), order())
    drain(store, settings)
    sent = lying_in(client, INGEST)
    assert len(sent) == 5
    consume(client, store)
    fill(client, DLQ, sent)
    run_cycle(store, settings)
    told = [job_view.job(looker_on(store), each)["counts"] for each in (requeue, replay)]
    assert [(each["done"], each["came_back"]) for each in told] == [(4, 4), (1, 1)]
    books = read(store, settings).books
    assert (books.requeued, books.came_back) == (4, 5)


def test_the_oldest_dead_letter_has_an_age_too(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    assert read(store, settings).dead_oldest_age_seconds is None
    fill(client, DEAD, [event(1, timestamp=store.now() - 500), event(2)])
    assert read(store, settings).dead_oldest_age_seconds == pytest.approx(500, abs=5)
    client.rpush(DEAD, b"{garbage")
    assert read(store, settings).dead_oldest_age_seconds is None
