"""Every environment variable, each declared by a field of Settings.

A field says its variable's name, default, what it takes, unit and meaning; `.env.template` and
`docs/configuration.md` are written from these declarations.
"""

from dataclasses import dataclass
from functools import partial

from mutt_tasks import parsers as take
from mutt_tasks import redis_address
from mutt_tasks.core.routes import Route, alerter_route, moog_route
from mutt_tasks.environment import secrets_in_url, variable
from mutt_tasks.redis_address import RedisAddress

PACE, LISTS, PROBE, REDIS, RUNNING = (
    "Pace and limits",
    "Lists",
    "Moogsoft",
    "Redis and Celery",
    "Running",
)


_pace = partial(variable, group=PACE)
_lists = partial(variable, group=LISTS)
_probe = partial(variable, group=PROBE)
_redis = partial(variable, group=REDIS)
_running = partial(variable, group=RUNNING)


@dataclass(frozen=True)
class Settings:
    """Everything that the environment decides. Times are in seconds."""

    enabled: bool = _pace("REMEDIATION_ENABLED", "true", take.boolean, "replay at all")
    interval: float = _pace(
        "REMEDIATION_INTERVAL", "300", take.number(0.5, 86_400), "between two beat ticks", unit="s"
    )
    batch_size: int = _pace(
        "REMEDIATION_BATCH_SIZE",
        "10",
        take.whole(1, 100_000),
        "first (canary) batch; doubles while what is sent sticks",
        unit="messages",
    )
    max_batch_size: int = _pace(
        "REMEDIATION_MAX_BATCH_SIZE",
        "1000",
        take.whole(1, 100_000),
        "no batch holds more; REMEDIATION_BATCH_SIZE when that is larger and this is not set",
        unit="messages",
    )
    drain: bool = _pace(
        "REMEDIATION_DRAIN",
        "true",
        take.boolean,
        "go on by itself while there is work; false: exactly one batch per tick",
    )
    drain_interval: float = _pace(
        "REMEDIATION_DRAIN_INTERVAL",
        "1",
        take.number(0, 60),
        "from batch to batch of a drain; a batch is spread over it",
        unit="s",
    )
    max_rate: float | None = _pace(
        "REMEDIATION_MAX_RATE",
        "auto",
        take.rate,
        "fastest replay, all routes together; `auto`: what the forwarder's limiter has room for;"
        " 0: no limit, whatever the limiter has room for",
        unit="messages/s",
    )
    high_water: int = _pace(
        "REMEDIATION_HIGH_WATER",
        "1000",
        take.whole(1, 1_000_000_000),
        "a target that holds this many gets no replays (high-water mark)",
        unit="messages",
    )
    retry_backoff: float = _pace(
        "REMEDIATION_RETRY_BACKOFF",
        "60",
        take.number(0, 3600),
        "rest of a message after its first replay, and of a route in an outage; doubles to at most"
        " an hour; 0: none (1 s for a route)",
        unit="s",
    )
    max_age: float = _pace(
        "REMEDIATION_MAX_AGE",
        "0",
        take.number(0, 3_153_600_000),
        "older events go to the dead letter list as `stale`; 0: no limit",
        unit="s",
    )
    suspect_wait: float = _pace(
        "REMEDIATION_SUSPECT_WAIT",
        "3600",
        take.number(0, 604_800),
        "an alert that failed while others passed waits this long for live traffic that can bear"
        " another try, then goes to the dead letter list as `suspect`; 0: at once",
        unit="s",
    )
    max_poison_retries: int = _pace(
        "MAX_POISON_RETRIES",
        "3",
        take.whole(1, 1000),
        "replays before a message counts as poison",
        unit="replays",
    )
    route_names: tuple[str, ...] = _lists(
        "REMEDIATION_ROUTES", "alerter", take.subset("alerter", "moog"), "which queues to serve"
    )
    alerter_dlq: str = _lists(
        "ALERTER_DLQ_NAME", "mutt:dlq:alerter", take.printable, "source of route `alerter`"
    )
    ingest_queue: str = _lists(
        "INGEST_QUEUE_NAME", "mutt:ingest_queue", take.printable, "target of route `alerter`"
    )
    moog_dlq: str = _lists(
        "MOOG_DLQ_NAME", "mutt:dlq:moog", take.printable, "source of route `moog`"
    )
    alert_queue: str = _lists(
        "ALERT_QUEUE_NAME", "mutt:alert_queue", take.printable, "target of route `moog`"
    )
    dead_letter_queue: str = _lists(
        "DEAD_LETTER_QUEUE", "mutt:dlq:dead", take.printable, "terminal dead letter list"
    )
    health_check_enabled: bool = _probe(
        "MOOG_HEALTH_CHECK_ENABLED", "true", take.boolean, "ask Moogsoft before each batch"
    )
    webhook_url: str = _probe(
        "MOOG_WEBHOOK_URL", "", take.http_url, "probe: POST of a test event", secret=True
    )
    health_url: str = _probe(
        "MOOG_HEALTH_URL",
        "",
        take.http_url,
        "read-only GET probe, used instead of the POST",
        secret=True,
    )
    health_timeout: float = _probe(
        "MOOG_HEALTH_TIMEOUT",
        "5",
        take.number(0.05, 20),
        "whole probe, from name look-up to status",
        unit="s",
    )
    health_cache_ttl: float = _probe(
        "MOOG_HEALTH_CACHE_TTL",
        "60",
        take.number(0, 3600),
        "a healthy answer is used again this long",
        unit="s",
    )
    api_key: str = _probe(
        "MOOG_API_KEY",
        "",
        take.header_text,
        "sent as `<scheme> <key>` in the header below",
        secret=True,
    )
    auth_header: str = _probe(
        "MOOG_AUTH_HEADER", "Authorization", take.header_name, "`apiKey` for Moogsoft Cloud"
    )
    auth_scheme: str = _probe(
        "MOOG_AUTH_SCHEME",
        "",
        take.header_text,
        "word before the key; `Bearer` when empty and the header is Authorization",
    )
    username: str = _probe("MOOG_USERNAME", "", take.text, "HTTP Basic user")
    password: str = _probe("MOOG_PASSWORD", "", take.text, "HTTP Basic password", secret=True)
    ca_cert: str = _probe(
        "MOOG_CA_CERT", "", take.existing_file, "private authority of Moogsoft's certificate (PEM)"
    )
    rate_limit: int = _probe(
        "MOOG_RATE_LIMIT",
        "50",
        take.whole(1, 1_000_000),
        "forwarder's limiter: alerts per period",
        unit="alerts",
    )
    rate_period: float = _probe(
        "MOOG_RATE_PERIOD",
        "1",
        take.number(0.001, 3600),
        "forwarder's limiter: its period",
        unit="s",
    )
    breaker_timeout: float = _probe(
        "MOOG_BREAKER_TIMEOUT",
        "300",
        take.number(1, 86_400),
        "forwarder's breaker: how long it stays open",
        unit="s",
    )
    delivered_statuses: frozenset[int] = _probe(
        "MOOG_DELIVERED_STATUS",
        "200,201",
        take.statuses(200, 299),
        "answers that the forwarder counts as delivered; what Moogsoft answers otherwise, it puts"
        " into `mutt:dlq:moog` (a probe's 200, 201 and 202 all count as healthy)",
    )
    rate_limit_key: str = _probe(
        "MOOG_RATE_LIMIT_KEY",
        "mutt:rate_limit:moog",
        take.printable,
        "forwarder's limiter: its sorted set",
    )
    redis_url: RedisAddress | None = _redis(
        "REDIS_URL",
        "",
        redis_address.parse,
        "the pipeline's Redis in one address; wins over the parts below",
        secret=True,
    )
    redis_host: str = _redis("REDIS_HOST", "localhost", take.printable, "host")
    redis_port: int = _redis("REDIS_PORT", "6379", take.whole(1, 65_535), "port")
    redis_db: int = _redis("REDIS_DB", "0", take.whole(0, 99_999), "database")
    redis_username: str = _redis("REDIS_USERNAME", "", take.text, "ACL user")
    redis_password: str = _redis(
        "REDIS_PASSWORD",
        "",
        take.text,
        "password",
        secret=True,
        aliases=("REDIS_PASS_CURRENT",),
    )
    redis_next_password: str = _redis(
        "REDIS_PASS_NEXT",
        "",
        take.text,
        "password that is tried where the server refuses the other, at every log-in: it can be"
        " changed while we run; not for CELERY_BROKER_URL",
        secret=True,
    )
    redis_tls: bool = _redis(
        "REDIS_TLS_ENABLED", "false", take.boolean, "TLS, with verified certificates"
    )
    redis_tls_ca: str = _redis(
        "REDIS_TLS_CA_CERT",
        "",
        take.text,
        "private authority (PEM); this and the next two are looked at only when TLS is on",
        aliases=("REDIS_CA_CERT_PATH",),
    )
    redis_tls_cert: str = _redis(
        "REDIS_TLS_CERT",
        "",
        take.text,
        "client certificate (PEM)",
        aliases=("REDIS_TLS_CLIENT_CERT",),
    )
    redis_tls_key: str = _redis(
        "REDIS_TLS_KEY", "", take.text, "client key (PEM)", aliases=("REDIS_TLS_CLIENT_KEY",)
    )
    broker_url: str = _redis(
        "CELERY_BROKER_URL",
        "",
        take.broker_url,
        "Celery's broker; the same Redis when empty",
        secret=True,
    )
    dynamic_config: bool = _running(
        "DYNAMIC_CONFIG_ENABLED",
        "false",
        take.boolean,
        "let `mutt:config:…` override four settings at once",
    )
    metrics_port: int = _running(
        "METRICS_PORT_REMEDIATION", "8086", take.whole(1, 65_535), "`/metrics`"
    )
    health_port: int = _running(
        "HEALTH_PORT_REMEDIATION", "8087", take.whole(1, 65_535), "`/health` and `/ready`"
    )
    listen_address: str = _running(
        "REMEDIATION_LISTEN_ADDRESS", "0.0.0.0", take.printable, "where both ports listen"
    )
    log_level: str = _running(
        "LOG_LEVEL", "INFO", take.choice("DEBUG", "INFO", "WARNING", "ERROR"), "least severe line"
    )
    log_json: bool = _running("LOG_JSON_ENABLED", "false", take.boolean, "one JSON object a line")
    otel: bool = _running(
        "OTEL_ENABLED", "false", take.boolean, "send traces (needs the `otel` extra)"
    )
    otel_endpoint: str = _running(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://localhost:4318",
        take.public_url,
        "OTLP collector (HTTP)",
    )
    otel_service: str = _running(
        "OTEL_SERVICE_NAME", "mutt-remediation", take.text, "service name of the traces"
    )
    pod_name: str = _running(
        "POD_NAME", "", take.text, "name of this process in logs and journal; else the host's name"
    )

    @property
    def redis(self) -> RedisAddress:
        """The pipeline's Redis, from `REDIS_URL` or from its parts."""
        address = self.redis_url or RedisAddress(
            "redis",
            hosts=((self.redis_host, self.redis_port),),
            db=self.redis_db,
            username=self.redis_username,
            password=self.redis_password,
        )
        address = address.with_next_password(self.redis_next_password)
        if self.redis_tls or address.tls:
            return address.with_tls(self.redis_tls_ca, self.redis_tls_cert, self.redis_tls_key)
        return address

    @property
    def celery_broker(self) -> str:
        """Celery's broker URL."""
        return self.broker_url or self.redis.broker_url()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes that are turned on, in the order in which they are served."""
        known = {
            "alerter": alerter_route(self.alerter_dlq, self.ingest_queue),
            "moog": moog_route(self.moog_dlq, self.alert_queue),
        }
        return tuple(known[name] for name in self.route_names)

    def secrets(self) -> frozenset[str]:
        """Every text that must never be shown."""
        found = {self.api_key, self.password, self.redis_password, self.redis.password}
        found.add(self.redis_next_password)
        found |= {self.webhook_url, self.health_url, self.broker_url}
        for url in (self.webhook_url, self.health_url, self.celery_broker):
            found |= secrets_in_url(url)
        return frozenset(found - {""})
