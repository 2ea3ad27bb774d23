"""How spans leave this process: over gRPC or HTTP, and without the secrets that it knows.

Needs the `otel` extra. An error that a span recorded may quote an address with its log-in.
"""

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status

from mutt_tasks.settings import Settings
from mutt_tasks.telemetry.known_secrets import KnownSecrets


def exporter(settings: Settings) -> SpanExporter:
    """What sends spans where the settings say."""
    return Redacted(_plain(settings), KnownSecrets(settings.secrets()))


def _plain(settings: Settings) -> SpanExporter:
    telemetry = settings.telemetry
    if telemetry.is_grpc:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc(endpoint=telemetry.address, headers=telemetry.header_values)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    return Http(endpoint=telemetry.address, headers=telemetry.header_values)


class Redacted(SpanExporter):
    """An exporter that hides known secrets in whatever text a span has.

    A Redis command that belongs to no task, such as Celery's own, would be a trace by itself: it is
    left out.
    """

    def __init__(self, inner: SpanExporter, secrets: KnownSecrets) -> None:
        self._inner = inner
        self._secrets = secrets

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send copies without secrets."""
        told = [span for span in spans if span.parent or span.kind is not SpanKind.CLIENT]
        return self._inner.export([self._copy(span) for span in told])

    def shutdown(self) -> None:
        """Send no more."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits, in at most so many milliseconds."""
        return self._inner.force_flush(timeout_millis)

    def _copy(self, span: ReadableSpan) -> ReadableSpan:
        hidden = self._secrets.hidden_in
        status = span.status
        return ReadableSpan(
            name=hidden(span.name),
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[
                Event(hidden(each.name), self._attributes(each.attributes), each.timestamp)
                for each in span.events
            ],
            links=span.links,
            kind=span.kind,
            status=Status(status.status_code, hidden(status.description))
            if status.description
            else status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _attributes(self, attributes: Any) -> dict[str, Any]:
        return {name: self._secrets.hidden_in(value) for name, value in (attributes or {}).items()}
