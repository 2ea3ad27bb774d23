"""Messages are exported as they lie, and imported byte for byte, counted and audited."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from mutt_tasks.core.exports import messages_of
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.identity import digest
from mutt_tasks.errors import InvalidArgument, NotFound, Refused, SetChanged
from mutt_tasks.operations import exporting
from mutt_tasks.operations.exporting import MOST_BYTES, MOST_MESSAGES, Exported
from mutt_tasks.operations.jobs import Order
from mutt_tasks.store import keys
from mutt_tasks.store.asides import Aside
from mutt_tasks.store.states import decoded, encoded
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, MOOG_DLQ, counters, event, fill, lying_in

ALL = Exported(is_all=True)
ODD = [b"", b"\xff\xfe\x00", b'{"a":"\x1b"}', "\u2028ü".encode(), b"\r\n"]


def order() -> Order:
    return Order("ann", "--actor", "ticket 812", new_id())


def audited(store: Store) -> list[tuple[str, str, str, str]]:
    """What the audit has, the oldest first: verb, scope, count, outcome."""
    entries = [fields for _, fields in reversed(store.audit.page().entries)]
    return [(e["verb"], e["scope"], e["count"], e["outcome"]) for e in entries]


def test_what_is_exported_is_imported_in_the_same_order(client: redis.Redis, store: Store) -> None:
    events = [*ODD, *(event(n, api_key="hunter2") for n in range(2 * MOST_MESSAGES + 7)), b"x" * 10]
    fill(client, DEAD, [*events, event(1), event(1)])
    looker = looker_on(store)
    lines = list(exporting.exported(looker, Exported(is_all=True, routes=("dead",)), order()))
    assert exporting.checked(lines) == len(events) + 2
    fill(client, MOOG_DLQ, [event(999)])

    told = list(exporting.imported(looker, "moog", lines, order()))

    assert lying_in(client, MOOG_DLQ) == [event(999), *events, event(1), event(1)]
    assert told == [500, 1000, len(events) + 2]
    assert counters(client)["imported:moog"] == len(events) + 2
    assert audited(store) == [
        ("export", "all of dead", "0", "done"),
        *(("import", "moog", count, "done") for count in ("500", "500", "15")),
    ]
    events_told = [entry.event for _, entry in store.journal.page().entries]
    assert events_told == ["imported"] * 3


def test_an_export_for_people_has_no_credentials_and_leaves_no_audit(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1, api_key="hunter2")])

    lines = list(exporting.exported(looker_on(store), ALL, None))

    assert b"hunter2" not in b"".join(lines)
    assert audited(store) == []
    with pytest.raises(Refused, match="without credentials"):
        exporting.checked(lines)


def test_an_export_has_what_lies_beside_its_list_in_the_order_in_which_it_goes(
    client: redis.Redis, store: Store
) -> None:
    for key, number in (("front:alerter", 0), ("aside:alerter", 1)):
        fill(client, f"mutt:remediation:{key}", [event(number), event(number + 10)])
    fill(client, DLQ, [event(2), event(12)])
    lines = list(exporting.exported(looker_on(store), ALL, order()))
    assert list(messages_of(lines)) == [event(n) for n in (0, 10, 1, 11, 2, 12)]


def test_messages_that_step_aside_and_back_meanwhile_are_exported_once_and_in_order(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(5000)]
    client.lpush(DLQ, *events)
    store.lease.acquire("ours", 0.0)
    beside = keys.aside("alerter")

    def step_aside_or_back(seen: int, _length: int) -> None:
        has = client.llen(beside)
        for wanted in (has + 900, has + 1700, has + 900) if seen < 4000 else (900, 0):
            has = store.asides.step("ours", Aside("alerter", DLQ, beside, has, wanted))

    looker = replace(looker_on(store), progress=step_aside_or_back)
    lines = list(exporting.exported(looker, Exported(is_all=True, routes=("alerter",)), order()))
    assert int(client.hget("mutt:remediation:route:alerter", "stepped") or 0) > 8
    assert list(messages_of(lines)) == events


def test_no_export_is_made_of_a_list_whose_order_changed_meanwhile(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    store.lease.acquire("ours", 0.0)

    def bring_some_before_older_ones(_seen: int, _length: int) -> None:
        for key, has, wanted in (("aside", 0, 1), ("front", 0, 1), ("aside", 1, 0)):
            beside = f"mutt:remediation:{key}:alerter"
            store.asides.step("ours", Aside("alerter", DLQ, beside, has, wanted))

    looker = replace(looker_on(store), progress=bring_some_before_older_ones)
    with pytest.raises(SetChanged, match="alerter were brought before older ones"):
        list(exporting.exported(looker, ALL, None))
    others = Exported(is_all=True, routes=("dead",))
    assert list(exporting.exported(looker_on(store), others, None))
    assert len(list(exporting.exported(looker_on(store), ALL, None))) == 4


def test_only_what_is_meant_is_exported(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    fill(client, DEAD, [event(n) for n in range(5)])
    looker = looker_on(store)

    def exported(wanted: Exported) -> list[bytes]:
        lines = list(exporting.exported(looker, wanted, order()))
        return list(messages_of(lines))

    assert exported(Exported(where="host:host-3")) == [event(3)] * 2
    ids = (f"m-{digest(event(2))[:12]}", f"m-{digest(event(4))[:12]}")
    assert exported(Exported(ids, routes=("dead",))) == [event(2), event(4)]
    assert exported(Exported(is_all=True, routes=("moog",))) == []
    with pytest.raises(NotFound):
        exported(Exported(("m-0123456789ab",)))
    for wrong in (Exported(), Exported(ids, is_all=True), Exported(is_all=True, routes=("x",))):
        with pytest.raises(InvalidArgument):
            exported(wrong)


def test_an_import_goes_on_where_it_was_interrupted(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(1200)]
    fill(client, DLQ, events)
    looker = looker_on(store)
    lines = list(exporting.exported(looker, ALL, order()))
    client.delete(DLQ)

    def torn() -> Iterator[bytes]:
        yield from lines[:700]
        raise KeyboardInterrupt

    done = 0
    with pytest.raises(KeyboardInterrupt):
        for done in exporting.imported(looker, "alerter", torn(), order()):  # noqa: B007
            pass
    assert done == client.llen(DLQ) == 500
    list(exporting.imported(looker, "alerter", lines, order(), skip=done))
    assert lying_in(client, DLQ) == events


def test_the_same_step_is_done_once(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    looker, once = looker_on(store), order()
    lines = list(exporting.exported(looker, ALL, order()))

    for _ in range(2):
        list(exporting.imported(looker, "dead", lines, once))

    assert client.llen(DEAD) == 3
    assert counters(client)["imported:dead"] == 3


def test_steps_are_small_and_a_large_message_goes_alone(client: redis.Redis, store: Store) -> None:
    events = [event(n, pad="x" * 100_000) for n in range(5)] + [b"x" * (2 * MOST_BYTES), b"y"]
    fill(client, DLQ, events)
    looker = looker_on(store)
    lines = list(exporting.exported(looker, ALL, order()))
    client.delete(DLQ)

    assert list(exporting.imported(looker, "alerter", lines, order())) == [2, 4, 5, 6, 7]
    assert lying_in(client, DLQ) == events


def test_what_is_imported_is_no_arrival_of_failures(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    looker = looker_on(store)
    lines = list(exporting.exported(looker, ALL, order()))
    state = "mutt:remediation:route:alerter"
    client.hset(state, mapping=dict(encoded(Flow(depth=3)).items()))

    list(exporting.imported(looker, "alerter", lines, order()))

    assert decoded(Flow, client.hget(state, "flow")).depth == 6


def test_an_import_that_is_refused_changes_nothing(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    looker = looker_on(store)
    lines = list(exporting.exported(looker, ALL, order()))
    client.set("mutt:dlq:dead", "no list")

    with pytest.raises(Refused, match="nothing was imported: the line with the checksum"):
        exporting.checked(lines[:-1])
    with pytest.raises(Exception, match="does not hold what it should"):
        list(exporting.imported(looker, "dead", lines, order()))

    assert [verb for verb, *_ in audited(store)] == ["export"]
    assert "imported:dead" not in counters(client)


def test_an_export_beside_a_drain_has_each_message_that_stays_once_and_in_order(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(30_000)]
    client.lpush(DLQ, *events)
    taken: list[bytes] = []

    def drain_goes_on(_seen: int, _all: int) -> None:
        """Others take the oldest, faster than the export reads; some come back as the newest."""
        found: list[bytes] = client.rpop(DLQ, 2500) or []  # type: ignore[assignment]
        taken.extend(found)
        client.lpush(DLQ, *(b"back:" + raw for raw in found[:20]), b"a new one")

    looker = replace(looker_on(store), progress=drain_goes_on)
    lines = list(exporting.exported(looker, Exported(is_all=True, routes=("alerter",)), order()))
    assert len(taken) > 10_000
    found = list(messages_of(lines))
    assert found == events[-len(found) :]
    assert len(found) >= len(events) - len(taken)
