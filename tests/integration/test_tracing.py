"""Traces reach the collector with the name of the service and of the process, when asked for."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.services import ROOT

_PROGRAM = """
from opentelemetry import trace
from mutt_tasks import tracing
from mutt_tasks.settings import load
tracing.configure(load())
with trace.get_tracer("test").start_as_current_span("a span"):
    pass
getattr(trace.get_tracer_provider(), "shutdown", lambda: None)()
"""


def traced(**env: str) -> list[tuple[str, bytes]]:
    """What a process with these variables sends to a collector: paths and bodies."""
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}/"}
        ended = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            cwd=ROOT,
            env=inherited | collector | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        server.shutdown()
        thread.join()
    assert ended.returncode == 0, ended.stderr
    return received


def test_a_span_arrives_with_the_service_and_the_process() -> None:
    found = traced(OTEL_ENABLED="true", OTEL_SERVICE_NAME="dlq-service", POD_NAME="pod-7")
    ((path, body),) = found
    assert path == "/v1/traces"
    for part in (b"a span", b"dlq-service", b"pod-7"):
        assert part in body


def test_nobody_is_told_anything_unless_it_is_asked_for() -> None:
    assert traced(OTEL_ENABLED="false") == []
