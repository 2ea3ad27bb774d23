"""What notifications say: what, how many, since when, the consequence, and the next step."""

from dataclasses import replace

import pytest

from mutt_tasks.core.causes import Cause, Kind
from mutt_tasks.core.notice_text import Notice, Severity, notice
from mutt_tasks.core.telling import Message

AT = 1_795_700_000.0


def dead(number: int = 1, count: int = 30) -> Cause:
    facts = {"name": f"s1-{number:012x}", "reason": "poison", "route": "moog", "program": "sshd"}
    facts["since"] = "2026-11-26T13:00:00.123Z"
    return Cause(f"dead:{number}", Kind.DEAD, AT, count, last_at=AT, facts=facts)


def job(state: str = "done") -> Cause:
    facts = {"name": "j-1", "verb": "requeue", "by": "ann", "why": "mended", "state": state}
    facts |= {"did": "12 done, 3 left", "took": "14 min"}
    return Cause("job:j-1", Kind.JOB, AT, 12, ended_at=AT, facts=facts)


def recovered(number_dead: str = "0", held: str = "") -> Cause:
    facts = {"what": f"21,028 back, {number_dead} dead, in 14 min", "dead": number_dead}
    facts |= {"from": "2026-11-26T20:00:00Z", "held": held}
    return Cause("recovered:1", Kind.RECOVERED, AT, 21_028, last_at=AT, ended_at=AT, facts=facts)


def told(*causes: Cause, ends: tuple[Cause, ...] = (), before: bool = False, **how: bool) -> Notice:
    known = {cause.key: cause for cause in (*causes, *ends)}
    kinds = tuple(dict.fromkeys(cause.kind for cause in known.values()))
    keys, ended = tuple(each.key for each in causes), tuple(each.key for each in ends)
    message = Message(kinds, keys, ended, is_over=not causes, **how)
    return notice(message, known, frozenset(keys) if before else frozenset())


def test_a_new_group_says_what_how_many_since_when_and_the_next_step() -> None:
    shown = told(dead())

    assert shown.title == "MUTT remediation: new in the dead letter list: 30 messages"
    first, consequence, step, then = shown.body.splitlines()
    assert first == (
        "- s1-000000000001: 30 messages, poison (every replay failed), route moog, program sshd,"
        " since 2026-11-26 13:00:00 UTC"
    )
    assert "Moogsoft does not hear of them" in consequence
    assert step == "Next: mutt-dlq list --route dead --where group:s1-000000000001"
    assert "mutt-dlq requeue --where group:s1-000000000001 --reason" in then
    assert "mutt-dlq ack s1-000000000001 --for 4h" in then
    assert (shown.key, shown.severity) == ("mutt-remediation-dead", Severity.WARNING)


def test_what_was_told_before_is_still_there() -> None:
    assert "still in the dead letter list: 30 messages" in told(dead(), before=True).title


def test_of_many_groups_ten_are_named_and_the_rest_is_a_number() -> None:
    shown = told(*(dead(number, count=2) for number in range(25)))

    assert shown.title.endswith("50 messages of 25 kinds")
    assert shown.body.count("- s1-") == 10
    assert "- and 15 more" in shown.body


def test_what_is_over_is_named_beside_what_is_new() -> None:
    shown = told(dead(1), ends=(dead(2),))

    assert "Over by now: s1-000000000002" in shown.body
    assert not shown.is_over


@pytest.mark.parametrize(
    ("ended", "title"),
    [
        (1, "gone from the dead letter list: 1 kind of messages"),
        (3, "gone from the dead letter list: 3 kinds of messages"),
    ],
)
def test_an_end_says_so_under_the_same_key(ended: int, title: str) -> None:
    shown = told(ends=tuple(dead(number) for number in range(ended)))

    assert shown.title.endswith(title)
    assert (shown.key, shown.is_over) == ("mutt-remediation-dead", True)


@pytest.mark.parametrize(
    ("state", "severity"), [("done", Severity.INFO), ("failed", Severity.FAILURE)]
)
def test_a_job_says_what_it_did_and_what_is_left(state: str, severity: Severity) -> None:
    shown = told(job(state))

    assert shown.title.endswith(f"the requeue j-1 is over: {state}")
    assert f"requeue by ann (mended): {state}, 12 done, 3 left, in 14 min" in shown.body
    assert "What is left lies where it was" in shown.body
    assert "Next: mutt-dlq job j-1" in shown.body
    assert shown.severity is severity


def test_a_recovery_says_how_many_are_back_and_what_held_them() -> None:
    shown = told(recovered("12", "Moogsoft is not healthy"))

    assert shown.title.endswith("recovered: 21,028 back, 12 dead, in 14 min")
    assert "from 2026-11-26 20:00:00 UTC to 2026-11-26 13:33:20 UTC" in shown.body
    assert "held meanwhile: Moogsoft is not healthy" in shown.body
    assert "Next: mutt-dlq groups --route dead" in shown.body
    assert "Next: nothing" in told(recovered()).body


def test_a_digest_says_that_it_is_one_and_holds_all() -> None:
    shown = told(dead(), job("failed"), is_digest=True)

    assert shown.title.startswith("MUTT remediation: digest: new in the dead letter list")
    assert "The hourly limit of messages was reached" in shown.body
    assert "s1-000000000001" in shown.body
    assert "j-1" in shown.body
    assert shown.severity is Severity.FAILURE
    assert shown.key == "mutt-remediation-dead"


def test_what_has_no_reason_and_no_program_is_told_without_them() -> None:
    bare = replace(dead(), facts={"name": "s1-1", "reason": "", "route": "", "program": ""})

    assert "- s1-1: 30 messages, since 2026-11-26 13:33:20 UTC" in told(bare).body
