"""Redis over TLS: whoever cannot prove to be the named server hears nothing, and no password."""

import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import kombu
import pytest
import trustme

from mutt_tasks import broker
from mutt_tasks.errors import StoreUnavailable
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.store import Store
from tests.redis_server import RedisServer
from tests.tls_front import TlsFront, tls_of

PASSWORD = "s3cr3t-v4lue"

untyped: Any = kombu


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    found = RedisServer(tmp_path / "redis", "--appendonly", "no").start()
    found.change_password(PASSWORD)
    yield found
    found.stop()


def settings_at(front: TlsFront, host: str = "127.0.0.1", **env: str) -> Settings:
    url = f"rediss://:{PASSWORD}@{host}:{front.port}/0"
    return load({"REDIS_URL": url} | env)


def reached(settings: Settings) -> bool:
    """Whether our own connection gets an answer."""
    with closing(Store.at(settings.redis.address, timeout=20, retries=0)) as store:
        try:
            return store.now() > 0
        except StoreUnavailable:
            return False


def broker_reached(settings: Settings) -> bool:
    """Whether Celery's connection, made from the same address, gets an answer."""
    broker.guard()
    url = settings.redis.address.broker_url()
    with untyped.Connection(url, transport_options={"socket_timeout": 20}) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=1)
            return bool(connection.default_channel.client.ping())
        except (*connection.connection_errors, untyped.exceptions.OperationalError):
            return False


CONNECTIONS = pytest.mark.parametrize("connects", [reached, broker_reached])


@CONNECTIONS
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_named_server_with_a_certificate_of_the_named_authority_is_trusted(
    server: RedisServer, authority: trustme.CA, ca_cert: str, connects: Any, host: str
) -> None:
    with TlsFront(tls_of(authority, host), server.port) as front:
        assert connects(settings_at(front, host, REDIS_TLS_CA_CERT=ca_cert))
        assert PASSWORD.encode() in front.heard


@CONNECTIONS
def test_a_certificate_for_another_host_is_refused_before_the_password_is_sent(
    server: RedisServer, authority: trustme.CA, ca_cert: str, connects: Any
) -> None:
    with TlsFront(tls_of(authority, "redis.example"), server.port) as front:
        assert not connects(settings_at(front, REDIS_TLS_CA_CERT=ca_cert))
        assert front.heard == b""


@CONNECTIONS
def test_a_certificate_of_another_authority_is_refused_before_the_password_is_sent(
    server: RedisServer, authority: trustme.CA, ca_cert: str, connects: Any
) -> None:
    with TlsFront(tls_of(trustme.CA()), server.port) as front:
        assert not connects(settings_at(front, REDIS_TLS_CA_CERT=ca_cert))
        assert front.heard == b""


@CONNECTIONS
def test_a_private_authority_that_is_not_named_is_refused(
    server: RedisServer, authority: trustme.CA, connects: Any
) -> None:
    with TlsFront(tls_of(authority), server.port) as front:
        assert not connects(settings_at(front))
        assert front.heard == b""


@CONNECTIONS
def test_a_server_that_wants_a_client_certificate_gets_the_one_that_is_given(
    server: RedisServer, authority: trustme.CA, ca_cert: str, tmp_path: Path, connects: Any
) -> None:
    context = tls_of(authority)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("client.example")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    own.private_key_pem.write_to_path(str(key))
    cert.write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
    with TlsFront(context, server.port) as front:
        assert not connects(settings_at(front, REDIS_TLS_CA_CERT=ca_cert))
        assert front.heard == b""
        given = {"REDIS_TLS_CERT": str(cert), "REDIS_TLS_KEY": str(key)}
        assert connects(settings_at(front, REDIS_TLS_CA_CERT=ca_cert, **given))
