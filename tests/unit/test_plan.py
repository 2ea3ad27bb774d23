"""Which messages a verb leaves out, and what tells one plan from another."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Plan, Verb, etag_of, why_skipped
from mutt_tasks.core.policy import Action, Policy, decide
from mutt_tasks.core.revival import NO_ROUTE, Refusal, Revived, revived, why_not_revived
from mutt_tasks.core.routes import alerter_route, moog_route
from tests.model.messages import messages
from tests.model.plain import START
from tests.unit.json_texts import damaged, objects

ALERTER, MOOG = ROUTES = (
    alerter_route("a", "b", "dead"),
    moog_route("c", "d", "dead"),
)
POLICY = Policy(3, 0.0, 0.0)
OLD = Policy(3, 0.0, 3600.0)
HEADER = {"replays": 3, "forgiven": 0, "route": "alerter", "reason": "poison"}


def dead(**fields: Any) -> bytes:
    event = {"hostname": "h", "timestamp": iso(START), "message": "up", "_remediation": HEADER}
    return json.dumps(event | fields).encode()


def why(verb: Verb, raw: bytes, policy: Policy = POLICY) -> str:
    return why_skipped(verb, raw, ALERTER, ROUTES, policy, now=START + 4000)


@pytest.mark.parametrize(
    ("raw", "policy", "of_replay", "of_requeue"),
    [
        (dead(_remediation={"replays": 1, "route": "alerter"}), POLICY, "", ""),
        (dead(), POLICY, "poison", ""),
        (dead(_moog_retry_count=9, _remediation={"route": "moog"}), POLICY, "poison", ""),
        (b"{garbage", POLICY, "malformed", "malformed"),
        (b"[1]", POLICY, "malformed", "malformed"),
        (dead(a=float("nan")), POLICY, "malformed", "malformed"),
        (dead(hostname=""), POLICY, "incomplete", "incomplete"),
        (dead(hostname="", _remediation={"route": "moog"}), POLICY, "incomplete", ""),
        (dead(_remediation={"replays": 0, "route": "alerter"}), OLD, "stale", "stale"),
        (dead(_remediation={"replays": 0, "route": "x"}), POLICY, "", NO_ROUTE),
        (b'{"hostname":"h","timestamp":"t","message":"m"}', POLICY, "", NO_ROUTE),
    ],
)
def test_what_would_be_set_aside_again_is_left_out(
    raw: bytes, policy: Policy, of_replay: str, of_requeue: str
) -> None:
    assert why(Verb.REPLAY, raw, policy) == of_replay
    assert why(Verb.REQUEUE, raw, policy) == of_requeue
    assert why(Verb.DISCARD, raw, policy) == why(Verb.REDIRECT, raw, policy) == ""


def test_what_waits_for_its_backoff_is_left_out_by_nobody() -> None:
    resting = dead(_remediation={"replays": 1, "last_at": iso(START + 3999), "route": "alerter"})

    assert why(Verb.REPLAY, resting, Policy(3, 600.0, 0.0)) == ""


any_bytes = messages | damaged(objects) | st.binary(max_size=40)
policies = st.builds(Policy, st.integers(0, 3), st.just(0.0), st.sampled_from([0.0, 60.0, 3600.0]))
lettered = st.builds(
    lambda raw, name: raw[:-1] + b', "_remediation":{"replays":2,"route":"%s"}}' % name,
    messages.filter(lambda raw: raw.endswith(b'"}') or raw.endswith(b"4}")),
    st.sampled_from([b"alerter", b"moog", b"other"]),
)


@settings(max_examples=800)
@example(b'{"_remediation":{"route":"alerter"}', POLICY)
@example(dead(_remediation=HEADER | {"pad": "x" * 5000}), POLICY)
@given(any_bytes | lettered, policies)
def test_a_requeue_leaves_out_what_reviving_refuses(raw: bytes, policy: Policy) -> None:
    found = revived(raw, ROUTES, policy, "", START)
    skipped = why_not_revived(raw, ROUTES, policy, START)

    assert skipped == (found.reason if isinstance(found, Refusal) else "")
    if isinstance(found, Revived):
        ends = decide(found.payload, found.route, policy, "", START)
        assert ends.action is not Action.QUARANTINE


@given(any_bytes, policies)
def test_a_replay_leaves_out_what_would_go_to_the_dead_letter_list(
    raw: bytes, policy: Policy
) -> None:
    decision = decide(raw, ALERTER, policy, "", START)
    skipped = why_skipped(Verb.REPLAY, raw, ALERTER, ROUTES, policy, now=START)

    assert bool(skipped) == (decision.action is Action.QUARANTINE)


def test_most_dead_letters_are_known_at_a_glance() -> None:
    """The fast way is taken, not only right: without a close look nothing is built."""
    from mutt_tasks.core import revival

    assert revival._plainly_known(dead(), ROUTES, POLICY, START) == ""
    assert revival._plainly_known(dead(hostname=""), ROUTES, POLICY, START) is None


def test_an_etag_tells_sets_verbs_and_destinations_apart() -> None:
    one, other = FrozenSet.of([b"a" * 20]), FrozenSet.of([b"b" * 20])
    etags = [
        etag_of(verb, destination, sets)
        for verb in (Verb.DISCARD, Verb.REDIRECT)
        for destination in ("", "x")
        for sets in ({"a": one}, {"a": other}, {"b": one}, {"a": one, "b": other}, {})
    ]

    assert len(set(etags)) == len(etags)
    assert etag_of(Verb.DISCARD, "", {"a": one, "b": other}) == etag_of(
        Verb.DISCARD, "", {"b": other, "a": one}
    )


def test_a_plan_counts_what_its_lists_have() -> None:
    assert Plan("p-1", "e", Verb.REPLAY, {"alerter": 3, "moog": 4}).count == 7
