"""The environment, read once into one frozen, validated value.

Each field below declares its variable: name, default, what it takes, unit and meaning.
`.env.template` and `docs/configuration.md` are written from these declarations.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mutt_tasks import redis_address
from mutt_tasks.core.routes import Route, alerter_route, moog_route
from mutt_tasks.environment import (
    boolean,
    choice,
    existing_file,
    header_name,
    header_text,
    http_url,
    known_names,
    number,
    printable,
    rate,
    read,
    secrets_in_url,
    subset,
    text,
    unknown_names,
    variable,
    variables_of,
    whole,
)
from mutt_tasks.errors import SettingsError
from mutt_tasks.redis_address import RedisAddress

OUR_PREFIXES = ("REMEDIATION_", "MOOG_")

# Variables of MUTT's own services that share a prefix with ours: no reason to warn.
PIPELINE_NAMES = frozenset({"MOOG_MAX_RETRIES"})

PACE, LISTS, PROBE, REDIS, RUNNING = (
    "Pace and limits",
    "Lists",
    "Moogsoft",
    "Redis and Celery",
    "Running",
)


@dataclass(frozen=True)
class Settings:
    """Everything that the environment decides. Times are in seconds."""

    enabled: bool = variable("REMEDIATION_ENABLED", "true", boolean, "replay at all", group=PACE)
    interval: float = variable(
        "REMEDIATION_INTERVAL",
        "300",
        number(0.5, 86_400),
        "between two beat ticks",
        unit="s",
        group=PACE,
    )
    batch_size: int = variable(
        "REMEDIATION_BATCH_SIZE",
        "10",
        whole(1, 100_000),
        "first (canary) batch",
        unit="messages",
        group=PACE,
    )
    max_batch_size: int = variable(
        "REMEDIATION_MAX_BATCH_SIZE",
        "1000",
        whole(1, 100_000),
        "no batch holds more; REMEDIATION_BATCH_SIZE when that is larger and this is not set",
        unit="messages",
        group=PACE,
    )
    drain: bool = variable(
        "REMEDIATION_DRAIN",
        "true",
        boolean,
        "go on by itself while there is work; false: exactly one batch per tick",
        group=PACE,
    )
    drain_interval: float = variable(
        "REMEDIATION_DRAIN_INTERVAL",
        "1",
        number(0, 60),
        "between two batches of a drain",
        unit="s",
        group=PACE,
    )
    max_rate: float | None = variable(
        "REMEDIATION_MAX_RATE",
        "auto",
        rate,
        "fastest replay, all routes together; 0: no limit",
        unit="messages/s",
        group=PACE,
    )
    high_water: int = variable(
        "REMEDIATION_HIGH_WATER",
        "1000",
        whole(1, 1_000_000_000),
        "a target that holds this many gets no replays (high-water mark)",
        unit="messages",
        group=PACE,
    )
    retry_backoff: float = variable(
        "REMEDIATION_RETRY_BACKOFF",
        "60",
        number(0, 3600),
        "rest of a message after its first replay; doubles to at most an hour; 0: none",
        unit="s",
        group=PACE,
    )
    max_age: float = variable(
        "REMEDIATION_MAX_AGE",
        "0",
        number(0, 3_153_600_000),
        "older events go to the dead letter list as `stale`; 0: no limit",
        unit="s",
        group=PACE,
    )
    max_poison_retries: int = variable(
        "MAX_POISON_RETRIES",
        "3",
        whole(1, 1000),
        "replays before a message counts as poison",
        unit="replays",
        group=PACE,
    )
    route_names: tuple[str, ...] = variable(
        "REMEDIATION_ROUTES",
        "alerter",
        subset("alerter", "moog"),
        "which queues to serve",
        group=LISTS,
    )
    alerter_dlq: str = variable(
        "ALERTER_DLQ_NAME", "mutt:dlq:alerter", printable, "source of route `alerter`", group=LISTS
    )
    ingest_queue: str = variable(
        "INGEST_QUEUE_NAME",
        "mutt:ingest_queue",
        printable,
        "target of route `alerter`",
        group=LISTS,
    )
    moog_dlq: str = variable(
        "MOOG_DLQ_NAME", "mutt:dlq:moog", printable, "source of route `moog`", group=LISTS
    )
    alert_queue: str = variable(
        "ALERT_QUEUE_NAME", "mutt:alert_queue", printable, "target of route `moog`", group=LISTS
    )
    dead_letter_queue: str = variable(
        "DEAD_LETTER_QUEUE", "mutt:dlq:dead", printable, "terminal dead letter list", group=LISTS
    )
    health_check_enabled: bool = variable(
        "MOOG_HEALTH_CHECK_ENABLED", "true", boolean, "ask Moogsoft before each batch", group=PROBE
    )
    webhook_url: str = variable(
        "MOOG_WEBHOOK_URL", "", http_url, "probe: POST of a test event", secret=True, group=PROBE
    )
    health_url: str = variable(
        "MOOG_HEALTH_URL",
        "",
        http_url,
        "read-only GET probe, used instead of the POST",
        secret=True,
        group=PROBE,
    )
    health_timeout: float = variable(
        "MOOG_HEALTH_TIMEOUT",
        "5",
        number(0.05, 20),
        "whole probe, from name look-up to status",
        unit="s",
        group=PROBE,
    )
    health_cache_ttl: float = variable(
        "MOOG_HEALTH_CACHE_TTL",
        "60",
        number(0, 3600),
        "an answer is used again this long",
        unit="s",
        group=PROBE,
    )
    api_key: str = variable(
        "MOOG_API_KEY",
        "",
        header_text,
        "sent as `<scheme> <key>` in the header below",
        secret=True,
        group=PROBE,
    )
    auth_header: str = variable(
        "MOOG_AUTH_HEADER",
        "Authorization",
        header_name,
        "`apiKey` for Moogsoft Cloud",
        group=PROBE,
    )
    auth_scheme: str = variable(
        "MOOG_AUTH_SCHEME",
        "",
        header_text,
        "word before the key; `Bearer` when empty and the header is Authorization",
        group=PROBE,
    )
    username: str = variable("MOOG_USERNAME", "", text, "HTTP Basic user", group=PROBE)
    password: str = variable(
        "MOOG_PASSWORD", "", text, "HTTP Basic password", secret=True, group=PROBE
    )
    ca_cert: str = variable(
        "MOOG_CA_CERT",
        "",
        existing_file,
        "private authority of Moogsoft's certificate (PEM)",
        group=PROBE,
    )
    rate_limit: int = variable(
        "MOOG_RATE_LIMIT",
        "50",
        whole(1, 1_000_000),
        "forwarder's limiter: alerts per period",
        unit="alerts",
        group=PROBE,
    )
    rate_period: float = variable(
        "MOOG_RATE_PERIOD",
        "1",
        number(0.001, 3600),
        "forwarder's limiter: its period",
        unit="s",
        group=PROBE,
    )
    rate_limit_key: str = variable(
        "MOOG_RATE_LIMIT_KEY",
        "mutt:rate_limit:moog",
        printable,
        "forwarder's limiter: its sorted set",
        group=PROBE,
    )
    redis_url: RedisAddress | None = variable(
        "REDIS_URL",
        "",
        redis_address.parse,
        "the pipeline's Redis in one address; wins over the parts below",
        secret=True,
        group=REDIS,
    )
    redis_host: str = variable("REDIS_HOST", "localhost", printable, "host", group=REDIS)
    redis_port: int = variable("REDIS_PORT", "6379", whole(1, 65_535), "port", group=REDIS)
    redis_db: int = variable("REDIS_DB", "0", whole(0, 99_999), "database", group=REDIS)
    redis_username: str = variable("REDIS_USERNAME", "", text, "ACL user", group=REDIS)
    redis_password: str = variable("REDIS_PASSWORD", "", text, "password", secret=True, group=REDIS)
    redis_tls: bool = variable(
        "REDIS_TLS_ENABLED", "false", boolean, "TLS, with verified certificates", group=REDIS
    )
    redis_tls_ca: str = variable(
        "REDIS_TLS_CA_CERT", "", existing_file, "private authority (PEM)", group=REDIS
    )
    redis_tls_cert: str = variable(
        "REDIS_TLS_CERT", "", existing_file, "client certificate (PEM)", group=REDIS
    )
    redis_tls_key: str = variable(
        "REDIS_TLS_KEY", "", existing_file, "client key (PEM)", group=REDIS
    )
    broker_url: str = variable(
        "CELERY_BROKER_URL",
        "",
        text,
        "Celery's broker; the same Redis when empty",
        secret=True,
        group=REDIS,
    )
    dynamic_config: bool = variable(
        "DYNAMIC_CONFIG_ENABLED",
        "false",
        boolean,
        "let `mutt:config:…` override four settings at once",
        group=RUNNING,
    )
    metrics_port: int = variable(
        "METRICS_PORT_REMEDIATION", "8086", whole(1, 65_535), "`/metrics`", group=RUNNING
    )
    health_port: int = variable(
        "HEALTH_PORT_REMEDIATION",
        "8087",
        whole(1, 65_535),
        "`/health` and `/ready`",
        group=RUNNING,
    )
    listen_address: str = variable(
        "REMEDIATION_LISTEN_ADDRESS",
        "0.0.0.0",  # noqa: S104 — a container's own network; Compose and Kubernetes fence it
        printable,
        "where both ports listen",
        group=RUNNING,
    )
    log_level: str = variable(
        "LOG_LEVEL",
        "INFO",
        choice("DEBUG", "INFO", "WARNING", "ERROR"),
        "least severe line",
        group=RUNNING,
    )
    log_json: bool = variable(
        "LOG_JSON_ENABLED", "false", boolean, "one JSON object a line", group=RUNNING
    )
    otel: bool = variable(
        "OTEL_ENABLED", "false", boolean, "send traces (needs the `otel` extra)", group=RUNNING
    )
    otel_endpoint: str = variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://localhost:4318",
        http_url,
        "OTLP collector (HTTP)",
        group=RUNNING,
    )
    otel_service: str = variable(
        "OTEL_SERVICE_NAME", "mutt-remediation", text, "service name of the traces", group=RUNNING
    )
    pod_name: str = variable(
        "POD_NAME",
        "",
        text,
        "name of this process in logs and journal; else the host's name",
        group=RUNNING,
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
        found |= {self.webhook_url, self.health_url, self.broker_url}
        for url in (self.webhook_url, self.health_url, self.celery_broker):
            found |= secrets_in_url(url)
        return frozenset(found - {""})


VARIABLES = variables_of(Settings)

# Key of the pipeline's runtime configuration (`mutt:config:<key>`) -> what it overrides.
RUNTIME_KEYS = {
    "remediation_enabled": "enabled",
    "remediation_interval": "interval",
    "remediation_batch_size": "batch_size",
    "max_poison_retries": "max_poison_retries",
}


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment.

    Raises SettingsError with one line for each variable that is not usable.
    """
    env = os.environ if env is None else env
    values, problems = read(VARIABLES, env)
    if problems:
        raise SettingsError(problems)
    settings = Settings(**values)
    if not env.get("REMEDIATION_MAX_BATCH_SIZE", "").strip():
        settings = replace(
            settings, max_batch_size=max(settings.max_batch_size, settings.batch_size)
        )
    problems = list(_contradictions(settings))
    if problems:
        raise SettingsError(problems)
    return settings


