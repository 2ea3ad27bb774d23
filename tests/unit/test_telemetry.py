"""Where traces go follows OpenTelemetry's own rules, and no span carries a secret there."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from mutt_tasks.errors import SettingsError
from mutt_tasks.settings import load, warnings
from mutt_tasks.telemetry.known_secrets import KnownSecrets
from mutt_tasks.telemetry.trace_export import Redacted

PROTOCOL, TRACES_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
ENDPOINT, TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
GRPC, HTTP = "grpc", "http/protobuf"


@pytest.mark.parametrize(
    ("env", "is_grpc", "address"),
    [
        ({}, False, "http://localhost:4318/v1/traces"),
        ({PROTOCOL: GRPC}, True, "http://localhost:4317"),
        ({PROTOCOL: GRPC, TRACES_PROTOCOL: HTTP}, False, "http://localhost:4318/v1/traces"),
        ({PROTOCOL: HTTP, TRACES_PROTOCOL: GRPC}, True, "http://localhost:4317"),
        ({ENDPOINT: "https://c:1"}, False, "https://c:1/v1/traces"),
        ({ENDPOINT: "https://c:1/otlp/"}, False, "https://c:1/otlp/v1/traces"),
        ({ENDPOINT: "https://c:1", PROTOCOL: GRPC}, True, "https://c:1"),
        ({ENDPOINT: "http://c:1", TRACES_ENDPOINT: "http://t:2"}, False, "http://t:2"),
        ({TRACES_ENDPOINT: "http://t:2/x"}, False, "http://t:2/x"),
    ],
)
def test_the_variables_for_traces_alone_win_and_are_taken_as_they_stand(
    env: dict[str, str], is_grpc: bool, address: str
) -> None:
    found = load(env).telemetry

    assert (found.is_grpc, found.address) == (is_grpc, address)


def test_headers_are_decoded_and_those_for_traces_alone_win() -> None:
    given = {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20a%3Db , x-team=noc"}
    both = {**given, "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=k"}

    assert load(given).telemetry.header_values == {"authorization": "Bearer a=b", "x-team": "noc"}
    assert load(both).telemetry.header_values == {"api-key": "k"}
    assert {"a=b", "Bearer a=b", "Bearer%20a%3Db", "k"} <= load(both).secrets()


@pytest.mark.parametrize("text", ["grpc/json", "http/json", "http"])
def test_a_protocol_that_is_not_spoken_is_refused(text: str) -> None:
    for name in (PROTOCOL, TRACES_PROTOCOL):
        with pytest.raises(SettingsError, match="grpc, http/protobuf"):
            load({name: text})


@pytest.mark.parametrize(
    ("port", "protocol", "is_odd"),
    [("4317", HTTP, True), ("4318", HTTP, False), ("4317", GRPC, False), ("4318", GRPC, True)],
)
def test_the_port_of_the_other_protocol_gets_a_warning(
    port: str, protocol: str, is_odd: bool
) -> None:
    env = {"OTEL_ENABLED": "true", ENDPOINT: f"http://c:{port}", PROTOCOL: protocol}

    assert any("OTEL_EXPORTER_OTLP_PROTOCOL" in line for line in warnings(load(env), env)) == is_odd
    off = env | {"OTEL_ENABLED": "false"}
    assert not any("OTEL_EXPORTER" in line for line in warnings(load(off), off))


class Kept(SpanExporter):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep them."""
        self.spans += spans
        return SpanExportResult.SUCCESS


def test_a_secret_leaves_in_no_part_of_a_span() -> None:
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    secrets = KnownSecrets(frozenset({"s3cr/et"}))
    provider.add_span_processor(SimpleSpanProcessor(Redacted(kept, secrets)))
    attributes: dict[str, Any] = {
        "url": "redis://:s3cr%2Fet@h",
        "list": ["s3cr/et"],
        "n": 3,
        "yes": True,
    }

    def fail() -> None:
        with provider.get_tracer("t").start_as_current_span("to s3cr/et", attributes=attributes):
            raise ValueError("no s3cr/et")

    with pytest.raises(ValueError, match="s3cr/et"):
        fail()

    (span,) = kept.spans
    shown = span.to_json()
    assert "s3cr" not in shown.replace("test_telemetry", "")
    assert (span.attributes or {})["n"] == 3
    assert (span.attributes or {})["yes"] is True
    assert "***" in span.name
    assert "***" in str(span.status.description)
    assert span.events[0].name == "exception"
