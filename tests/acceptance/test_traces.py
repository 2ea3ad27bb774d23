"""Traces of a real worker and beat reach a collector over gRPC and over HTTP."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from mutt_tasks.release import VERSION
from tests.collectors import COLLECTORS, Collector, Span
from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import DLQ, INGEST, event, fill
from tests.redis_server import RedisServer
from tests.services import services, until

REMEDIATE = "run/mutt_tasks.remediate"
CHECK = "run/mutt_tasks.check_moogsoft_health"
REPLAY = "run/mutt_tasks.replay_dlq_batch"

SECRETS = {
    "MOOG_API_KEY": "Apikey-7hQ2vX",
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{quote('Coll/ector-8')}",
}


def replayed(collector: Collector) -> list[Span]:
    return [s for s in collector.named(REPLAY) if s.attributes.get("mutt.outcome") == "replayed"]


@pytest.mark.parametrize("protocol", COLLECTORS)
def test_a_cycle_is_one_trace_with_its_outcome_and_counts(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path, protocol: str
) -> None:
    fill(client, DLQ, [event(n) for n in range(12)])
    with MoogsoftServer(status(200)) as moogsoft, COLLECTORS[protocol]() as collector:
        env = {
            "OTEL_ENABLED": "true",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "DEPLOYMENT_ENV": "staging",
            "POD_NAME": "pod-7",
            "LOG_JSON_ENABLED": "true",
            "MOOG_WEBHOOK_URL": f"{moogsoft.url}?token=Token-c8WsYd",
            **SECRETS,
        }
        with services(tmp_path, redis_server.url, **env) as running:
            running.beat()
            running.worker()
            until(lambda: client.llen(INGEST) == 12, hint=running.logs)
        # Both have ended, and sent the spans that they still had.
        sums = sum(span.attributes["mutt.routes.alerter.replayed"] for span in replayed(collector))
        logged = [json.loads(line) for line in running.logs().splitlines() if line]
    assert sums == 12
    for span in replayed(collector):
        cycle = span.attributes["mutt.cycle"]
        mine = [s for s in collector.spans if s.attributes.get("mutt.cycle") == cycle]
        steps = {s.name: s for s in mine if s.name.startswith("run/")}
        assert {CHECK, REPLAY} <= set(steps)
        assert {s.trace for s in steps.values()} == {span.trace}
        assert steps[CHECK].attributes["mutt.outcome"] == "healthy"
        (line,) = [x for x in logged if x["message"] == "cycle" and x["cycle"] == cycle]
        assert (line["trace_id"], line["span_id"]) == (span.trace, span.id)
    # Each cycle is a trace of its own, also in a drain: it begins where its task was sent.
    begun = [s for s in collector.named(REMEDIATE) if s.attributes["mutt.outcome"] == "started"]
    assert len({s.trace for s in begun}) == len(begun) > 1
    parents = {s.id: s for s in collector.spans}
    assert all(parents[s.parent].parent == "" for s in begun if s.parent in parents)
    assert any(s.parent in parents for s in begun)
    resource = collector.spans[0].resource
    assert resource["service.name"] == "mutt-remediation"
    assert resource["service.version"] == VERSION
    assert resource["service.instance.id"] == "pod-7"
    assert resource["deployment.environment"] == "staging"
    assert collector.headers[0]["authorization"] == "Bearer Coll/ector-8"
    assert set(collector.paths) <= {"/v1/traces"}
    sent = b"".join(request.SerializeToString() for request in collector.requests)
    for secret in ("Apikey-7hQ2vX", "Coll/ector-8", "Token-c8WsYd"):
        assert secret.encode() not in sent
        assert secret not in running.logs()
