"""Traces of a real worker and beat reach a collector over gRPC and over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from mutt_tasks.release import VERSION
from tests.collectors import COLLECTORS, GRPC, Collector, over_grpc
from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import DLQ, INGEST, event, fill
from tests.redis_server import RedisServer
from tests.services import services, until

# One process runs them all, for they share what took seconds to come about.
pytestmark = pytest.mark.xdist_group("traces")

REMEDIATE = "run/mutt_tasks.remediate"
CHECK = "run/mutt_tasks.check_moogsoft_health"
REPLAY = "run/mutt_tasks.replay_dlq_batch"

ENVIRONMENT = {
    "OTEL_ENABLED": "true",
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{quote('Coll/ector-8')}",
    "DEPLOYMENT_ENV": "staging",
    "POD_NAME": "pod-7",
    "LOG_JSON_ENABLED": "true",
    "MOOG_API_KEY": "Apikey-7hQ2vX",
}


class Traced:
    """What the collector got, and what the processes logged."""

    def __init__(self, collector: Collector, log: str) -> None:
        self.collector, self.log = collector, log
        self.spans = collector.spans
        self.lines = [json.loads(line) for line in log.splitlines() if line]
        self.replays = [
            span
            for span in self.spans
            if span.name == REPLAY and span.attributes.get("mutt.outcome") == "replayed"
        ]


@pytest.fixture(scope="module", params=COLLECTORS)
def traced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Traced]:
    """What a collector got of a drain, from its begin to the end of worker and beat."""
    folder = tmp_path_factory.mktemp("traced")
    server = RedisServer(folder).start()
    fill(server.client, DLQ, [event(n) for n in range(12)])
    logs = folder / "logs"
    logs.mkdir()
    with MoogsoftServer(status(200)) as moogsoft, COLLECTORS[request.param]() as collector:
        env = ENVIRONMENT | {
            "OTEL_EXPORTER_OTLP_PROTOCOL": request.param,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "MOOG_WEBHOOK_URL": f"{moogsoft.url}?token=Token-c8WsYd",
        }
        with services(logs, server.url, **env) as running:
            running.beat()
            running.worker()
            until(lambda: server.client.llen(INGEST) == 12, hint=running.logs)
        # Both have ended, and sent the spans that they still had.
        yield Traced(collector, running.logs())
    server.stop()


def test_a_replay_says_what_it_did_and_how_many_went(traced: Traced) -> None:
    counts = [s.attributes["mutt.routes.alerter.replayed"] for s in traced.replays]

    assert sum(counts) == 12


def test_the_steps_of_a_cycle_are_one_trace_that_its_lines_in_the_log_name(traced: Traced) -> None:
    for replay in traced.replays:
        cycle = replay.attributes["mutt.cycle"]
        mine = [s for s in traced.spans if s.attributes.get("mutt.cycle") == cycle]
        steps = {s.name: s for s in mine if s.name.startswith("run/")}
        assert {CHECK, REPLAY} <= set(steps)
        assert {s.trace for s in steps.values()} == {replay.trace}
        assert steps[CHECK].attributes["mutt.outcome"] == "healthy"
        (line,) = [x for x in traced.lines if x["message"] == "cycle" and x["cycle"] == cycle]
        assert (line["trace_id"], line["span_id"]) == (replay.trace, replay.id)


def test_each_cycle_is_a_trace_of_its_own_that_begins_where_its_task_was_sent(
    traced: Traced,
) -> None:
    """In a drain too: it may take hours."""
    begun = [s for s in traced.spans if s.name == REMEDIATE]
    started = [s for s in begun if s.attributes["mutt.outcome"] == "started"]
    by_id = {s.id: s for s in traced.spans}
    sent = [by_id[s.parent] for s in started if s.parent in by_id]

    assert len({s.trace for s in started}) == len(started) > 1
    assert sent
    assert {s.parent for s in sent} == {""}


def test_a_redis_command_is_part_of_a_task_or_left_out(traced: Traced) -> None:
    roots = {span.name for span in traced.spans if not span.parent}

    assert roots == {"apply_async/mutt_tasks.remediate"} | ({REMEDIATE} & roots)
    assert "EVALSHA" in {span.name for span in traced.spans}


def test_a_tick_after_one_that_could_not_be_sent_begins_a_trace_too(tmp_path: Path) -> None:
    """The instrumentation leaves a span behind that would adopt all that come later."""
    server = RedisServer(tmp_path).start()
    with over_grpc() as collector:
        env = ENVIRONMENT | {
            "OTEL_EXPORTER_OTLP_PROTOCOL": GRPC,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        with services(tmp_path, server.url, **env) as running:
            running.beat()
            until(lambda: server.client.llen("remediation") == 1, hint=running.logs)
            server.kill()
            until(lambda: "Message Error" in running.logs(), hint=running.logs)
            server.start()
            before = server.client.llen("remediation")
            until(lambda: server.client.llen("remediation") > before, hint=running.logs)
    server.stop()
    sent = [s for s in collector.spans if s.name == "apply_async/mutt_tasks.remediate"]
    assert len(sent) > 1
    assert {s.parent for s in sent} == {""}


def test_the_service_is_named_with_release_process_and_environment(traced: Traced) -> None:
    for span in traced.spans:
        assert span.resource["service.name"] == "mutt-remediation"
        assert span.resource["service.version"] == VERSION
        assert span.resource["service.instance.id"] == "pod-7"
        assert span.resource["deployment.environment"] == "staging"


def test_the_collector_gets_its_headers_at_its_address(traced: Traced) -> None:
    assert traced.collector.headers[0]["authorization"] == "Bearer Coll/ector-8"
    assert set(traced.collector.paths) <= {"/v1/traces"}


def test_no_secret_is_in_a_span_or_in_the_log(traced: Traced) -> None:
    sent = b"".join(request.SerializeToString() for request in traced.collector.requests)

    for secret in ("Apikey-7hQ2vX", "Coll/ector-8", "Token-c8WsYd"):
        assert secret.encode() not in sent
        assert secret not in traced.log
