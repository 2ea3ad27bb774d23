"""Where traces go, and what they and the log's lines say of this process' service.

Everything else that OpenTelemetry's own variables decide (certificates, time limits, compression,
sampling, more resource attributes) is read by its SDK, under the names that its specification has.
"""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import unquote

import mutt_tasks.settings.parsers as take
from mutt_tasks.settings.variable import variable

GRPC, HTTP = "grpc", "http/protobuf"


@dataclass(frozen=True)
class Telemetry:
    """Traces, and the names of the service."""

    title: ClassVar[str] = "Traces"

    enabled: bool = variable(
        "OTEL_ENABLED", "false", take.boolean, "send traces (needs the `otel` extra)"
    )
    protocol: str = variable(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        HTTP,
        take.choice(GRPC, HTTP),
        "how traces are sent",
    )
    traces_protocol: str = variable(
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "",
        take.optional(take.choice(GRPC, HTTP)),
        "the same for traces alone",
    )
    endpoint: str = variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        take.public_url,
        "OTLP collector; `http://localhost:4318`, or port 4317 for `grpc`, when empty",
    )
    traces_endpoint: str = variable(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "",
        take.public_url,
        "the same for traces alone, taken as it stands; the other one gets `/v1/traces` added for"
        " `http/protobuf`",
    )
    headers: str = variable(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        take.header_pairs,
        "headers for the collector, as `name=value,name=value`, percent-encoded",
        secret=True,
    )
    traces_headers: str = variable(
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "",
        take.header_pairs,
        "the same for traces alone",
        secret=True,
    )
    service: str = variable(
        "OTEL_SERVICE_NAME", "mutt-remediation", take.text, "name of the service in traces and logs"
    )
    environment: str = variable(
        "DEPLOYMENT_ENV", "production", take.text, "`deployment.environment` of the traces"
    )

    @property
    def is_grpc(self) -> bool:
        """Whether traces go over gRPC; else over HTTP."""
        return (self.traces_protocol or self.protocol) == GRPC

    @property
    def address(self) -> str:
        """Where traces go, as OpenTelemetry's specification has it for its two variables."""
        if self.traces_endpoint:
            return self.traces_endpoint
        base = self.endpoint or f"http://localhost:{4317 if self.is_grpc else 4318}"
        return base if self.is_grpc else base.rstrip("/") + "/v1/traces"

    @property
    def header_values(self) -> dict[str, str]:
        """The headers by their names in lower case, as both protocols take them."""
        text = self.traces_headers or self.headers
        pairs = (pair.partition("=") for pair in text.split(",") if pair.strip())
        return {unquote(n).strip().lower(): unquote(v).strip() for n, _, v in pairs}

    def secrets(self) -> set[str]:
        """What must not be shown: the headers' values, as they are given and decoded."""
        texts = (self.headers, self.traces_headers)
        given = {pair.partition("=")[2].strip() for text in texts for pair in text.split(",")}
        decoded = {unquote(text) for text in given}
        # Of `Bearer abc` the second word alone is secret too.
        return given | decoded | {text.split(" ")[-1] for text in decoded}
