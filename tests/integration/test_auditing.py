"""The audit as people read it: by actor, job, verb and time, page by page; is it whole?"""

import json
from typing import Any

import pytest
import redis

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import auditing
from mutt_tasks.operations.auditing import Wanted
from mutt_tasks.operations.looking import Looker
from mutt_tasks.store.store import Store
from tests.integration.test_audit import written_long_ago
from tests.looking import looker_on

ENTRIES = (
    AuditEntry("submit discard", "ann", "--actor", scope="alerter 9", count=9, job="j-1"),
    AuditEntry("discard", "ann", "--actor", scope="alerter", before="alerter", count=1, job="j-1"),
    AuditEntry("pause", "bob", "--actor", reason="CHG4711", outcome="refused: seconds: accepts"),
    AuditEntry("configure", "unknown", "worker", scope="interval", before="60", after="90"),
    AuditEntry("end discard", "ann", "--actor", scope="alerter 9", count=1, job="j-1"),
)


@pytest.fixture
def looks(store: Store) -> Looker:
    """An operator's look at an audit with one entry of each kind."""
    for entry in ENTRIES:
        store.audit.add(entry)
    return looker_on(store)


def verbs(looks: Looker, **wanted: Any) -> list[str]:
    """The verbs of the entries of a page."""
    return [fields["verb"] for _, fields in auditing.page(looks, Wanted(**wanted)).entries]


def test_entries_are_found_by_actor_job_verb_and_refusal(looks: Looker) -> None:
    assert verbs(looks) == ["end discard", "configure", "pause", "discard", "submit discard"]
    assert verbs(looks, actor="bob") == ["pause"]
    assert verbs(looks, actor="an") == []
    assert verbs(looks, job="j-1", most=2) == ["end discard", "discard"]
    assert verbs(looks, verb="discard") == ["end discard", "discard", "submit discard"]
    assert verbs(looks, verb="disc") == []
    assert verbs(looks, verb="submit discard") == ["submit discard"]
    assert verbs(looks, only_refused=True) == ["pause"]
    assert verbs(looks, actor="ann", only_refused=True) == []


def test_pages_go_on_where_the_last_one_ended_and_end(looks: Looker) -> None:
    found, before = [], ""
    for _ in range(5):
        page = auditing.page(looks, Wanted(verb="discard", most=1, before=before))
        found += [fields["verb"] for _, fields in page.entries]
        before = page.before
        if not before:
            break
    assert found == ["end discard", "discard", "submit discard"]
    assert auditing.page(looks, Wanted(most=5)).before == ""


def test_entries_since_a_moment_or_a_span_ago(client: redis.Redis, store: Store) -> None:
    written_long_ago(client, [10, 5, 1, 0.01], store.now())
    looks = looker_on(store)

    def reasons(since: str) -> list[str]:
        page = auditing.page(looks, Wanted(since=since))
        return [fields["reason"] for _, fields in page.entries]

    assert reasons("2h") == ["try 3"]
    assert reasons("6d") == ["try 3", "try 2", "try 1"]
    assert len(reasons("2026-01-01")) in (0, 4)
    assert reasons("2001-01-01T00:00:00Z") == ["try 3", "try 2", "try 1", "try 0"]
    assert reasons("9000w") == reasons("")


@pytest.mark.parametrize(
    "wanted", [{"since": "yesterday"}, {"since": "2"}, {"before": "x"}, {"before": "1"}]
)
def test_what_is_no_moment_and_no_entry_is_refused(looks: Looker, wanted: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(wanted))):
        auditing.page(looks, Wanted(**wanted))  # type: ignore[arg-type]


def test_an_entry_is_shown_in_words_and_by_name(looks: Looker) -> None:
    found = [
        auditing.shown(looks, entry_id, fields)
        for entry_id, fields in auditing.page(looks, Wanted()).entries
    ]

    assert [entry["sentence"] for entry in found] == [
        "alerter 9; 1 message",
        "interval; 60 → 90",
        "refused: seconds: accepts; CHG4711",
        "alerter; 1 message",
        "alerter 9",
    ]
    assert found[0]["count"] == 1
    assert found[0]["id"] == looks.store.audit.head().newest
    assert set(found[0]) >= {"at", "actor", "known_by", "role", "version", "prev", "hash", "job"}
    json.dumps(found, allow_nan=False)


