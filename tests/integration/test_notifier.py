"""What the notifier tells of what really happens: dead letters, recoveries, jobs, pauses."""

import json
from dataclasses import replace

import pytest
import redis

from mutt_tasks.core.notice_text import Severity
from mutt_tasks.core.plan import Verb
from mutt_tasks.notify.metrics import NotifyCollector
from mutt_tasks.operations import jobs, notes, switches
from mutt_tasks.operations.notes import Wish
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.jobs import OFF, order, plan_of
from tests.looking import looker_on
from tests.notifying import Receiver, let_lease_run_out, notifier_on, notify_settings, state
from tests.pipeline import (
    DEAD,
    DLQ,
    consume,
    event,
    fill,
    lying_in,
    operator_pauses,
    run_cycle,
    settings_of,
)
from tests.services import until

SETTINGS = notify_settings()


def dies(client: redis.Redis, store: Store, *messages: bytes) -> None:
    """Messages that no replay helps are set aside by a cycle."""
    fill(client, DLQ, list(messages))
    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=1000))
    client.delete("mutt:remediation:lease")
    consume(client, store)


def poison(number: int, **fields: object) -> bytes:
    return event(number, _moog_retry_count=9, **fields)


def test_a_new_group_of_dead_letters_is_told_once(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    dies(client, store, *(poison(n, program="sshd", message=f"link {n} down") for n in range(3)))
    notifier.step()
    dies(client, store, poison(7, program="sshd", message="link 7 down"), b"garbage")
    for _ in range(3):
        notifier.step()

    first, second = (notice for _, notice in receiver.took)
    assert first.title.endswith("new in the dead letter list: 3 messages")
    assert second.title.endswith("new in the dead letter list: 1 message")
    (group,) = {line.split()[1].rstrip(":") for line in first.body.splitlines() if "sshd" in line}
    assert f"{group}: 3 messages, poison (every replay failed), route alerter" in first.body
    assert f"mutt-dlq list --route dead --where group:{group}\n" in first.body
    assert "malformed (not a JSON object)" in second.body
    assert first.severity is Severity.WARNING


def test_a_text_holds_no_payload_and_no_credential(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    settings = notify_settings(MOOG_API_KEY="Apikey-7hQ2vX")
    notifier = notifier_on(store, settings, receiver)
    notifier.step()
    dies(
        client,
        store,
        poison(1, message="uplink of core-7 token=hunter2Zk4", program="x password=hunter2Zk4"),
        b'garbage {"password": "hunter2Zk4"} payload-marker',
        json.dumps({"payload-marker": "payload-marker"}).encode(),
    )
    switches.pause(store, new_id(), "ann", "key is Apikey-7hQ2vX", 1)
    for _ in range(3):
        notifier.step()

    told = " ".join(f"{notice.title} {notice.body}" for _, notice in receiver.took)
    assert "3 messages of 3 kinds" in told
    kept = " ".join(state(client).values())
    for text in (told, kept):
        for never in ("uplink", "core-7", "host-1", "hunter2", "payload-marker", "Apikey-7hQ2vX"):
            assert never not in text


def test_what_lay_there_before_the_first_look_is_no_news(client: redis.Redis, store: Store) -> None:
    dies(client, store, poison(1, message="old"))
    (dead,) = lying_in(client, DEAD)
    header = json.loads(dead)["_remediation"] | {"dead_at": "2026-11-01T00:00:00Z"}
    client.delete(DEAD)
    client.lpush(DEAD, json.dumps(json.loads(dead) | {"_remediation": header}), b"old garbage")
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    dies(client, store, poison(2, message="old"), poison(3, message="new"))
    notifier.step()

    assert receiver.titles == ["new in the dead letter list: 1 message"]


def test_what_died_shortly_before_the_first_look_is_news(client: redis.Redis, store: Store) -> None:
    dies(client, store, poison(1))
    receiver = Receiver()
    notifier_on(store, SETTINGS, receiver).step()

    assert receiver.titles == ["new in the dead letter list: 1 message"]


def test_what_died_while_no_notifier_ran_is_told_by_the_next(
    client: redis.Redis, store: Store
) -> None:
    receiver = Receiver()
    notifier_on(store, SETTINGS, receiver).step()
    dies(client, store, *(poison(n, message=f"a {n}") for n in range(600)), b"garbage")
    client.delete("mutt:remediation:journal")
    let_lease_run_out(client)
    notifier_on(store, SETTINGS, receiver).step()

    assert receiver.titles == ["new in the dead letter list: 601 messages of 2 kinds"]


def lies(client: redis.Redis, *messages: bytes) -> None:
    """Messages came to the dead letter list, and are counted as a commit does it."""
    for message in messages:
        client.lpush(DEAD, message)
    client.hincrby("mutt:remediation:stats", "poison:alerter", len(messages))


def dead(number: int, text: str) -> bytes:
    header = {"reason": "poison", "route": "alerter", "replays": 3}
    return event(number, message=text, _remediation=header)


def test_nothing_is_passed_over_when_others_take_from_the_list_meanwhile(
    client: redis.Redis, store: Store
) -> None:
    lies(client, *(dead(n, "old") for n in range(5)))
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    receiver.took.clear()
    lies(client, *(dead(n, text) for n, text in enumerate(("new one", "new two", "newer"))))
    listings = store.listings

    class Taking:
        """Before the first look somebody removes the oldest messages."""

        def open(self, name: str, **options: bool) -> object:
            client.ltrim(DEAD, 0, -6)
            return listings.open(name, **options)

    notifier._news._dead._looker.store.listings = Taking()  # type: ignore[assignment]
    notifier.step()
    store.listings = listings
    for _ in range(3):
        notifier.step()

    assert "new in the dead letter list: 3 messages of 3 kinds" in receiver.titles


def test_while_a_job_works_deep_in_the_list_it_is_not_looked_at(
    client: redis.Redis, store: Store
) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    lies(client, dead(1, "one"), dead(2, "two"))
    client.rpoplpush(DEAD, "mutt:remediation:aside:dead")
    notifier.step()
    assert receiver.took == []
    client.lmove("mutt:remediation:aside:dead", DEAD, "LEFT", "RIGHT")
    notifier.step()
    notifier.step()

    assert receiver.titles == ["new in the dead letter list: 2 messages of 2 kinds"]


def test_a_flood_is_looked_at_bit_by_bit_and_wholly(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, notify_settings(NOTIFY_WAIT=3600), receiver)
    notifier.step()
    flood = [dead(n, "the flood") for n in range(4500)]
    client.lpush(DEAD, dead(0, "first of all"), *flood, dead(0, "last of all"))
    client.hincrby("mutt:remediation:stats", "poison:alerter", len(flood) + 2)
    until(lambda: notifier.step() and json.loads(state(client)["reading"])["unseen"] == 0)

    causes = json.loads(state(client)["causes"]).values()
    assert sorted(cause["count"] for cause in causes) == [1, 1, 4500]


def test_a_group_that_is_gone_from_the_list_is_over_and_new_when_it_comes_again(
    client: redis.Redis, store: Store
) -> None:
    receiver = Receiver()
    notifier = notifier_on(
        store, notify_settings(NOTIFY_REPEAT=1), receiver, keyed=frozenset({"ops"})
    )
    notifier.step()
    dies(client, store, poison(1, message="a"), b"garbage")
    notifier.step()
    client.lrem(DEAD, 0, "garbage")
    notifier.step()
    notifier.step()
    client.delete(DEAD)
    for _ in range(3):
        notifier.step()

    assert receiver.titles[0] == "new in the dead letter list: 2 messages of 2 kinds"
    assert "gone from the dead letter list: 1 kind of messages" in receiver.titles[1]
    overs = [notice.is_over for _, notice in receiver.took]
    keys = {notice.key for _, notice in receiver.took}
    assert overs == [False, False, True]
    assert keys == {"mutt-remediation-dead"}


def test_an_acknowledged_group_is_quiet(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    settings = notify_settings(NOTIFY_WAIT=3600)
    notifier = notifier_on(store, settings, receiver)
    notifier.step()
    dies(client, store, b"garbage", poison(1))
    notifier.step()
    (one, _) = json.loads(state(client)["groups"])
    notes.acknowledge(looker_on(store), one, 3600, "NET-812", Wish(new_id(), "ann", "--actor"))
    let_lease_run_out(client)
    notifier_on(store, SETTINGS, receiver).step()

    assert receiver.titles == ["new in the dead letter list: 1 message"]
    assert one not in receiver.took[0][1].body


def test_a_job_that_ended_is_told_with_what_it_did(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    events = [event(n) for n in range(4)]
    fill(client, DLQ, events)
    plan = plan_of(store, Verb.DISCARD, {"alerter": [*events, b"gone"]})
    wanted = replace(order(), reason="hopeless, token=hunter2Zk4")
    job = jobs.submit(store, plan, wanted)
    run_cycle(store, OFF)
    notifier.step()
    notifier.step()

    (notice,) = (notice for _, notice in receiver.took)
    assert notice.title.endswith(f"the discard {job.id} is over: done")
    assert f"{job.id}: discard by ann (hopeless, token=***): done, 4 done, 1 gone" in notice.body
    assert f"Next: mutt-dlq job {job.id}\n" in notice.body
    assert f"mutt-dlq undo {job.id}" in notice.body


def test_a_job_that_ended_unseen_is_told_though_the_journal_was_trimmed(
    client: redis.Redis, store: Store
) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    operator_pauses(store, 3600)
    notifier.step()
    events = [event(n) for n in range(4)]
    fill(client, DLQ, events)
    jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events}), order())
    run_cycle(store, OFF)
    client.delete("mutt:remediation:journal")
    client.xadd("mutt:remediation:journal", {"event": "resumed", "by": "ann"})
    # The clock of this cycle was put forward by its waits.
    until(lambda: notifier.step() and receiver.titles)

    assert [title.partition(" j-")[0] for title in receiver.titles] == ["the discard"]


@pytest.mark.parametrize(("seconds", "is_told"), [(1000, False), (100, True)])
def test_a_pause_that_is_about_to_end_is_told_and_its_end(
    client: redis.Redis, store: Store, seconds: int, is_told: bool
) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    fill(client, DLQ, [event(1)])
    switches.pause(store, new_id(), "ann", "CHG4711", seconds)
    client.hset("mutt:remediation:paused", "since", "2026-01-01T00:00:00.000Z")
    notifier.step()
    assert bool(receiver.took) == is_told
    if is_told:
        notice = receiver.took[0][1]
        assert "the pause of ann ends at 20" in notice.title
        assert "CHG4711" in notice.body
        assert "Then replays go on by themselves: 1 message waits" in notice.body
    switches.resume(store, new_id(), "ann")
    notifier.step()
    notifier.step()

    assert (receiver.titles[1:] == ["the pause is over"]) == is_told


def test_a_backlog_that_is_gone_is_told_with_its_numbers(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    fill(client, DLQ, [event(n) for n in range(20)])
    run_cycle(store, settings_of(), healthy=False)
    notifier.step()
    fill(client, DLQ, [poison(99)])
    client.delete("mutt:remediation:lease")
    for _ in range(2):
        run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=100))
        client.delete("mutt:remediation:lease")
        consume(client, store)
    notifier.step()
    receiver.took.clear()
    # Half a minute later.
    known = json.loads(state(client)["reading"])
    known["backlog"]["moved_at"] -= 31
    client.hset("mutt:remediation:notify:state", "reading", json.dumps(known))
    let_lease_run_out(client)
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    notifier.step()

    (notice,) = (notice for _, notice in receiver.took)
    assert "recovered: 20 back, 1 dead, in " in notice.title
    assert "held meanwhile: Moogsoft is not healthy" in notice.body
    assert notice.severity is Severity.SUCCESS


