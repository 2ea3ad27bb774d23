"""Whatever bytes go in come out where they belong, through the real store, and nothing gets stuck.

Where a plain model can say what must come out (`plain.py`), it does; what is too large for it is
spelled out. Behind every hostile message stands a sound one, which must get through in the same
pass.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
import redis
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mutt_tasks.core.policy import MALFORMED, POISON
from mutt_tasks.store.store import Store
from tests.model import messages
from tests.model.plain import LISTS, START, Pipeline, Rules, band_of, out_of_bands, written
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    INGEST,
    MOOG_DLQ,
    counters,
    drain,
    event,
    fill,
    header_of,
    lying_in,
    numbers_in,
    observe,
    replay,
    run_cycle,
    settings_of,
    stop_clock,
)
from tests.redis_server import RedisServer
from tests.services import ROOT
from tests.unit import json_texts

CYCLE = "c" * 32
MARK = f"moved by commit {CYCLE}:alerter:0".encode()
LEASE = "mutt:remediation:lease"
SOUND = event(7777)
BOTH = Rules(routes=("alerter", "moog"), batch=1000, high_water=1_000_000)
ENV = {
    "REMEDIATION_ROUTES": "alerter,moog",
    "REMEDIATION_BATCH_SIZE": 1000,
    "REMEDIATION_HIGH_WATER": 1_000_000,
}


def stopped_at(client: redis.Redis, now: float) -> Store:
    """A store whose clock stands still."""
    store = Store(client)
    stop_clock(store, now)
    return store


# --- arbitrary bytes ---

headers = st.builds(
    '{{"replays":{},"forgiven":{},"first_at":{}}}'.format,
    json_texts.values | st.sampled_from(["0", "1", '"2"', "2.0", "2.5", "-1", "1e400"]),
    json_texts.values | st.sampled_from(["0", "1", '"1"', "true"]),
    json_texts.values | st.sampled_from(["null", '"2027-01-15T08:00:00+02:00"', '"2027"']),
)
members = st.one_of(
    st.tuples(json_texts.keys, json_texts.values),
    st.tuples(st.sampled_from(['"_remediation"', r'"\u005fremediatio\u006e"']), headers),
    st.tuples(
        st.sampled_from(['"_retry_count"', '"_moog_retry_count"', r'"_moog_retry\u005fcount"']),
        st.sampled_from(["0", "2", "3", '"2"', "2.0", "2.5", "-2", "true", "null", "{}", "[3]"])
        | st.sampled_from(["1" + "0" * 400, "NaN", "-Infinity", '"x"', "1e-2", "0e999999999999"]),
    ),
)
events = st.lists(st.tuples(members, json_texts.spaces), max_size=6).map(
    lambda found: "{" + ",".join(f"{sp}{key}{sp}:{value}{sp}" for (key, value), sp in found) + "}"
)
hostile = st.one_of(
    st.binary(max_size=60),
    events.map(str.encode),
    json_texts.damaged(events),
    json_texts.damaged(json_texts.objects),
    json_texts.values.map(str.encode),
    messages.messages,
)


some = st.lists(hostile, min_size=1, max_size=40)


def assert_all_get_through(client: redis.Redis, sent: list[bytes]) -> None:
    """One cycle over these messages on both routes does what the model says."""
    client.flushall()
    bands = [band_of(raw, name, BOTH) for raw in sent for name in BOTH.routes]
    model = Pipeline(out_of_bands(START, bands))
    for source in (DLQ, MOOG_DLQ):
        client.lpush(source, *sent, SOUND)
        model.lists[source] = [*sent, SOUND]
    client.set(LEASE, CYCLE)
    model.lease = CYCLE

    replay(stopped_at(client, model.now), settings_of(**ENV), CYCLE)
    *_, expected = model.replay(BOTH, CYCLE, True)

    assert {name: lying_in(client, name) for name in LISTS} == expected.lists
    kept = {name: n for name, n in counters(client).items() if name in expected.counters}
    assert kept == {name: n for name, n in expected.counters.items() if n}
    for target in (INGEST, ALERTS):
        assert json.loads(lying_in(client, target)[-1])["number"] == 7777
    for waiting in lying_in(client, DLQ) + lying_in(client, MOOG_DLQ):
        assert waiting in sent


@given(sent=some)
@hypothesis_settings(max_examples=150)
@example(sent=[b"", b"", b" ", b"\0", b"\xef\xbb\xbf{}", b"{}", b"\r\n", b"$-1\r\n", b"nil"])
@example(sent=[b'{"_remediation":{},"a":1,"_remediation":[],"_remediation" : 7 }'])
@example(sent=[b'{"_retry_count":1,"_retry_count":2,"_retry_count":{}}'])
@example(sent=['{"a":"\ud800"}'.encode("utf-8", "surrogatepass"), rb'{"a":"\ud800\udc00\ud800"}'])
@example(sent=["{}".encode(coding) for coding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")])
@example(sent=[b'{"a":1}\x00', b'{"a":\x00}', b'{"a":"\x00"}', b'{"a":"\\u0000"}', b"{'a':1}"])
@example(sent=[b'{"_moog_retry_count":1e400}', b'{"_moog_retry_count":"3"}', b'{"a":NaN}'])
def test_any_bytes_at_all_are_in_their_one_place_after_one_pass(
    redis_server: RedisServer, sent: list[bytes]
) -> None:
    assert_all_get_through(redis_server.client, sent)


@pytest.mark.soak
@given(sent=some)
@hypothesis_settings(max_examples=3000, derandomize=False)
def test_any_of_thousands_of_bytes_are_in_their_one_place(
    redis_server: RedisServer, sent: list[bytes]
) -> None:
    assert_all_get_through(redis_server.client, sent)


# --- what is too large, too deep or too long for the model ---

DEEP = 100_000
LONG = b"9" * 100_000


def added(raw: bytes, header: bytes, reset: bytes = b"_retry_count") -> bytes:
    """The message with what is missing at its end, one brace long."""
    return raw[:-1] + b',"%s":0,"_remediation":%s}' % (reset, header)


REPLAYED = json.dumps(
    {
        "replays": 1,
        "forgiven": 0,
        "route": "alerter",
        "cycle": CYCLE,
        "first_at": written(START),
        "last_at": written(START),
    },
    separators=(",", ":"),
).encode()
POISONED = json.dumps(
    {
        "replays": 0,
        "forgiven": 0,
        "route": "alerter",
        "cycle": CYCLE,
        "first_at": None,
        "last_at": None,
        "reason": "poison",
        "dead_at": written(START),
    },
    separators=(",", ":"),
).encode()


WHOLE = b'"hostname":"h","timestamp":"t","message":"m",'


def with_count(value: bytes) -> bytes:
    return b"{" + WHOLE + b'"_moog_retry_count":' + value + b',"_retry_count":4}'


def whole(raw: bytes) -> bytes:
    """An object, with the fields that the alerter requires before its own."""
    return raw.replace(b"{", b"{" + WHOLE, 1)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' + b"[" * 899 + b"]" * 899 + b"}",
        b'{"a":[' + b'{"b":[1,{}]},' * DEEP + b"1]}",
        b'{"a":0.' + LONG + b"}",
        b'{"a":"' + b"\\ud800" * DEEP + b'"}',
        b"{" + b" \t\r\n" * DEEP + b'"a":1}',
        b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(DEEP)) + b"}",
        b'{"' + b"k" * DEEP + b'":1}',
    ],
    ids=["nested", "mixed", "fraction", "surrogates", "spaces", "members", "long_key"],
)
def test_an_enormous_event_is_replayed_with_every_byte_of_its_own(
    client: redis.Redis, raw: bytes
) -> None:
    fill(client, DLQ, [whole(raw), SOUND])

    send(client)

    first, second = lying_in(client, INGEST)
    assert first == added(whole(raw), REPLAYED)
    assert json.loads(second)["number"] == 7777
    assert (client.llen(DLQ), client.llen(DEAD)) == (0, 0)


@pytest.mark.parametrize(
    "raw",
    [
        whole(b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}"),
        whole(b'{"a":' + b'{"_remediation":' * DEEP + b"1" + b"}" * DEEP + b"}"),
        whole(b'{"a":[' + b'{"b":[' * DEEP + b"]}" * DEEP + b"]}"),
        whole(b'{"a":' + LONG + b"}"),
        whole(b'{"a":-0.' + LONG + b"E+" + LONG + b"}"),
        b"[" * DEEP,
        b"{" * DEEP,
        b'{"a":' * DEEP,
        b'{"a":' + b"[" * DEEP + b"]" * (DEEP - 1) + b"}",
        b'{"a":"' + b"\xc3\xa9" * DEEP + b'\xc3"}',
        LONG,
        b'"' + LONG,
        b"\r\n".join([b"*3", b"$4", b"LPUSH", b"$1", b"x"] * DEEP),
        b"\0" * DEEP,
    ],
    ids=[
        *("deep_arrays", "deep_objects", "deep_both", "digits", "fraction_and_exponent"),
        *("arrays", "braces", "objects", "one_short", "cut_letter", "number", "text"),
        *("resp", "nul"),
    ],
)
def test_enormous_garbage_lies_untouched_in_the_dead_letter_list(
    client: redis.Redis, raw: bytes
) -> None:
    fill(client, DLQ, [raw, SOUND])

    send(client)

    assert lying_in(client, DEAD) == [raw]
    assert numbers_in(client, INGEST) == [7777]
    assert client.llen(DLQ) == 0


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"9" * 4300, POISON),
        (b'"' + LONG + b'"', POISON),
        (b"3." + b"0" * DEEP, POISON),
        (b"0.3e" + b"0" * DEEP + b"1", POISON),
        (b"0." + LONG, ""),
        (b"1e-" + LONG, ""),
        (b"0e" + LONG, ""),
        (b'"' + b"0" * DEEP + b'2"', ""),
        (b"[" * 890 + b"]" * 890, ""),
        (LONG, MALFORMED),
        (LONG + b".0", MALFORMED),
        (b"1e" + LONG, MALFORMED),
        (b"-" + LONG, MALFORMED),
        (b"[" * DEEP + b"]" * DEEP, MALFORMED),
    ],
    ids=[
        *("longest", "quoted", "three", "three_by_exponent"),
        *("no_whole_number", "tiny", "nothing", "two", "nested"),
        *("digits", "whole_float", "huge_exponent", "negative", "too_deep"),
    ],
)
def test_a_count_with_thousands_of_digits_counts_for_what_it_is_worth(
    client: redis.Redis, value: bytes, reason: str
) -> None:
    raw = with_count(value)
    fill(client, DLQ, [raw, SOUND])

    send(client)

    dead, replayed = lying_in(client, DEAD), lying_in(client, INGEST)
    expected = {POISON: raw[:-1] + b',"_remediation":' + POISONED + b"}", MALFORMED: raw}
    if reason:
        assert dead == [expected[reason]]
    else:
        zeroed = raw.removesuffix(b"4}") + b'0,"_remediation":' + REPLAYED + b"}"
        assert replayed[0] == zeroed
    assert json.loads(replayed[-1])["number"] == 7777
    assert (len(dead), len(replayed)) == ((1, 1) if reason else (0, 2))


def test_thousands_of_headers_in_one_message_become_one(client: redis.Redis) -> None:
    raw = b"{" + b'"_remediation":{"replays":9}, ' * 20_000 + b'"_remediation":{"replays":1},"a":1}'
    raw = whole(raw)
    fill(client, DLQ, [raw, SOUND])

    send(client)

    first = lying_in(client, INGEST)[0]
    assert first.count(b"_remediation") == 1
    assert (header_of(first)["replays"], json.loads(first)["a"]) == (2, 1)


def send(client: redis.Redis) -> None:
    """One cycle with a known id, at a known moment."""
    client.set(LEASE, CYCLE)
    run_cycle(stopped_at(client, START), settings_of(REMEDIATION_BATCH_SIZE=100), CYCLE)


# --- our own marks and words, and the same bytes many times ---


@pytest.mark.parametrize(
    "word", [b"corrupt", b"fenced", b"moved", b"again", b"changed", b"acquired", b"OK", b"QUEUED"]
)
def test_a_message_that_reads_like_an_answer_of_our_scripts_is_a_message(
    client: redis.Redis, word: bytes
) -> None:
    fill(client, DLQ, [word, SOUND, word])

    send(client)

    assert lying_in(client, DEAD) == [word, word]
    assert numbers_in(client, INGEST) == [7777]


def resting(number: int) -> bytes:
    return event(number, _remediation={"replays": 1, "last_at": written(START)})


def test_messages_that_look_like_our_own_mark_are_messages_like_any_other(
    client: redis.Redis,
) -> None:
    younger = [MARK, resting(4), MARK, MARK, resting(5)]
    fill(client, DLQ, [resting(1), MARK, SOUND, resting(2), MARK, b"x", *younger])
    client.set(LEASE, CYCLE)
    store = stopped_at(client, START)

    # The batch ends behind the first two marks, so the younger ones must stay where they are.
    first = run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=4), CYCLE)

    assert lying_in(client, DEAD) == [MARK, MARK, b"x"]
    assert lying_in(client, DLQ) == [resting(1), resting(2), *younger]
    assert numbers_in(client, INGEST) == [7777]

    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=4), first.next_cycle)

    assert lying_in(client, DEAD) == [MARK, MARK, b"x", MARK, MARK, MARK]
    assert numbers_in(client, DLQ) == [1, 2, 4, 5]


def test_a_mark_among_the_messages_that_are_passed_over_is_not_lost(client: redis.Redis) -> None:
    store = stopped_at(client, START)
    fill(client, DLQ, [resting(1), resting(2)])
    run_cycle(store, settings_of())
    assert client.hget("mutt:remediation:route:alerter", "cursor") == b"2"
    client.lset(DLQ, -1, MARK.decode())
    fill(client, DLQ, [SOUND, b"x", b"y"])
    client.set(LEASE, CYCLE)

    run_cycle(store, settings_of(), CYCLE)

    everything = lying_in(client, DLQ) + lying_in(client, DEAD)
    assert Counter(everything) == Counter([MARK, resting(2), b"x", b"y"])
    assert numbers_in(client, INGEST) == [7777]


def test_the_same_bytes_many_times_move_as_often_as_they_lie_there(client: redis.Redis) -> None:
    store = stopped_at(client, START)
    mixed = [SOUND, resting(1), b"x", resting(1), SOUND, MARK, b"", resting(2)] * 60
    fill(client, DLQ, mixed)

    drain(store, settings_of(REMEDIATION_BATCH_SIZE=7, REMEDIATION_RETRY_BACKOFF=3600))

    assert lying_in(client, DLQ) == [m for m in mixed if m in (resting(1), resting(2))]
    assert lying_in(client, DEAD) == [m for m in mixed if m in (b"x", MARK, b"")]
    assert numbers_in(client, INGEST) == [7777] * 120
    counted = counters(client)
    assert (counted["replayed:alerter"], counted["malformed:alerter"]) == (120, 180)


def test_the_same_bytes_cut_elsewhere_are_not_the_messages_that_were_looked_at(
    client: redis.Redis,
) -> None:
    fill(client, DLQ, [b"ab", b"c", SOUND])
    store = stopped_at(client, START)
    tries: list[None] = []

    def somebody_changes_the_queue_once() -> None:
        if not tries:
            client.lset(DLQ, -1, "a")
            client.lset(DLQ, -2, "bc")
        tries.append(None)

    observe(store, commits=somebody_changes_the_queue_once)
    run_cycle(store, settings_of())

    assert lying_in(client, DEAD) == [b"a", b"bc"]
    assert numbers_in(client, INGEST) == [7777]


# --- size ---

WEIGH = """
import sys
from pathlib import Path
from mutt_tasks.settings.redis_address import parse
from mutt_tasks.core.policy import MALFORMED, POISON
from mutt_tasks.store.store import Store
from tests.pipeline import drain, run_cycle, settings_of

