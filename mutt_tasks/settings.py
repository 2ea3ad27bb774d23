"""The environment, read once into one frozen, validated value."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mutt_tasks.environment import (
    given_names,
    known_names,
    problem,
    read,
    unknown_names,
    variables_of,
)
from mutt_tasks.errors import SettingsError
from mutt_tasks.parsers import existing_file
from mutt_tasks.variables import Settings

__all__ = ["RUNTIME_KEYS", "VARIABLES", "Settings", "load", "overridden", "warnings"]

OUR_PREFIXES = ("REMEDIATION_", "MOOG_")

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
ADDRESS_PARTS = ("redis_host", "redis_port", "redis_db", "redis_username", "redis_password")
TLS_FILES = ("redis_tls_ca", "redis_tls_cert", "redis_tls_key")

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
    elif not env.get("REMEDIATION_BATCH_SIZE", "").strip():
        settings = replace(settings, batch_size=min(settings.batch_size, settings.max_batch_size))
    problems = [*_unreadable(settings, env), *_contradictions(settings)]
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
    if settings.redis_url:
        lines += [f"{name} does nothing: REDIS_URL is set" for name in _given(ADDRESS_PARTS, env)]
    if not settings.redis.tls:
        lines += [
            f"{name} does nothing: TLS is not on (REDIS_TLS_ENABLED)"
            for name in _given(TLS_FILES, env)
        ]
    if settings.redis_next_password and settings.broker_url:
        lines.append("REDIS_PASS_NEXT is not tried at CELERY_BROKER_URL, which has its own log-in")
    return lines


def _given(attributes: tuple[str, ...], env: Mapping[str, str]) -> list[str]:
    return [name for each in attributes for name in given_names(VARIABLES[each], env)]


def _unreadable(settings: Settings, env: Mapping[str, str]) -> Iterator[str]:
    """The files for TLS that cannot be read, when it is on."""
    for attribute in TLS_FILES if settings.redis.tls else ():
        try:
            existing_file(getattr(settings, attribute))
        except ValueError as takes:
            yield problem(VARIABLES[attribute], env, str(takes))


def _contradictions(settings: Settings) -> Iterator[str]:
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
    has_one_of_two = bool(settings.redis_tls_cert) != bool(settings.redis_tls_key)
    if settings.redis.tls and has_one_of_two:
        got = "a value" if settings.redis_tls_cert else "nothing"
        yield f"REDIS_TLS_CERT: got {got}, takes a value exactly when REDIS_TLS_KEY has one"
    if settings.redis.scheme == "sentinel" and settings.redis.tls:
        yield (
            "REDIS_TLS_ENABLED: got true, takes false with a sentinel:// address:"
            " the two are not supported together"
        )
    for url in settings.broker_url.split(";"):
        if url.startswith("rediss://") and "ssl_cert_reqs=" not in url:
            yield (
                "CELERY_BROKER_URL: got a value that is not shown, takes ssl_cert_reqs=required in"
                " the query of a rediss:// address: Celery verifies nothing without it"
            )
