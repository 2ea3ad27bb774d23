"""A message keeps every byte that is not ours to change, and tells its past without failing."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.message import HEADER_FIELD, Count, Header, Message, parse, sent_by
from tests.unit.json_texts import decoded, members_of, objects

NOW = 1_714_564_800.0
STAMP = b'{"replays":1}'
RESETS = ("_retry_count",)


def read(raw: bytes) -> Message:
    message = parse(raw)
    assert message is not None
    return message


def stamped(raw: bytes, *zeroed: str) -> bytes:
    return read(raw).stamped(STAMP, zeroed)


def without(raw: bytes, *fields: str) -> list[tuple[str, bytes]]:
    return [(key, value) for key, value in members_of(raw) if key not in fields]


@given(
    text=objects, zeroed=st.sampled_from([(), RESETS, ("_retry_count", "_moog_retry_count", "new")])
)
@settings(max_examples=300)
@example(text='{"_remediation":1,"_remediation":2,"_remediation":3}', zeroed=RESETS)
@example(text=r'{"\u005fremediation":1, "a":2, "_remediation":{}, "b":[ ]}', zeroed=())
@example(text=r'{"_retry_count":4,"a":1,"_retry\u005fcount":[1, 2]}', zeroed=RESETS)
@example(text="{ }", zeroed=RESETS)
def test_a_stamp_changes_the_header_and_the_reset_fields_and_no_other_byte(
    text: str, zeroed: tuple[str, ...]
) -> None:
    raw = text.encode()

    result = stamped(raw, *zeroed)

    assert without(result, HEADER_FIELD, *zeroed) == without(raw, HEADER_FIELD, *zeroed)
    assert [value for key, value in members_of(result) if key == HEADER_FIELD] == [STAMP]
    for field in zeroed:
        found = [value for key, value in members_of(result) if key == field]
        had = [key for key, _ in members_of(raw) if key == field]
        assert found == [b"0"] * max(1, len(had))
    fields = dict(decoded(result))
    assert fields[HEADER_FIELD] == [("replays", "1")]
    assert all(fields[field] == "0" for field in zeroed)


@given(text=objects)
@settings(max_examples=100)
def test_a_second_stamp_only_replaces_the_first(text: str) -> None:
    once = stamped(text.encode(), *RESETS)

    twice = read(once).stamped(b'{"replays":2}', RESETS)

    assert twice == once.replace(b'{"replays":1}', b'{"replays":2}')


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (b"{}", b'{"_retry_count":0,"_remediation":{"replays":1}}'),
        (b" {\n} ", b' {"_retry_count":0,"_remediation":{"replays":1}\n} '),
        (b'{"a":1}', b'{"a":1,"_retry_count":0,"_remediation":{"replays":1}}'),
        (b'{ "a" : 1 }\n', b'{ "a" : 1,"_retry_count":0,"_remediation":{"replays":1} }\n'),
        (
            b'{"_retry_count" : 4 , "a":1e5}',
            b'{"_retry_count" : 0 , "a":1e5,"_remediation":{"replays":1}}',
        ),
        (
            b'{"\\u005fremediation" :null,"\\u005fretry_count":-1}',
            b'{"\\u005fremediation" :{"replays":1},"\\u005fretry_count":0}',
        ),
        (
            b'{"_remediation":1, "a":18446744073709551617, "_remediation":2, "_remediation":3}',
            b'{"a":18446744073709551617, "_remediation":{"replays":1},"_retry_count":0}',
        ),
        (
            b'{"a":0.1000000000000000055511151231,"a":-0.0,"A":1E400,"b":"\\u00e9\\/\\ud800"}',
            b'{"a":0.1000000000000000055511151231,"a":-0.0,"A":1E400,"b":"\\u00e9\\/\\ud800"'
            b',"_retry_count":0,"_remediation":{"replays":1}}',
        ),
        (
            b'{"raw_json":{"_remediation":5,"_retry_count":5}}',
            b'{"raw_json":{"_remediation":5,"_retry_count":5}'
            b',"_retry_count":0,"_remediation":{"replays":1}}',
        ),
    ],
)
def test_a_stamp_leaves_these_messages_so(raw: bytes, result: bytes) -> None:
    assert stamped(raw, *RESETS) == result


def test_a_message_of_50_megabytes_is_stamped_like_any_other() -> None:
    before = b'{"_retry_count":7,"big":"' + "ü".encode() * 25_000_000 + b'"'

    result = stamped(before + b"}", *RESETS)

    assert result == before.replace(b"7", b"0") + b',"_remediation":{"replays":1}}'


def test_a_message_nested_100000_deep_is_stamped_like_any_other() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000

    result = stamped(b'{"_remediation":' + deep + b',"a":' + deep + b"}")

    assert result == b'{"_remediation":{"replays":1},"a":' + deep + b"}"


def test_a_hundred_thousand_headers_become_one() -> None:
    raw = b'{"a":1' + b',"_remediation":{"replays":9}' * 100_000 + b"}"

    assert stamped(raw) == b'{"a":1,"_remediation":{"replays":1}}'


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"{",
            b"[1,2]",
            b'"x"',
            b"null",
            b"3",
            b"true",
            b"{'a':1}",
            b'{"a":1}x',
            b'{"a":"\x00"}',
        ),
        *(b"\x00", b"\xff\xfe\x00", b'{"a":"\xff"}', b'\xef\xbb\xbf{"a":1}', b"not json at all"),
    ],
)
def test_bytes_that_are_no_object_are_no_message(raw: bytes) -> None:
    assert parse(raw) is None


@given(
    header=st.builds(
        Header,
        replays=st.integers(0, 999_999_999),
        forgiven=st.integers(0, 999_999_999),
        first_at=st.none() | st.integers(0, 4_000_000_000).map(float),
        last_at=st.none() | st.integers(0, 4_000_000_000).map(float),
        before=st.sampled_from(["", '{"replays":5,"x":1.5,"route":"moog"}']),
        job=st.sampled_from(["", "j-0123456789ab"]),
    ),
    reason=st.sampled_from(["", "poison"]),
)
def test_a_header_is_read_as_it_was_written(header: Header, reason: str) -> None:
    raw = read(b'{"a":1}').stamped(header.encode("alerter", "c1", reason, NOW))

    message = read(raw)

    assert message.header == header
    assert message.is_sound


def test_a_header_says_what_the_design_lists() -> None:
    header = Header(replays=2, forgiven=1, first_at=NOW, last_at=NOW + 60)

    on_replay = json.loads(header.encode("moog", "c1"))
    on_quarantine = json.loads(header.encode("moog", "c1", "stale", NOW + 61))

    assert on_replay == {
        "replays": 2,
        "forgiven": 1,
        "route": "moog",
        "cycle": "c1",
        "first_at": "2024-05-01T12:00:00.000Z",
        "last_at": "2024-05-01T12:01:00.000Z",
    }
    assert on_quarantine == on_replay | {"reason": "stale", "dead_at": "2024-05-01T12:01:01.000Z"}


def test_a_replay_counts_and_keeps_the_moment_of_the_first() -> None:
    first = Header().replayed(NOW, forgiven=0)
    second = first.replayed(NOW + 60, forgiven=1)

    assert first == Header(replays=1, forgiven=0, first_at=NOW, last_at=NOW)
    assert second == Header(replays=2, forgiven=1, first_at=NOW, last_at=NOW + 60)


@pytest.mark.parametrize(
    ("header", "replays", "is_sound"),
    [
        (b'{"replays":2}', 2, True),
        (b'{"replays":"2"}', 2, True),
        (b'{"replays":2.0}', 2, True),
        (b'{"replays":1' + b"0" * 400 + b"}", 1_000_000_000, True),
        (b'{"replays":1,"replays":2}', 2, True),
        (b'{"repl\\u0061ys":2}', 2, True),
        (b"{}", 0, True),
        (b'{"replays":-1}', 0, False),
        (b'{"replays":1.5}', 0, False),
        (b'{"replays":true}', 0, False),
        (b'{"replays":null}', 0, False),
        (b'{"replays":NaN}', 0, False),
        (b'{"replays":[2]}', 0, False),
        (b'{"replays":2,"forgiven":"x"}', 2, False),
        (b'{"replays":2,"first_at":"0001-01-01T00:00:00+14:00"}', 2, True),
        (b'{"replays":2,"last_at":"9999-12-31T23:59:59.999999Z"}', 2, True),
        (b'{"replays":2,"last_at":{"a":[1]},"first_at":true}', 2, True),
        (b"null", 0, False),
        (b"3", 0, False),
        (b'"{}"', 0, False),
        (b'[{"replays":2}]', 0, False),
        (b'{"replays":2,"x":"' + b"y" * 5000 + b'"}', 0, False),
    ],
)
def test_of_a_damaged_header_what_can_be_read_counts(
    header: bytes, replays: int, is_sound: bool
) -> None:
    message = read(b'{"a":1,"_remediation":' + header + b"}")

    assert (message.header.replays, message.is_sound) == (replays, is_sound)
    assert json.loads(message.header.encode("alerter", "c1"))["replays"] == replays


def test_a_header_nested_too_deep_to_decode_is_replaced_like_any_other() -> None:
    message = read(b'{"_remediation":' + b"[" * 2000 + b"]" * 2000 + b"}")

    assert message.header == Header()
    assert not message.is_sound
    assert message.stamped(STAMP) == b'{"_remediation":{"replays":1}}'


def test_the_last_of_several_headers_counts() -> None:
    message = read(b'{"_remediation":{"replays":9},"\\u005fremediation":{"replays":2}}')

    assert message.header.replays == 2


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (b"4", Count(4, True)),
        (b'"3"', Count(3, True)),
        (b"3.0", Count(3, True)),
        (b"1" + b"0" * 400, Count(1_000_000_000, True)),
        (b"1e" + b"0" * 5000 + b"1", Count(10, True)),
        (b"-1", Count(0, False)),
        (b"true", Count(0, False)),
        (b"null", Count(0, False)),
        (b"2.5", Count(0, False)),
        (b'"three"', Count(0, False)),
        (b"[3]", Count(0, False)),
        (b"{}", Count(0, False)),
        ('"٣"'.encode(), Count(0, False)),
        (b'"\\ud800"', Count(0, False)),
    ],
)
def test_a_counter_that_is_none_counts_as_zero_and_says_so(value: bytes, count: Count) -> None:
    message = read(b'{"_retry_count":' + value + b"}")

    assert message.count("_retry_count") == count
    assert message.count("_moog_retry_count") == Count(0, True)


def test_of_a_field_that_stands_there_twice_the_last_counts() -> None:
    message = read(b'{"_retry_count":5,"\\u005fretry_count":1}')

    assert message.count("_retry_count").value == 1
    assert message.value("_retry_count") == "1"
    assert message.value("retry_count") is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (b'"2024-05-01T12:00:00Z"', NOW),
        (b'"2024-05-01T12:00:00\\u005a"', NOW),
        (b"1714564800", NOW),
        (b"1714564800.000", NOW),
        (b"1714564800000", NOW),
        (b'"yesterday"', None),
        (b"null", None),
        (b"true", None),
        (b"NaN", None),
        (b"1e400", None),
        (b"9" * 50, None),
        (b"9" * 5000, None),
        (b"[" * 100 + b"]" * 100, None),
        (b'"' + b"2" * 1_000_000 + b'"', None),
        (b'"\\ud800"', None),
        (b'"0001-01-01T00:00:00+14:00"', None),
    ],
)
def test_an_event_tells_its_moment_if_it_names_one(value: bytes, moment: float | None) -> None:
    assert read(b'{"timestamp":' + value + b"}").timestamp() == moment
    assert read(b'{"at":' + value + b"}").timestamp() is None


# --- moved aside, requeued, and stamped by whom ---


def test_a_header_of_what_was_moved_aside_says_so_and_undoes_a_replay_that_was_no_try() -> None:
    header = Header(replays=3, forgiven=3, first_at=NOW, last_at=NOW + 1, before='{"a":1}')

    undone = header.sheltered(undoes_replay=True)
    assert undone == Header(2, 2, NOW, NOW + 1, is_sheltered=True, before='{"a":1}')
    kept = header.sheltered(undoes_replay=False)
    assert kept == Header(3, 3, NOW, NOW + 1, is_sheltered=True, before='{"a":1}')
    assert Header(3, 1).sheltered(undoes_replay=True) == Header(2, 1, is_sheltered=True)
    assert json.loads(kept.encode("moog", "c1"))["lane"] == "sheltered"
    # The next replay takes it out of there.
    again = kept.replayed(NOW + 9, forgiven=3)
    assert again == Header(4, 3, NOW, NOW + 9, before='{"a":1}')


def test_a_message_keeps_the_job_that_sent_it_last_when_a_cycle_tries_it_again() -> None:
    by_job = read(read(b'{"a":1}').stamped(Header(1).encode("alerter", "j-0123456789ab")))
    assert by_job.header.job == "j-0123456789ab"
    again = by_job.header.replayed(NOW, forgiven=0)
    assert json.loads(again.encode("alerter", "c1"))["job"] == "j-0123456789ab"
    assert "job" not in json.loads(again.encode("alerter", "j-ba9876543210"))
    for nobody in (b'"c1"', b"null", b'["j-0123456789ab"]', b'"j-0123456789abc"', b'"j-"'):
        assert read(b'{"_remediation":{"cycle":%s,"job":%s}}' % (nobody, nobody)).header.job == ""


def test_a_requeue_keeps_one_header_and_not_the_one_before_it() -> None:
    message = read(b'{"_remediation":{"replays":5,"x":1.5,"n":NaN,"before":{"replays":9}}}')

    assert message.header_before() == '{"replays":5,"x":1.5,"n":"NaN"}'
    assert message.header.before == '{"replays":9}'
    nested = read(b'{"_remediation":{"before":{"replays":9,"before":{"replays":7}}}}')
    assert nested.header.before == '{"replays":9}'
    assert read(b'{"_remediation":{"before":7}}').header.before == ""
    assert read(b"{}").header_before() == ""


@pytest.mark.parametrize(("letters", "is_kept"), [(2040, True), (2041, False)])
def test_a_header_of_more_than_2048_characters_is_not_kept(letters: int, is_kept: bool) -> None:
    message = read(b'{"_remediation":{"x":"%s"}}' % (b"y" * letters))

    assert len('{"x":""}') + letters == (2048 if is_kept else 2049)
    assert bool(message.header_before()) is is_kept


@pytest.mark.parametrize(("letters", "replays"), [(4077, 2), (4078, 0)])
def test_a_header_of_more_than_4096_characters_is_somebody_elses(
    letters: int, replays: int
) -> None:
    header = b'{"replays":2,"x":"%s"}' % (b"y" * (letters - 1))
    message = read(b'{"_remediation":%s}' % header)

    assert len(header) == (4096 if replays else 4097)
    assert (message.header.replays, message.is_sound) == (replays, bool(replays))


@pytest.mark.parametrize(
    ("raw", "route", "cycle"),
    [
        (b'{"_remediation":{"route":"moog","cycle":"c7"}}', "moog", "c7"),
        (b'{"_remediation":{"route":null,"cycle":true}}', "", ""),
        (b'{"_remediation":{"route":["moog"],"cycle":["c7"]}}', "", ""),
        (b'{"_remediation":"moog"}', "", ""),
        (b'{"route":"moog","cycle":"c7"}', "", ""),
        (b'{"a":{"_remediation":{"route":"moog","cycle":"c7"}}}', "", ""),
    ],
)
def test_a_message_tells_which_route_and_cycle_stamped_it(
    raw: bytes, route: str, cycle: str
) -> None:
    assert (read(raw).header_route(), sent_by(raw)) == (route, cycle)


def test_bytes_that_are_no_object_were_sent_by_nobody() -> None:
    assert sent_by(b'"_remediation"') == ""


def test_a_timestamp_is_decoded_up_to_65536_characters() -> None:
    def moment(length: int) -> float | None:
        digits = length - len("1714564800.")
        return read(b'{"timestamp":1714564800.%s}' % (b"0" * digits)).timestamp()

    assert (moment(65_536), moment(65_537)) == (NOW, None)
