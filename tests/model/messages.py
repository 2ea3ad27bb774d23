"""Messages as producers send them: sound ones, and ones with every kind of bookkeeping damage."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.model.plain import START, written

counts: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(0, 0, 1, 2, 3, 4, 5, 6, 50, "3", "0", 3.0, 2.5, -1, "many", "", True, False, None),
        *([], {}, 10**400, 1e300, "3.0", "1e1", -0.0, 2**64),
    ]
)
moments = st.sampled_from([-100_000, -4000, -100, -60, -10, 0, 10, 3000, 5000, 1e9]).map(
    lambda ago: written(START + ago)
)
headers = st.one_of(
    st.fixed_dictionaries(
        {"replays": st.integers(0, 4)},
        optional={
            "forgiven": st.integers(0, 3) | counts,
            "last_at": moments | st.sampled_from(["", "soon", None, 5, "2027-01-15"]),
            "first_at": moments,
            "route": st.just("alerter"),
            "note": st.just("somebody's"),
        },
    ),
    st.fixed_dictionaries({"replays": counts}),
    st.sampled_from([1, 2, 3, 4, 8, 12]).map(lambda n: {"replays": n, "forgiven": n}),
    st.sampled_from([None, [], "x", 5, {}, {"replays": {}}, {"last_at": 1}]),
)
fields = st.fixed_dictionaries(
    {
        "hostname": st.sampled_from(["host-1"] * 8 + ["", ["host-1"]]),
        "number": st.integers(0, 5),
        "timestamp": st.one_of(*[moments] * 6, st.sampled_from(["?", True, "", None])),
        "message": st.sampled_from(
            ["up", "é\u2028\ud800", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "\0"] * 4 + ["", 0, 5, []]
        ),
    },
    optional={
        "severity": st.sampled_from(["Major", 3, {}]),
        "trap_oid": st.sampled_from(["1.3.6", "", 7]),
        "_retry_count": st.just(4) | counts,
        "_moog_retry_count": counts,
        "shedding_reason": st.just("alert_queue_full"),
        "_remediation": headers,
        "api_key": st.just("k"),
        "large": st.sampled_from([2**70, 1e5, 12345678901234567890, float("nan")]),
    },
)


def encoded(event: dict[str, Any], style: str) -> bytes:
    """An event as one program or another writes it."""
    text = json.dumps(event, separators=(",", ":") if style == "tight" else None)
    if style == "escaped":
        text = text.replace('"_r', r'"\u005fr')
    elif style == "doubled":
        header = '"_remediation" : {"replays":1},\t'
        text = "{ " + header + '"_retry_count":7 ,' + text[1:]
        text = text.replace('"number"', header + '"number"')
    elif style == "open":
        text = "\n" + text.replace("{", "{ \t", 1)[:-1] + " } "
    return text.encode()


WHOLE = {"hostname": "host-2", "timestamp": written(START - 100), "message": "up"}

styles = st.sampled_from(["loose", "loose", "tight", "escaped", "doubled", "open"])
fresh = st.builds(
    lambda n: encoded({**WHOLE, "number": n, "_retry_count": 4}, "loose"),
    st.integers(0, 9),
)
strange = st.sampled_from(
    [
        *(b"", b"garbage", b"[1,2]", b'"x"', b"7", b"null", b"\xff\xfe", b"\x00", b'{"a":1'),
        *(b"{}", b"{ }", b'\xef\xbb\xbf{"a":1}', b'{"a":NaN}', b"*1\r\n$4\r\nPING\r\n", b"{}{}"),
        b'{"a":"\xed\xa0\x80"}',
    ]
)

# Replayed a moment ago, or in what is still to come of the story.
resting = st.builds(
    lambda n, replays, later: encoded(
        {
            **WHOLE,
            "number": n,
            "_remediation": {"replays": replays, "last_at": written(START + later)},
        },
        "tight",
    ),
    st.integers(0, 9),
    st.sampled_from([1, 1, 2]),
    st.sampled_from([0, 30, 300, 1500, 3000]),
)
messages = st.one_of(fresh, resting, st.builds(encoded, fields, styles), strange)
