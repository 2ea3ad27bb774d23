"""What the values must not be together, and what an operator should be warned of."""

import os
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from mutt_tasks.settings.declared import VARIABLES, Settings
from mutt_tasks.settings.declared_neighbours import Moogsoft, Redis
from mutt_tasks.settings.declared_pace import Lists
from mutt_tasks.settings.declared_telemetry import Telemetry
from mutt_tasks.settings.parsers import existing_file
from mutt_tasks.settings.variable import given_names, known_names, problem, unknown_names

OUR_PREFIXES = ("REMEDIATION_", "MOOG_", "CONSOLE_", "NOTIFY_")

# Variables of MUTT's own services that share a prefix with ours: no reason to warn.
PIPELINE_NAMES = frozenset(
    {
        *(f"MOOG_CB_{name}" for name in ("FAILURE_THRESHOLD", "KEY_PREFIX", "OPEN_SECONDS")),
        *("MOOG_CIRCUIT_BREAKER_THRESHOLD", "MOOG_CIRCUIT_BREAKER_TIMEOUT"),
        *("MOOG_FORWARDER_HEALTH_PORT", "MOOG_FORWARDER_METRICS_PORT", "MOOG_FORWARDER_PORT"),
        *("MOOG_FORWARDER_WORKER_ID", "MOOG_METRICS_PORT", "MOOG_POD_NAME", "MOOG_BATCH_SIZE"),
        *("MOOG_HEARTBEAT_INTERVAL", "MOOG_HEARTBEAT_PREFIX", "MOOG_JANITOR_TIMEOUT"),
        *("MOOG_HOST", "MOOG_URL", "MOOG_TIMEOUT", "MOOG_WEBHOOK_TIMEOUT"),
        *("MOOG_MAX_RETRIES", "MOOG_RETRY_BASE_DELAY", "MOOG_RETRY_MAX_DELAY"),
        *("MOOG_PROCESSING_LIST_PREFIX", "MOOG_RATE_LIMIT_PER_SEC"),
        *("REMEDIATION_PORT", "REMEDIATION_METRICS_PORT"),
    }
)

# What REDIS_URL replaces, and what does nothing without TLS.
ADDRESS_PARTS = ("host", "port", "db", "username", "password")
TLS_FILES = ("tls_ca", "tls_cert", "tls_key")


def warnings(
    settings: Settings, env: Mapping[str, str] | None = None, *, is_worker: bool = True
) -> list[str]:
    """What an operator should know at start though nothing is wrong enough to stop.

    Only a worker asks Moogsoft; beat may well run without its address.
    """
    env = os.environ if env is None else env
    known = known_names(VARIABLES.values()) | PIPELINE_NAMES
    lines = unknown_names(env, known, OUR_PREFIXES)
    if is_worker and not settings.moogsoft.health_check_enabled:
        lines.append("MOOG_HEALTH_CHECK_ENABLED is false: Moogsoft counts as healthy, unasked")
    elif is_worker and not (settings.moogsoft.webhook_url or settings.moogsoft.health_url):
        lines.append(
            "neither MOOG_WEBHOOK_URL nor MOOG_HEALTH_URL is set:"
            " Moogsoft counts as healthy, unasked"
        )
    if settings.redis.url:
        lines += [f"{name} does nothing: REDIS_URL is set" for name in _given(ADDRESS_PARTS, env)]
    if not settings.redis.address.tls:
        lines += [
            f"{name} does nothing: TLS is not on (REDIS_TLS_ENABLED)"
            for name in _given(TLS_FILES, env)
        ]
    if settings.redis.next_password and settings.redis.broker_url:
        lines.append("REDIS_PASS_NEXT is not tried at CELERY_BROKER_URL, which has its own log-in")
    return lines + _other_protocol(settings.telemetry)


def _other_protocol(telemetry: Telemetry) -> list[str]:
    """MUTT's own services send traces over gRPC, to an address that our default does not suit."""
    port = urlsplit(telemetry.address).port
    if not telemetry.enabled or port != (4318 if telemetry.is_grpc else 4317):
        return []
    usual, used = ("http/protobuf", "grpc") if telemetry.is_grpc else ("grpc", "http/protobuf")
    return [
        f"traces go to port {port}, where collectors usually speak {usual}, as {used}:"
        " see OTEL_EXPORTER_OTLP_PROTOCOL"
    ]


