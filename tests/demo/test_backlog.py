"""The sample backlog: the same each time, and of every kind."""

import json

from demo.backlog import RETIRED_DOMAIN, sample
from mutt_tasks.core.message import parse

NOW = 1_768_000_000.0


def test_the_same_arguments_give_the_same_backlog() -> None:
    first, second = sample(500, NOW), sample(500, NOW)
    assert (first.alerter, first.moog, first.kinds) == (second.alerter, second.moog, second.kinds)
    assert sample(500, NOW, seed=7).alerter != first.alerter


def test_a_backlog_holds_as_many_messages_as_asked_for() -> None:
    for events in (0, 1, 3, 50, 3000):
        backlog = sample(events, NOW)
        assert len(backlog) == sum(backlog.kinds.values()) == events


def test_a_backlog_has_poison_malformed_and_shed_messages_among_exhausted_ones() -> None:
    backlog = sample(3000, NOW)
    assert backlog.kinds == {
        "exhausted": 2664,
        "shed": 240,
        "alerts": 60,
        "poison": 30,
        "malformed": 6,
    }
    messages = [parse(raw) for raw in backlog.alerter]
    assert messages.count(None) == 6
    events = [json.loads(message.raw) for message in messages if message]
    assert sum(event["hostname"].endswith(RETIRED_DOMAIN) for event in events) == 30
    assert sum("shedding_reason" in event for event in events) == 240
    assert sum(event.get("_retry_count") == 4 for event in events) == 2664 + 30


def test_every_event_has_what_the_alerter_requires_and_an_id_of_its_own() -> None:
    backlog = sample(1000, NOW)
    events = [json.loads(raw) for raw in backlog.alerter if parse(raw)]
    events += [json.loads(raw)["raw_json"] for raw in backlog.moog]
    assert all(event["hostname"] and event["timestamp"] and event["message"] for event in events)
    assert len({event["_correlation_id"] for event in events}) == len(events)


def test_the_oldest_event_comes_first() -> None:
    messages = [parse(raw) for raw in sample(300, NOW).alerter]
    moments = [message.timestamp() or 0 for message in messages if message]
    assert moments == sorted(moments)
    assert moments[-1] <= NOW


def test_alerts_carry_a_key_and_can_be_left_out() -> None:
    alerts = [json.loads(raw) for raw in sample(300, NOW).moog]
    assert len(alerts) == 6
    assert all(alert["api_key"] and alert["_moog_retry_count"] == 6 for alert in alerts)
    assert sample(300, NOW, with_alerts=False).moog == []
