"""One message as faces show it: why it is here, what comes next and when, and its history."""

import json
from typing import Any

import pytest
import redis

from mutt_tasks.core.identity import digest
from mutt_tasks.operations import history, looking, shown, switches
from mutt_tasks.operations.looking import Looker, Wanted
from mutt_tasks.store import keys
from mutt_tasks.store.journal import Viewed
from mutt_tasks.store.store import Store
from tests.looking import looker_on
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    INGEST,
    MOOG_DLQ,
    event,
    fill,
    operator_pauses,
    run_cycle,
    settings_of,
)

BOTH = settings_of(REMEDIATION_ROUTES="alerter,moog", REMEDIATION_BATCH_SIZE=50)


def only(looks: Looker, route: str = "alerter", at: int = 0) -> dict[str, Any]:
    """The message at a place of a list, as it is shown."""
    entry = looking.page(looks, Wanted((route,), most=100)).entries[at]
    found = shown.whole_message(looks, entry)
    json.dumps(found, allow_nan=False)
    return found


def test_the_names_that_scripts_rely_on(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1, _correlation_id="id-1")])

    found = only(looker_on(store))

    names = {"id", "route", "age_seconds", "replays", "reason", "group", "correlation_id", "fields"}
    assert names <= found.keys()
    assert (found["route"], found["replays"], found["correlation_id"]) == ("alerter", 0, "id-1")
    assert found["fields"]["number"] == 1


def test_what_waits_goes_when_nothing_holds_it(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1), event(2)])
    looks = looker_on(store)
    assert only(looks, at=1)["next"] == {
        "action": "replay",
        "reason": "",
        "at": None,
        "sentence": f"goes to {INGEST} with one of the next cycles; 1 before it",
    }
    operator_pauses(store, 60)
    assert only(looks)["next"]["reason"] == "paused"
    assert "paused by an operator" in only(looks)["next"]["sentence"]
    assert only(looks)["why"] == "the pipeline's own tries are used up"


def test_while_a_route_moves_it_says_when(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(61)])
    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=1))
    left: Any = client.llen(DLQ)
    client.hset(keys.route_state("alerter"), mapping={"speed": 2, "moved_at": store.now()})

    found = only(looker_on(store), at=left - 1)["next"]

    assert f"in about {(left - 1) / 2:.0f} s" in found["sentence"]
    assert found["at"] is not None


def test_what_came_back_waits_for_its_backoff(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    ended = run_cycle(store, BOTH)
    client.lmove(INGEST, DLQ, "RIGHT", "LEFT")

    found = only(looker_on(store))

    assert found["next"]["action"] == "wait"
    assert "waits for another" in found["next"]["sentence"]
    assert found["next"]["at"] > found["header"]["last_at"]
    assert found["why"].startswith("it was replayed once and came back")
    assert [each["event"] for each in found["history"]] == ["cycle", "moved"]
    assert {each["cycle"] for each in found["history"]} == {ended.cycle}


def test_the_history_leaves_out_what_the_same_cycle_did_on_another_route(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    fill(client, MOOG_DLQ, [event(2)])
    run_cycle(store, BOTH)
    client.lmove(INGEST, DLQ, "RIGHT", "LEFT")

    found = only(looker_on(store))["history"]

    assert len(history.page(store, "", 10).entries) == 3
    assert [(each["event"], each.get("route")) for each in found] == [
        ("cycle", None),
        ("moved", "alerter"),
    ]


def test_what_has_no_id_shares_no_history_with_others_that_have_none(
    client: redis.Redis, store: Store
) -> None:
    """The alerter writes `unknown` where it knows no id; a person may be called so, too."""
    fill(client, DLQ, [event(1, _correlation_id="unknown"), event(2, _correlation_id="c-7")])
    for actor in ("unknown", "c-7"):
        switches.pause(store, f"by {actor}", actor, "why", 60)
    looker = looker_on(store)
    first, second = looking.page(looker, Wanted()).entries
    assert history.of(store, first) == []
    assert len(history.of(store, second)) == 1


def test_a_message_that_is_gone_is_known_by_the_first_digits_of_its_digest(
    client: redis.Redis, store: Store
) -> None:
    for digits in ("a" * 40, "b" + "a" * 39):
        told = {"event": "viewed", "route": "alerter", "digest": digits, "by": "ann"}
        client.xadd(keys.JOURNAL, told)  # type: ignore[arg-type]
    ((_, found),) = history.after(store, "m-" + "a" * 12)
    assert isinstance(found, Viewed)
    assert found.digest == "a" * 40


def test_what_will_be_set_aside_says_so(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1, _moog_retry_count=9), b"garbage"])

    poison, garbage = (only(looker_on(store), at=n)["next"] for n in (0, 1))

    assert poison["sentence"] == f"goes to {DEAD} as poison when a cycle comes to it"
    assert garbage["reason"] == "malformed"


