"""The variables of those we talk to: Moogsoft, MUTT's forwarder, and Redis."""

from dataclasses import dataclass
from typing import ClassVar

import mutt_tasks.settings.parsers as take
from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.settings.redis_address import parse as redis_url
from mutt_tasks.settings.variable import variable


@dataclass(frozen=True)
class Moogsoft:
    """How Moogsoft is asked whether it accepts events. Times are in seconds."""

    title: ClassVar[str] = "Moogsoft"

    health_check_enabled: bool = variable(
        "MOOG_HEALTH_CHECK_ENABLED", "true", take.boolean, "ask Moogsoft before each batch"
    )
    webhook_url: str = variable(
        "MOOG_WEBHOOK_URL", "", take.http_url, "probe: POST of a test event", secret=True
    )
    health_url: str = variable(
        "MOOG_HEALTH_URL",
        "",
        take.http_url,
        "read-only GET probe, used instead of the POST",
        secret=True,
    )
    health_timeout: float = variable(
        "MOOG_HEALTH_TIMEOUT",
        "5",
        take.number(0.05, 20),
        "whole probe, from name look-up to status",
        unit="s",
    )
    health_cache_ttl: float = variable(
        "MOOG_HEALTH_CACHE_TTL",
        "60",
        take.number(0, 3600),
        "a healthy answer is used again this long",
        unit="s",
    )
    api_key: str = variable(
        "MOOG_API_KEY",
        "",
        take.header_text,
        "sent as `<scheme> <key>` in the header below",
        secret=True,
    )
    auth_header: str = variable(
        "MOOG_AUTH_HEADER", "Authorization", take.header_name, "`apiKey` for Moogsoft Cloud"
    )
    auth_scheme: str = variable(
        "MOOG_AUTH_SCHEME",
        "",
        take.header_text,
        "word before the key; `Bearer` when empty and the header is Authorization",
    )
    username: str = variable("MOOG_USERNAME", "", take.text, "HTTP Basic user")
    password: str = variable("MOOG_PASSWORD", "", take.text, "HTTP Basic password", secret=True)
    ca_cert: str = variable(
        "MOOG_CA_CERT", "", take.existing_file, "private authority of Moogsoft's certificate (PEM)"
    )


@dataclass(frozen=True)
class Forwarder:
    """How MUTT's forwarder is configured: limiter, breaker, answers. Times are in seconds."""

    title: ClassVar[str] = "Moogsoft"

    rate_limit: int = variable(
        "MOOG_RATE_LIMIT",
        "50",
        take.whole(1, 1_000_000),
        "forwarder's limiter: alerts per period",
        unit="alerts",
    )
    rate_period: float = variable(
        "MOOG_RATE_PERIOD",
        "1",
        take.number(0.001, 3600),
        "forwarder's limiter: its period",
        unit="s",
    )
    breaker_timeout: float = variable(
        "MOOG_BREAKER_TIMEOUT",
        "300",
        take.number(1, 86_400),
        "forwarder's breaker: how long it stays open",
        unit="s",
    )
    delivered_statuses: frozenset[int] = variable(
        "MOOG_DELIVERED_STATUS",
        "200,201",
        take.statuses(200, 299),
        "answers that the forwarder counts as delivered; what Moogsoft answers otherwise, it puts"
        " into `mutt:dlq:moog` (a probe's 200, 201 and 202 all count as healthy)",
    )
    rate_limit_key: str = variable(
        "MOOG_RATE_LIMIT_KEY",
        "mutt:rate_limit:moog",
        take.printable,
        "forwarder's limiter: its sorted set",
    )


@dataclass(frozen=True)
class Redis:
    """The pipeline's Redis, and Celery's broker."""

    title: ClassVar[str] = "Redis and Celery"

    url: RedisAddress | None = variable(
        "REDIS_URL",
        "",
        redis_url,
        "the pipeline's Redis in one address; wins over the parts below",
        secret=True,
    )
    host: str = variable("REDIS_HOST", "localhost", take.printable, "host")
    port: int = variable("REDIS_PORT", "6379", take.whole(1, 65_535), "port")
    db: int = variable("REDIS_DB", "0", take.whole(0, 99_999), "database")
    username: str = variable("REDIS_USERNAME", "", take.text, "ACL user")
    password: str = variable(
        "REDIS_PASSWORD",
        "",
        take.text,
        "password",
        secret=True,
        aliases=("REDIS_PASS_CURRENT",),
    )
    next_password: str = variable(
        "REDIS_PASS_NEXT",
        "",
        take.text,
        "password that is tried where the server refuses the other, at every log-in: it can be"
        " changed while we run; not for CELERY_BROKER_URL",
        secret=True,
    )
    tls_enabled: bool = variable(
        "REDIS_TLS_ENABLED", "false", take.boolean, "TLS, with verified certificates"
    )
    tls_ca: str = variable(
        "REDIS_TLS_CA_CERT",
        "",
        take.text,
        "private authority (PEM); this and the next two are looked at only when TLS is on",
        aliases=("REDIS_CA_CERT_PATH",),
    )
    tls_cert: str = variable(
        "REDIS_TLS_CERT",
        "",
        take.text,
        "client certificate (PEM)",
        aliases=("REDIS_TLS_CLIENT_CERT",),
    )
    tls_key: str = variable(
        "REDIS_TLS_KEY", "", take.text, "client key (PEM)", aliases=("REDIS_TLS_CLIENT_KEY",)
    )
    broker_url: str = variable(
        "CELERY_BROKER_URL",
        "",
        take.broker_url,
        "Celery's broker; the same Redis when empty",
        secret=True,
    )

    @property
    def address(self) -> RedisAddress:
        """The pipeline's Redis, from `REDIS_URL` or from its parts."""
        address = self.url or RedisAddress(
            "redis",
            hosts=((self.host, self.port),),
            db=self.db,
            username=self.username,
            password=self.password,
        )
        address = address.with_next_password(self.next_password)
        if self.tls_enabled or address.tls:
            return address.with_tls(self.tls_ca, self.tls_cert, self.tls_key)
        return address