def overridden(
    settings: Settings, runtime: Mapping[str, bytes]
) -> tuple[Settings, tuple[str, ...]]:
    """The settings with runtime configuration applied, and one line for each value ignored.

    `runtime` maps keys of RUNTIME_KEYS to what stands there.
    """
    problems = []
    for name, raw in runtime.items():
        attribute = RUNTIME_KEYS[name]
        value_text = raw.decode("utf-8", "replace").strip()
        try:
            value = VARIABLES[attribute].parse(value_text)
        except ValueError as takes:
            problems.append(f"mutt:config:{name}: got {value_text[:60]!r}, takes {takes}; ignored")
            continue
        settings = replace(settings, **{attribute: value})
    # A canary larger than the largest batch is a batch of the largest size.
    batch_size = min(settings.batch_size, settings.max_batch_size)
    return replace(settings, batch_size=batch_size), tuple(problems)


def warnings(
    settings: Settings, env: Mapping[str, str] | None = None, *, is_worker: bool = True
) -> list[str]:
    """What an operator should know at start though nothing is wrong enough to stop.

    Only a worker asks Moogsoft; beat may well run without its address.
    """
    env = os.environ if env is None else env
    known = known_names(VARIABLES.values()) | PIPELINE_NAMES
    lines = unknown_names(env, known, OUR_PREFIXES)
    if is_worker and not settings.health_check_enabled:
        lines.append("MOOG_HEALTH_CHECK_ENABLED is false: Moogsoft counts as healthy, unasked")
    elif is_worker and not (settings.webhook_url or settings.health_url):
        lines.append(
            "neither MOOG_WEBHOOK_URL nor MOOG_HEALTH_URL is set:"
            " Moogsoft counts as healthy, unasked"
        )
    if settings.redis_url and (env.get("REDIS_HOST") or env.get("REDIS_PORT")):
        lines.append("REDIS_URL is set: REDIS_HOST and the other parts of the address do nothing")
    return lines


