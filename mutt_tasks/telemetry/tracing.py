"""OpenTelemetry traces, when `OTEL_ENABLED` asks for them: one trace a cycle.

Nothing of OpenTelemetry is imported before that, for it comes with an extra.
"""

import atexit
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mutt_tasks.release import VERSION
from mutt_tasks.settings import Settings

logger = logging.getLogger(__name__)

# What stands for the outcome of a task that raised.
FAILED = "failed"

# How long a process that ends may take to send its last spans, in seconds.
FLUSH_SECONDS = 2.0

_provider: Any = None


def configure(settings: Settings) -> None:
    """Trace tasks and Redis commands in this process.

    Commands are traced by name only. HTTP is not instrumented: its spans would carry the
    webhook's address, which can hold credentials.
    """
    global _provider
    if not settings.telemetry.enabled:
        return
    try:
        from opentelemetry import trace
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.redis import RedisInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from mutt_tasks.telemetry.trace_export import exporter
    except ImportError:
        logger.error("OTEL_ENABLED is true, but the `otel` extra of mutt-tasks is not installed")
        return
    resource = Resource.create(_resource(settings))
    # At its own exit it would wait for a collector that is away, and longer than it says.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter(settings)))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    RedisInstrumentor().instrument()
    _provider = provider
    atexit.register(flush)


def _resource(settings: Settings) -> dict[str, str]:
    environment = settings.telemetry.environment
    return {
        "service.name": settings.telemetry.service,
        "service.version": VERSION,
        "service.instance.id": settings.process.pod_name,
        # The name that MUTT's services use, and the one that the conventions have had since 1.27.
        "deployment.environment": environment,
        "deployment.environment.name": environment,
    }


def flush() -> None:
    """Send what has not been sent, if the collector takes it at once.

    A pool's child, which ends without anything that runs at exit, has to call it.
    """
    if _provider is not None:
        sending = threading.Thread(target=_provider.force_flush, daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)


def current_ids() -> dict[str, str]:
    """`trace_id` and `span_id` of the span that is under way, in hex; empty without one."""
    if _provider is None:
        return {}
    from opentelemetry import trace

    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(found.trace_id),
        "span_id": trace.format_span_id(found.span_id),
    }


def note(result: Mapping[str, Any]) -> None:
    """Give the span that is under way a task's result: outcome and counts as `mutt.…`."""
    if _provider is None:
        return
    from opentelemetry import trace

    span = trace.get_current_span()
    for name, value in _flat("mutt", result):
        span.set_attribute(name, value)


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(f"{path}.{name}", part)
    elif isinstance(value, str | bool | int | float):
        yield path, value


@contextmanager
def apart() -> Iterator[None]:
    """What is sent in here begins a trace of its own: a drain may take hours, a cycle does not."""
    token = begin_anew()
    try:
        yield
    finally:
        if token is not None:
            from opentelemetry import context

            context.detach(token)


def begin_anew(**_: Any) -> Any:
    """Forget the span that is under way; None while nothing is traced.

    The instrumentation leaves it behind where a task could not be sent.
    """
    if _provider is None:
        return None
    from opentelemetry import context

    return context.attach(context.Context())
