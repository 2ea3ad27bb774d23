"""Whatever bytes lie in the lists, they can be listed, shown, grouped and filtered."""

import json

import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mutt_tasks.cli.output import cut, printable, width_of
from mutt_tasks.operations import grouping, looking, shown
from mutt_tasks.operations.looking import Wanted
from mutt_tasks.store.store import Store
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, MOOG_DLQ, fill
from tests.unit.json_texts import damaged, objects

every = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)

# Fields that are read, with values of every kind in them.
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
names = (
    *("_remediation", "hostname", "message", "message_body", "timestamp", "raw_json", "program"),
    *("trap_oid", "_correlation_id", "_retry_count", "shedding_reason", "api_key"),
)
headers = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("replays", "route", "reason", "cycle", "lane", "last_at"), odd),
)
events = st.dictionaries(st.sampled_from(names), odd | headers).map(
    lambda fields: json.dumps(fields).encode()
)
messages = st.binary(max_size=40) | damaged(objects) | objects.map(str.encode) | events


@every
@example([b""], "host:*")
@example([b'{"_remediation":{"replays":1e999,"route":"alerter"}}'], "replays>0")
@given(st.lists(messages, min_size=1, max_size=5), st.sampled_from(["", "a", "age>1s", "host:*"]))
def test_any_messages_can_be_looked_at(
    client: redis.Redis, store: Store, raws: list[bytes], where: str
) -> None:
    client.flushall()
    for name in (DLQ, MOOG_DLQ, DEAD):
        fill(client, name, raws)
    looks = looker_on(store, MOOG_API_KEY="opensesame")
    now = store.now()

    page = looking.page(looks, Wanted(most=100))
    looking.page(looks, Wanted(where=where))
    found = grouping.groups(looks, where=where)

    assert [entry.raw for entry in page.entries] == raws * 3
    values = [shown.group(each, now, is_exact=True) for each in found.groups]
    texts = [json.dumps(value, allow_nan=False) for value in values]
    for entry in page.entries:
        texts.append(json.dumps(shown.whole_message(looks, entry), allow_nan=False))
        texts.append(shown.raw(looks, entry, "ann", "--actor"))
        texts.append(shown.headline(entry.description))
        again = looking.find(looks, str(entry.id))
        assert again is not None
        assert (again.raw, again.source) == (entry.raw, entry.source)
    for text in texts:
        safe = printable(text)
        assert safe.isprintable()
        assert width_of(cut(safe, 10)) <= 10


def test_a_secret_of_the_settings_is_shown_nowhere(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [b'{"message":"opensesame","opensesame":["opensesame"]}', b"opensesame"])
    looks = looker_on(store, MOOG_API_KEY="opensesame")

    for entry in looking.page(looks, Wanted()).entries:
        whole = json.dumps(shown.whole_message(looks, entry)) + shown.raw(
            looks, entry, "ann", "--actor"
        )
        assert "opensesame" not in whole + shown.headline(entry.description)
    assert looking.page(looks, Wanted(where="opensesame")).entries == []