def _contradictions(settings: Settings) -> Any:
    """What each value allows but all together do not."""
    lists = {
        "ALERTER_DLQ_NAME": settings.alerter_dlq,
        "INGEST_QUEUE_NAME": settings.ingest_queue,
        "MOOG_DLQ_NAME": settings.moog_dlq,
        "ALERT_QUEUE_NAME": settings.alert_queue,
        "DEAD_LETTER_QUEUE": settings.dead_letter_queue,
    }
    seen: dict[str, str] = {}
    for name, key in lists.items():
        if key in seen:
            yield f"{name}: got {key!r}, takes a list of its own; {seen[key]} names it too"
        elif key.startswith(("mutt:remediation:", "mutt:config:")) or key == "remediation":
            yield f"{name}: got {key!r}, takes a list outside our own keys and task queue"
        seen.setdefault(key, name)
    if settings.batch_size > settings.max_batch_size:
        yield (
            f"REMEDIATION_BATCH_SIZE: got {settings.batch_size}, takes at most"
            f" REMEDIATION_MAX_BATCH_SIZE ({settings.max_batch_size})"
        )
    if settings.password and not settings.username:
        yield "MOOG_USERNAME: got nothing, takes the user that MOOG_PASSWORD belongs to"
    uses_authorization = settings.auth_header.lower() == "authorization"
    if settings.username and settings.api_key and uses_authorization:
        yield (
            "MOOG_API_KEY: got a value that is not shown, takes nothing while MOOG_USERNAME"
            " is set, or another header in MOOG_AUTH_HEADER: both write Authorization"
        )
    if settings.metrics_port == settings.health_port:
        yield (
            f"HEALTH_PORT_REMEDIATION: got {settings.health_port}, takes another port than"
            " METRICS_PORT_REMEDIATION"
        )
    if bool(settings.redis_tls_cert) != bool(settings.redis_tls_key):
        yield "REDIS_TLS_CERT: takes a value exactly when REDIS_TLS_KEY has one"