def test_hostile_fields_of_an_entry_break_nothing(client: redis.Redis, store: Store) -> None:
    client.xadd("mutt:remediation:audit", {b"\xff": b"\x1b[2J\xfe", b"count": "²".encode()})
    looks = looker_on(store)

    ((entry_id, fields),) = auditing.page(looks, Wanted()).entries

    assert json.dumps(auditing.shown(looks, entry_id, fields)).isprintable()
    assert not auditing.verified(looks)["whole"]


def test_whether_it_is_whole_is_said_with_its_end(client: redis.Redis, looks: Looker) -> None:
    found = auditing.verified(looks)
    newest: Any = client.xrevrange("mutt:remediation:audit", count=1)
    its_hash = newest[0][1][b"hash"].decode()
    assert found == {
        "whole": True,
        "entries": 5,
        "wrong": "",
        "from": "",
        "from_first": True,
        "head": {"entries": 5, "id": newest[0][0].decode(), "hash": its_hash},
    }
    assert auditing.verified(looks, its_hash)["whole"]
    assert "0" * 64 in auditing.verified(looks, "0" * 64)["wrong"]

    client.xdel("mutt:remediation:audit", newest[0][0])
    broken = auditing.verified(looks)
    assert (broken["whole"], broken["entries"], broken["from"]) == (False, 4, "the end")


def step(job: str, scope: str, count: int, **changed: Any) -> AuditEntry:
    """What one commit of a job writes."""
    of_job = {"reason": "old", "job": job, "cycle": "c" * 32} | changed
    return AuditEntry("discard", "ann", "--actor", scope=scope, count=count, **of_job)


def lines(store: Store, **wanted: Any) -> list[tuple[str, str, int, int]]:
    """The lines of a page: job, verb, messages, steps."""
    found, _ = auditing.folded(looker_on(store), Wanted(**wanted))
    return [(each["job"], each["verb"], each["count"], each["steps"]) for each in found]


def test_the_steps_of_a_job_are_one_line_with_all_that_they_did(store: Store) -> None:
    for entry in (
        ENTRIES[0],
        step("j-1", "alerter", 500),
        step("j-2", "moog", 7),
        ENTRIES[2],
        step("j-1", "alerter", 500),
        step("j-1", "dead", 23),
        ENTRIES[4],
    ):
        store.audit.add(entry)

    assert lines(store) == [
        ("j-1", "end discard", 1, 1),
        ("j-1", "discard", 1023, 3),
        ("", "pause", 0, 1),
        ("j-2", "discard", 7, 1),
        ("j-1", "submit discard", 9, 1),
    ]
    found, _ = auditing.folded(looker_on(store), Wanted())
    since = found[1]["since"]
    assert since < found[1]["at"]
    assert found[1]["sentence"] == (
        f"dead 23, alerter 1,000; 1,023 messages; old; in 3 steps since {since[11:19]}"
    )
    assert found[3]["sentence"] == "moog; 7 messages; old"


def test_pages_of_lines_leave_nothing_out_and_end(store: Store) -> None:
    written = [step(f"j-{n % 3}", "alerter", 1 + n) for n in range(12)]
    for entry in written:
        store.audit.add(entry)
    total, before, pages = 0, "", 0
    while True:
        found, before = auditing.folded(looker_on(store), Wanted(most=2, before=before))
        assert 1 <= len(found) <= 2
        total, pages = total + sum(each["count"] for each in found), pages + 1
        if not before:
            break
    assert total == sum(entry.count for entry in written)
    assert pages > 1
    assert auditing.folded(looker_on(store), Wanted(most=3))[1] == ""


def test_imports_are_one_line_only_where_they_follow_each_other(store: Store) -> None:
    part = AuditEntry("import", "ann", "--actor", scope="dead", reason="NET-1", count=500)
    for entry in (part, part, ENTRIES[2], part):
        store.audit.add(entry)
    assert lines(store) == [("", "import", 500, 1), ("", "pause", 0, 1), ("", "import", 1000, 2)]