def test_a_dead_letter_says_why_and_what_a_requeue_would_do(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1, _moog_retry_count=9), b"garbage"])
    run_cycle(store, BOTH)

    poison, garbage = (only(looker_on(store), "dead", n) for n in (0, 1))

    assert poison["why"] == "it failed too often while others passed"
    assert poison["next"]["sentence"] == f"stays here until somebody requeues it (to {INGEST})"
    assert [each["event"] for each in poison["history"]] == ["cycle", "moved"]
    assert "a requeue would be refused: it is malformed" in garbage["next"]["sentence"]


def test_a_suspect_goes_alone(client: redis.Redis, store: Store) -> None:
    alert = {"hostname": "h", "message_body": "up", "_moog_retry_count": 6}
    fill(client, MOOG_DLQ, [json.dumps(alert).encode()])

    found = only(looker_on(store, REMEDIATION_MAX_RATE="auto"), "moog")["next"]

    assert (
        found["sentence"]
        == f"failed while others passed: goes to {ALERTS} alone, when traffic is light"
    )


def test_the_bytes_are_shown_without_secrets_and_the_journal_says_who_looked(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [b'{"api_key" : "hunter2","hostname":"h", "n": 1.50}'])
    looks = looker_on(store)
    (entry,) = looking.page(looks, Wanted()).entries

    assert (
        shown.raw(looks, entry, "ann", "--actor") == '{"api_key" : "***","hostname":"h", "n": 1.50}'
    )

    ((_, viewed),) = history.page(store, "", 5).entries
    assert viewed == Viewed("alerter", digest(entry.raw), "ann")
    assert [each["event"] for each in only(looks)["history"]] == ["viewed"]


def test_many_looks_do_not_hide_the_last_cycle(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1), event(2)])
    ended = run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=1))
    looks = looker_on(store)
    entry = looking.page(looks, Wanted()).entries[0]
    for _ in range(50):
        shown.raw(looks, entry, "ann", "--actor")

    found = store.journal.last_cycle()

    assert found is not None
    assert found[1].cycle == ended.cycle


def test_nothing_secret_is_in_any_part_of_a_message(client: redis.Redis, store: Store) -> None:
    secret = "hunter2Zk4"
    header = {"reason": f"token={secret}", "cycle": f"password={secret}", "route": "alerter"}
    fields = {"api_key": secret, "note": f"token={secret}", "_remediation": header}
    fields |= {"program": f"secret={secret}", "_correlation_id": f"pwd={secret}"}
    fill(client, DEAD, [event(1, message=f"password: {secret}", **fields), secret.encode()])
    looks = looker_on(store, MOOG_API_KEY=secret)

    found = [only(looks, "dead", n) for n in (0, 1)]

    assert secret not in json.dumps(found)


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_the_journal_is_paged_by_event(client: redis.Redis, store: Store, most: int) -> None:
    for n in range(5):
        fill(client, DLQ, [event(n)])
        run_cycle(store, BOTH)
        client.delete(keys.LEASE)
        operator_pauses(store, 0.001 + 1)
        client.delete(keys.PAUSED)

    found: list[str] = []
    before = ""
    while True:
        page = history.page(store, before, most, ("paused", "cycle"))
        found += [entry.event for _, entry in page.entries]
        before = page.before
        if not before:
            break

    assert found == ["paused", "cycle"] * 5
