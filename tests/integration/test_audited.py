"""Whatever an operator does or tries is in the audit: who, how that is known, why, what became."""

import hashlib
import time
from typing import Any

import pytest
import redis

from mutt_tasks.core.plan import Verb
from mutt_tasks.errors import InvalidArgument, NotFound, Refused, SetChanged, StoreCorrupt
from mutt_tasks.operations import jobs, looking, shown, switches
from mutt_tasks.operations.looking import Wanted
from mutt_tasks.operations.requeue import requeue
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store
from tests.jobs import order, plan_of
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, event, fill, journal, run_cycle, settings_of

SETTINGS = settings_of()
AUDIT = "mutt:remediation:audit"


def told(store: Store) -> list[dict[str, str]]:
    """The audit's entries, the oldest first, once the chain is found whole."""
    assert store.audit.verify().wrong == ""
    return [fields for _, fields in store.audit.after()]


def parts(entry: dict[str, str], *names: str) -> tuple[str, ...]:
    """Some fields of an entry."""
    return tuple(entry[name] for name in names)


def test_a_pause_and_its_end_say_who_and_why(store: Store) -> None:
    switches.pause(store, "1", "ann", "change 4711", 600, known_by="MUTT_ACTOR")
    switches.pause(store, "1", "ann", "change 4711", 600)  # delivered again
    switches.resume(store, "2", "bob")
    switches.resume(store, "3", "bob")  # there is no pause any more
    switches.pause(store, "4", "ann", "change 4712", 600)
    switches.resume(store, "5", "bob", "done early")

    pause, resume, _, early = told(store)
    names = ("verb", "actor", "known_by", "reason", "scope", "after", "outcome")
    assert parts(pause, *names) == (
        *("pause", "ann", "MUTT_ACTOR", "change 4711", "all routes", "paused for 600 s", "done"),
    )
    assert parts(resume, "verb", "actor", "known_by", "before") == (
        *("resume", "bob", "task argument", "paused"),
    )
    assert (resume["reason"], early["reason"]) == ("", "done early")


def test_a_requeued_dead_letter_is_told_with_its_id(client: redis.Redis, store: Store) -> None:
    dead = event(1, _remediation={"route": "alerter"})
    fill(client, DEAD, [dead])
    digest = hashlib.sha1(dead).hexdigest()

    for _ in range(2):
        requeue(store, SETTINGS, time.monotonic, digest, Request("1", "ann", "mended"))

    (entry,) = told(store)
    assert parts(entry, "verb", "actor", "known_by", "reason", "scope", "count") == (
        *("requeue", "ann", "task argument", "mended", f"m-{digest[:12]}", "1"),
    )


@pytest.mark.parametrize(
    ("actor", "reason", "seconds", "shown_actor", "why"),
    [
        ("ann", "change", 0, "ann", "seconds: accepts a number"),
        ("ann", "a\nb", 60, "ann", "reason: accepts 1 to 200"),
        ("ann\x1b[2J", "change", 60, "ann\x1b[2J", "actor: accepts 1 to 200"),
        (None, "change", 60, "None", "actor: accepts 1 to 200"),
        ("\udcff", "change", 60, "\\udcff", "actor: accepts 1 to 200"),
        ("x" * 5000, "change", 60, "x" * 399 + "…", "actor: accepts 1 to 200"),
    ],
)
def test_a_refused_pause_is_told_and_nothing_else_is_written(
    client: redis.Redis,
    store: Store,
    actor: Any,
    reason: Any,
    seconds: Any,
    shown_actor: str,
    why: str,
) -> None:
    with pytest.raises(InvalidArgument, match=why):
        switches.pause(store, "1", actor, reason, seconds, known_by="--actor")

    (entry,) = told(store)
    assert parts(entry, "verb", "actor", "known_by") == ("pause", shown_actor, "--actor")
    assert entry["outcome"].startswith(f"refused: {why}")
    assert sorted(client.keys("*")) == [AUDIT.encode(), f"{AUDIT}:head".encode()]


def test_a_requeue_that_finds_nothing_was_an_attempt(client: redis.Redis, store: Store) -> None:
    with pytest.raises(InvalidArgument):
        requeue(store, SETTINGS, time.monotonic, "xyz", Request("1", "ann", "mended"))
    requeue(store, SETTINGS, time.monotonic, "0" * 40, Request("2", "ann", "mended"))
    fill(client, DEAD, [b"{garbage"])
    digest = hashlib.sha1(b"{garbage").hexdigest()
    requeue(store, SETTINGS, time.monotonic, digest, Request("3", "ann", "mended"))

    outcomes = [entry["outcome"] for entry in told(store)]
    assert [text.split(":")[:2] for text in outcomes] == [
        ["refused", " digest"],
        ["refused", " not_found"],
        ["refused", " refused"],
    ]


def test_jobs_are_told_from_the_order_to_the_end_and_so_are_those_refused(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    plan = plan_of(store, Verb.DISCARD, {"alerter": [event(0), event(2)]})
    job = jobs.submit(store, plan, order())
    with pytest.raises(Refused):
        jobs.undo(store, job.id, order())
    run_cycle(store, SETTINGS)
    with pytest.raises(Refused):
        jobs.cancel(store, job.id, order())
    with pytest.raises(NotFound):
        jobs.undo(store, "j-nothing", order())
    with pytest.raises(InvalidArgument):
        jobs.submit(store, plan, order(rate=0.0))
    client.delete(f"mutt:remediation:plan:{plan.id}")
    with pytest.raises(SetChanged):
        jobs.submit(store, plan, order())

    entries = told(store)
    assert {entry["actor"] for entry in entries} == {"ann"}
    assert [parts(entry, "verb", "scope") for entry in entries] == [
        ("submit discard", "alerter 2"),
        ("submit undo", job.id),
        ("discard", "alerter"),
        ("end discard", "alerter 2"),
        ("cancel", job.id),
        ("submit undo", "j-nothing"),
        ("submit discard", plan.id),
        ("submit discard", plan.id),
    ]
    refused = [entry["outcome"].startswith("refused: ") for entry in entries]
    assert refused == [False, True, False, False, True, True, True, True]
    assert [entry["job"] for entry in entries if entry["verb"] == "discard"] == [job.id]


def test_a_look_at_the_bytes_is_told_in_audit_and_journal(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [b'{"api_key": "hunter2", "hostname": "h"}'])
    looks = looker_on(store)
    (entry,) = looking.page(looks, Wanted()).entries

    shown.raw(looks, entry, "ann", "system user")

    (viewed,) = told(store)
    assert parts(viewed, "verb", "actor", "known_by", "scope") == (
        *("view", "ann", "system user", f"{entry.id} in alerter"),
    )
    assert [each["by"] for each in journal(client, "viewed")] == ["ann"]
    assert "hunter2" not in str(viewed)


def test_where_the_audit_cannot_be_written_nothing_is_changed(
    client: redis.Redis, store: Store
) -> None:
    client.set(AUDIT, "no such thing")
    with pytest.raises(StoreCorrupt, match=AUDIT):
        switches.pause(store, "1", "ann", "change", 60)
    # A refusal is one all the same.
    with pytest.raises(InvalidArgument):
        switches.pause(store, "1", "ann", "change", 0)
    assert client.keys("*") == [AUDIT.encode()]