def test_one_target_that_refuses_delays_no_other_and_is_told_when_it_is_back(
    client: redis.Redis, store: Store
) -> None:
    bad, good = Receiver(answer="it answered 500"), Receiver()
    settings = notify_settings("good=json://127.0.0.1/ bad=json://127.0.0.2/")

    class Both(Receiver):
        def prepare(self, address, notice, timeout):  # type: ignore[no-untyped-def]
            receiver = good if address.name == "good" else bad
            return receiver.prepare(address, notice, timeout)

    notifier = notifier_on(store, settings, Both())
    notifier.step()
    dies(client, store, b"garbage")
    notifier.step()
    notifier.step()
    assert len(good.titles) == 1
    assert bad.titles == []
    bad.answer = ""
    known = json.loads(state(client)["target:bad"])
    assert known["failures"] == 1
    client.hset("mutt:remediation:notify:state", "target:bad", json.dumps(known | {"next_try": 0}))
    let_lease_run_out(client)
    notifier = notifier_on(store, settings, Both())
    notifier.step()

    assert bad.titles == good.titles


def test_no_more_than_six_messages_are_sent_at_once(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    settings = notify_settings(" ".join(f"t{n}=json://127.0.0.1/" for n in range(8)))
    notifier = notifier_on(store, settings, receiver)
    notifier.step()
    dies(client, store, b"garbage")
    counts = []
    for _ in range(3):
        notifier.step()
        counts.append(len(receiver.took))

    assert counts == [6, 8, 8]
    assert len({name for name, _ in receiver.took}) == 8


def test_of_two_notifiers_one_sends(client: redis.Redis, store: Store) -> None:
    receivers = Receiver(), Receiver()
    first, second = (notifier_on(store, SETTINGS, each) for each in receivers)
    assert (first.step(), second.step()) == (True, False)
    dies(client, store, b"garbage")
    for _ in range(2):
        first.step()
        second.step()
    assert [len(each.took) for each in receivers] == [1, 0]

    dies(client, store, poison(1))
    first.close()
    assert second.step()
    assert not first.step()
    assert [len(each.took) for each in receivers] == [1, 1]


def test_one_that_was_overtaken_writes_and_sends_nothing(client: redis.Redis, store: Store) -> None:
    receivers = Receiver(), Receiver()
    first, second = (notifier_on(store, SETTINGS, each) for each in receivers)
    first.step()
    dies(client, store, b"garbage")
    client.set("mutt:remediation:notify:lease", "x")
    let_lease_run_out(client)
    second.step()

    assert not first.step()
    assert [len(each.took) for each in receivers] == [0, 1]


def test_a_target_that_is_new_is_told_what_comes_and_not_what_was(
    client: redis.Redis, store: Store
) -> None:
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    dies(client, store, b"garbage")
    notifier.step()
    notifier.step()
    receiver.took.clear()
    let_lease_run_out(client)
    settings = notify_settings("ops=json://127.0.0.1/ new=json://127.0.0.2/")
    notifier = notifier_on(store, settings, receiver)
    notifier.step()
    assert receiver.took == []
    dies(client, store, poison(1))
    notifier.step()

    assert sorted(name for name, _ in receiver.took) == ["new", "ops"]


def test_links_lead_to_the_console_where_there_is_one(client: redis.Redis, store: Store) -> None:
    receiver = Receiver()
    settings = notify_settings(CONSOLE_URL="https://console.example.com/")
    notifier = notifier_on(store, settings, receiver)
    notifier.step()
    dies(client, store, b"garbage")
    notifier.step()

    assert "Next: https://console.example.com/messages?where=group:s1-" in receiver.took[0][1].body


def metrics(store: Store, settings: Settings) -> dict[tuple[str, str], float]:
    """Each sample by its name and its target."""
    return {
        (sample.name.removeprefix("mutt_notify_"), sample.labels.get("target", "")): sample.value
        for family in NotifyCollector(store, settings).collect()
        for sample in family.samples
    }


def test_metrics_say_whom_it_reaches_and_how_late(client: redis.Redis, store: Store) -> None:
    assert metrics(store, SETTINGS) == {
        ("redis_reachable", ""): 1,
        ("targets", ""): 1,
        ("dropped_total", ""): 0,
    }
    receiver = Receiver()
    notifier = notifier_on(store, SETTINGS, receiver)
    notifier.step()
    dies(client, store, b"garbage")
    notifier.step()
    notifier.step()
    receiver.answer = "it answered 500"
    dies(client, store, poison(1))
    notifier.step()
    notifier.step()

    found = metrics(store, SETTINGS)
    moments = ("last_look_timestamp_seconds", "last_success_timestamp_seconds")
    assert {name: value for (name, _), value in found.items() if name not in moments} == {
        "redis_reachable": 1,
        "targets": 1,
        "dropped_total": 0,
        "lag_seconds": pytest.approx(0.5, abs=0.5),
        "waiting": 1,
        "capped": 0,
        "sent_total": 1,
        "failed_total": 1,
        "unsure_total": 0,
    }
    assert found["last_look_timestamp_seconds", ""] >= found[moments[1], "ops"] > 0
    assert ("lag_seconds", "ops") not in metrics(store, settings_of())


def test_without_redis_there_is_no_stale_metric() -> None:
    away = Store.at(notify_settings(REDIS_URL="redis://127.0.0.1:1").redis.address, retries=0)

    assert metrics(away, SETTINGS) == {("redis_reachable", ""): 0}
