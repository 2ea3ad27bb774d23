"""Collectors of traces that listen as real ones do, over gRPC and HTTP, and keep what comes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

GRPC, HTTP = "grpc", "http/protobuf"


@dataclass(frozen=True)
class Span:
    """What a collector sees of a span."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Collector:
    """Everything that was sent to one address: whole requests, and the headers and path of each."""

    url: str
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """The spans, in the order in which they came."""
        return [
            Span(
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                _values(span.attributes),
                _values(group.resource.attributes),
            )
            for request in tuple(self.requests)
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@contextmanager
def over_http() -> Iterator[Collector]:
    """A collector that takes OTLP over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.headers.append({name.lower(): text for name, text in self.headers.items()})
            found.paths.append(self.path)
            found.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@contextmanager
def over_grpc() -> Iterator[Collector]:
    """A collector that takes OTLP over gRPC."""

    class Servicer(TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            found.headers.append(dict(context.invocation_metadata()))
            found.requests.append(request)
            return ExportTraceServiceResponse()

    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        found = Collector(f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        add_TraceServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]
        server.start()
        yield found
        server.stop(None).wait()


COLLECTORS = {GRPC: over_grpc, HTTP: over_http}