def _given(fields: tuple[str, ...], env: Mapping[str, str]) -> list[str]:
    """The names by which variables of Redis are given."""
    return [name for each in fields for name in given_names(VARIABLES[f"redis.{each}"], env)]


def unreadable(settings: Settings, env: Mapping[str, str]) -> Iterator[str]:
    """The files for TLS that cannot be read, when it is on."""
    for field in TLS_FILES if settings.redis.address.tls else ():
        try:
            existing_file(getattr(settings.redis, field))
        except ValueError as accepted:
            yield problem(VARIABLES[f"redis.{field}"], env, str(accepted))


def contradictions(settings: Settings) -> Iterator[str]:
    """What each value allows but all together do not, one line each."""
    yield from _lists_that_clash(settings.lists)
    if settings.pace.batch_size > settings.pace.max_batch_size:
        yield (
            f"REMEDIATION_BATCH_SIZE: got {settings.pace.batch_size}, accepts at most"
            f" REMEDIATION_MAX_BATCH_SIZE ({settings.pace.max_batch_size})"
        )
    if settings.lists.dead_retention and not settings.lists.export_folder:
        yield (
            "REMEDIATION_EXPORT_FOLDER: not set, accepts a folder that the worker can write to,"
            " for REMEDIATION_DEAD_RETENTION is set"
        )
    yield from _log_ins_that_clash(settings.moogsoft)
    if settings.process.metrics_port == settings.process.health_port:
        yield (
            f"HEALTH_PORT_REMEDIATION: got {settings.process.health_port}, accepts another port"
            " than METRICS_PORT_REMEDIATION"
        )
    if bool(settings.console.tls_cert) != bool(settings.console.tls_key):
        got = "a value" if settings.console.tls_cert else "nothing"
        yield f"CONSOLE_TLS_CERT: got {got}, accepts a value exactly when CONSOLE_TLS_KEY has one"
    if settings.notify.metrics_port == settings.notify.health_port:
        yield (
            f"HEALTH_PORT_NOTIFY: got {settings.notify.health_port}, accepts another port than"
            " METRICS_PORT_NOTIFY"
        )
    yield from _tls_that_is_not_verified_or_used(settings.redis)


def _lists_that_clash(lists: Lists) -> Iterator[str]:
    names = {
        "ALERTER_DLQ_NAME": lists.alerter_dlq,
        "INGEST_QUEUE_NAME": lists.ingest_queue,
        "MOOG_DLQ_NAME": lists.moog_dlq,
        "ALERT_QUEUE_NAME": lists.alert_queue,
        "DEAD_LETTER_QUEUE": lists.dead_letter_queue,
    }
    seen: dict[str, str] = {}
    for name, key in names.items():
        if key in seen:
            yield f"{name}: got {key!r}, accepts a list of its own; {seen[key]} names it too"
        elif key.startswith(("mutt:remediation:", "mutt:config:")) or key == "remediation":
            yield f"{name}: got {key!r}, accepts a list outside our own keys and task queue"
        seen.setdefault(key, name)


def _log_ins_that_clash(moogsoft: Moogsoft) -> Iterator[str]:
    if moogsoft.password and not moogsoft.username:
        yield "MOOG_USERNAME: got nothing, accepts the user that MOOG_PASSWORD belongs to"
    uses_authorization = moogsoft.auth_header.lower() == "authorization"
    if moogsoft.username and moogsoft.api_key and uses_authorization:
        yield (
            "MOOG_API_KEY: got a value that is not shown, accepts nothing while MOOG_USERNAME"
            " is set, or another header in MOOG_AUTH_HEADER: both write Authorization"
        )


def _tls_that_is_not_verified_or_used(redis: Redis) -> Iterator[str]:
    address = redis.address
    has_one_of_two = bool(redis.tls_cert) != bool(redis.tls_key)
    if address.tls and has_one_of_two:
        got = "a value" if redis.tls_cert else "nothing"
        yield f"REDIS_TLS_CERT: got {got}, accepts a value exactly when REDIS_TLS_KEY has one"
    if address.scheme == "sentinel" and address.tls:
        yield (
            "REDIS_TLS_ENABLED: got true, accepts false with a sentinel:// address:"
            " the two are not supported together"
        )
    for url in redis.broker_url.split(";"):
        if url.startswith("rediss://") and "ssl_cert_reqs=" not in url:
            yield (
                "CELERY_BROKER_URL: got a value that is not shown, accepts ssl_cert_reqs=required"
                " in the query of a rediss:// address: Celery verifies nothing without it"
            )