def peak():
    # Unlike ru_maxrss it does not begin with what the parent process held.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024

store = Store.at(parse(sys.argv[1]))
run_cycle(store, settings_of(REMEDIATION_ROUTES="moog"))
before = peak()
drain(store, settings_of())
print(peak() - before)
"""


def test_a_message_of_50_megabytes_goes_through_in_memory_of_a_few_times_its_size(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    text = b'"' + b"x" * 25_000_000 + b'"'
    items = b"[" + b"[1,true]," * 100_000 + b'"' + b"\\u00e9" * 1_000_000 + b'"]'
    many = b",".join(b'"key %d":"value"' % n for n in range(900_000))
    raw = b'{%s"text":%s,"items":%s,%s}' % (WHOLE, text, items, many)
    assert 45_000_000 < len(raw) < 55_000_000
    fill(client, DLQ, [raw, SOUND])

    ended = subprocess.run(
        [sys.executable, "-c", WEIGH, redis_server.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr

    first, second = lying_in(client, INGEST)
    assert first.startswith(raw[:-1] + b',"_retry_count":0,"_remediation":{')
    assert json.loads(second)["number"] == 7777
    assert int(ended.stdout) < 12 * len(raw)


# --- time ---


def mixed_queue(size: int) -> list[bytes]:
    kinds: list[Callable[[int], bytes]] = [resting, event, lambda n: b"x%d" % n]
    return [kinds[n % 3](n) for n in range(size)]


def waiting_at_the_old_end(size: int) -> list[bytes]:
    return [resting(n) for n in range(size)] + [event(n) for n in range(size // 4)]


def one_of_every_shape(size: int) -> list[bytes]:
    size *= 200
    parts = [
        WHOLE + b'"text":"' + b"x" * size + b'"',
        b'"digits":[' + b"1," * (size // 2) + b"1.5e100]",
        b'"nested":[' + b"[{}, [1]]," * (size // 10) + b"[]]",
        b'"spaces":' + b" " * size + b"1",
        b",".join(b'"key %d":[1]' % n for n in range(size // 16)),
        b'"_remediation":{},' * (size // 100) + b'"_retry_count":4',
    ]
    return [b"{" + b",".join(parts) + b"}"]


@pytest.mark.parametrize("sent", [mixed_queue, waiting_at_the_old_end, one_of_every_shape])
def test_four_times_as_much_takes_about_four_times_as_long(
    client: redis.Redis, sent: Callable[[int], list[bytes]]
) -> None:
    sizes = (1000, 4000)
    spent: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(3):
        for size in sizes:
            client.flushall()
            client.lpush(DLQ, *sent(size))
            before = busy_seconds(client)
            drain(
                stopped_at(client, START),
                settings_of(REMEDIATION_BATCH_SIZE=500, REMEDIATION_HIGH_WATER=1_000_000),
            )
            spent[size].append(busy_seconds(client) - before)

    # If anything took quadratic time it would be sixteen times as long.
    assert median(spent[sizes[1]]) < 10 * median(spent[sizes[0]])


def busy_seconds(client: redis.Redis) -> float:
    """How long this process and the server have computed; what others do meanwhile is no part."""
    server: Any = client.info("cpu")
    return time.process_time() + float(server["used_cpu_user"]) + float(server["used_cpu_sys"])
