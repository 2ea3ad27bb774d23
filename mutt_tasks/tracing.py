"""OpenTelemetry traces, when `OTEL_ENABLED` asks for them."""

import logging

from mutt_tasks.settings import Settings

logger = logging.getLogger(__name__)


def configure(settings: Settings) -> None:
    """Trace tasks and Redis commands in this process.

    Commands are traced by name only. HTTP is not instrumented: its spans would carry the
    webhook's address, which can hold credentials.
    """
    if not settings.process.otel:
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.redis import RedisInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logger.error("OTEL_ENABLED is true, but the `otel` extra of mutt-tasks is not installed")
        return
    resource = Resource.create(
        {
            "service.name": settings.process.otel_service,
            "service.instance.id": settings.process.pod_name,
        }
    )
    provider = TracerProvider(resource=resource)
    endpoint = settings.process.otel_endpoint.rstrip("/") + "/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    RedisInstrumentor().instrument()
