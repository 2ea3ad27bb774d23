"""A Redis address is read in every form, shown without its log-in, and passed on to Celery."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.settings.redis_address import TAKES, RedisAddress, parse


def parsed(url: str) -> RedisAddress:
    address = parse(url)
    assert address is not None
    return address


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("redis://h", {"hosts": (("h", 6379),)}),
        ("redis://h:7000/3", {"hosts": (("h", 7000),), "db": 3}),
        ("redis://h:7000/", {"hosts": (("h", 7000),)}),
        ("redis://h?db=4", {"hosts": (("h", 6379),), "db": 4}),
        ("redis://h/1?db=2", {"hosts": (("h", 6379),), "db": 2}),
        ("redis://10.0.0.1/0", {"hosts": (("10.0.0.1", 6379),)}),
        ("redis://[::1]:7000/1", {"hosts": (("::1", 7000),), "db": 1}),
        ("redis://:pw@h", {"hosts": (("h", 6379),), "password": "pw"}),
        ("redis://u:p%40%2f%23@h", {"hosts": (("h", 6379),), "username": "u", "password": "p@/#"}),
        ("redis://u:p:w@x@h", {"hosts": (("h", 6379),), "username": "u", "password": "p:w@x"}),
        ("redis://u@h", {"hosts": (("h", 6379),), "username": "u"}),
        ("rediss://h", {"hosts": (("h", 6379),), "tls": True}),
        ("unix:///run/redis.sock", {"path": "/run/redis.sock"}),
        ("unix:///run/a%20b.sock?db=2", {"path": "/run/a b.sock", "db": 2}),
        ("unix://u:pw@/run/r.sock", {"path": "/run/r.sock", "username": "u", "password": "pw"}),
        ("sentinel://h", {"hosts": (("h", 26379),), "service": "mymaster"}),
        ("sentinel://h/main", {"hosts": (("h", 26379),), "service": "main"}),
        ("sentinel://h/main/2", {"hosts": (("h", 26379),), "service": "main", "db": 2}),
        ("sentinel://h/main?db=2", {"hosts": (("h", 26379),), "service": "main", "db": 2}),
        (
            "sentinel://:pw@a:1,b,[::1]:3/main",
            {"hosts": (("a", 1), ("b", 26379), ("::1", 3)), "service": "main", "password": "pw"},
        ),
        # Kombu's forms of the same.
        (
            "sentinel://a:1;sentinel://b:2/0",
            {"hosts": (("a", 1), ("b", 2)), "service": "mymaster"},
        ),
        (
            "sentinel://:p;w@a:1/5;sentinel://:p;w@b:2/5?master_name=main",
            {"hosts": (("a", 1), ("b", 2)), "service": "main", "db": 5, "password": "p;w"},
        ),
        ("sentinel://a:1;b:2/main", {"hosts": (("a", 1), ("b", 2)), "service": "main"}),
    ],
)
def test_an_address_is_read_in_every_form(url: str, fields: dict[str, Any]) -> None:
    assert parsed(url) == RedisAddress(url.partition(":")[0], **fields)


def test_no_address_is_none() -> None:
    assert parse("") is None


@pytest.mark.parametrize(
    "url",
    [
        *(
            "s3cret",
            "redis",
            "redis:",
            "redis://",
            "redis:///0",
            "http://h",
            "REDIS//h",
            "redis:/h",
        ),
        *("redis://h:x", "redis://h:0", "redis://h:99999", "redis://h:-1", "redis://h/x"),
        *("redis://h/1/2", "redis://h/-1", "redis://h/100000", "redis://h/1.5", "redis://h/²"),
        *("redis://a,b", "redis://a;b", "redis://h?ssl_cert_reqs=none", "redis://h?db=x"),
        *("redis://h?master_name=m", "redis://[::1", "redis://a b", "redis://h\n/0", "redis://ä/0"),
        *("unix://", "unix://relative.sock", "unix://host/run/r.sock", "unix:///r.sock?timeout=1"),
        *("sentinel:///main", "sentinel://a,,b/main", "sentinel://a/main/2/3", "sentinel://a,/m"),
        "sentinel://:one@a/0;sentinel://:two@b/0",
        "sentinel://a/0;sentinel://b/1",
        # A password that was not percent-encoded must not turn into another server's name.
        *("redis://s3cret#x@h", "redis://:s3#cret@h", "redis://u:12#s3cret@h", "redis://u:6?w@h"),
        *("redis://u:12/s3cret@h", "redis://:s3/cret@h", "redis://:s3?cret@h"),
        # Not UTF-8: it could only be guessed at.
        "redis://:%ff@h",
    ],
)
def test_anything_else_is_refused_in_words_that_repeat_nothing_of_it(url: str) -> None:
    with pytest.raises(ValueError, match=re.escape(TAKES)) as caught:
        parse(url)

    assert str(caught.value) == TAKES
    assert caught.value.__suppress_context__


@given(st.text(max_size=40), st.sampled_from(["redis://", "unix://", "sentinel://", ""]))
def test_any_text_is_an_address_or_refused(text: str, start: str) -> None:
    address = None
    with suppress(ValueError):
        address = parse(start + text)

    assert address is None or (start + text).startswith(address.scheme + "://")


logins = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=8)
hosts = st.lists(
    st.tuples(st.sampled_from(["a", "b.example", "::1"]), st.integers(1, 65_535)),
    min_size=1,
    max_size=3,
).map(tuple)


@given(
    scheme=st.sampled_from(["redis", "rediss", "sentinel"]),
    hosts=hosts,
    db=st.integers(0, 99_999),
    username=logins,
    password=logins,
)
def test_what_celery_gets_is_read_back_as_the_same_address(
    scheme: str,
    hosts: tuple[tuple[str, int], ...],
    db: int,
    username: str,
    password: str,
) -> None:
    hosts = hosts if scheme == "sentinel" else hosts[:1]
    service = "mymaster" if scheme == "sentinel" else ""
    address = RedisAddress(scheme, hosts, "", service, db, username, password, scheme == "rediss")

    url = address.broker_url()

    assert parse(url.partition("?")[0]) == address


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://u:p%2Fw@h:7000/3", "redis://u:p%2Fw@h:7000/3"),
        ("redis://[::1]", "redis://[::1]:6379/0"),
        ("unix:///run/r.sock?db=2", "redis+socket:///run/r.sock?virtual_host=2"),
        ("unix://:pw@/run/a b.sock", "redis+socket://:pw@/run/a%20b.sock?virtual_host=0"),
        ("sentinel://:pw@a:1,b:2/main?db=3", "sentinel://:pw@a:1/3;sentinel://:pw@b:2/3"),
        ("rediss://h/1", "rediss://h:6379/1?ssl_cert_reqs=required"),
    ],
)
def test_celery_gets_the_address_as_its_transport_writes_it(url: str, broker: str) -> None:
    assert parsed(url).broker_url() == broker


def test_tls_verifies_certificates_in_celerys_address_too() -> None:
    address = parsed("redis://h").with_tls("/ca.pem", "", "")
    mutual = parsed("rediss://h").with_tls("/ca.pem", "/c.pem", "/k.pem")

    assert address.broker_url() == (
        "rediss://h:6379/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fca.pem"
    )
    assert mutual.broker_url() == (
        address.broker_url() + "&ssl_certfile=%2Fc.pem&ssl_keyfile=%2Fk.pem"
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:s3cret@h:7000/3", "redis://h:7000/3"),
        ("rediss://:s3cret@[::1]", "rediss://[::1]:6379/0"),
        ("unix://user:s3cret@/run/r.sock", "unix:///run/r.sock?db=0"),
        ("sentinel://user:s3cret@a,b:2/main", "sentinel://a:26379,b:2/main?db=0"),
    ],
)
def test_an_address_is_shown_without_its_log_in(url: str, shown: str) -> None:
    address = parsed(url)

    assert address.shown == shown
    assert "s3cret" not in repr(address)
    assert "user" not in repr(address)
