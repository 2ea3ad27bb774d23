"""Worker and beat in the environment that MUTT's own template sets, unchanged."""

import re
from pathlib import Path

import pytest
import redis

from tests.moogsoft_server import MoogsoftServer, status
from tests.pipeline import DLQ, INGEST, event, fill, numbers_in
from tests.redis_server import RedisServer
from tests.services import Services, services, until

# What MUTT's template sets, as a process gets it: all of it, for one file serves all services.
TEMPLATE = """
INGESTOR_HOST=0.0.0.0
INGESTOR_PORT=8080
INGESTOR_WORKERS=4
ALERTER_HEALTH_PORT=8081
ALERTER_METRICS_PORT=9091
POD_NAME=alerter-001
MOOG_FORWARDER_HEALTH_PORT=8082
MOOG_FORWARDER_METRICS_PORT=9092
MOOG_WEBHOOK_URL=https://your-moog-instance.com/webhook
MOOG_TIMEOUT=10
RATE_LIMIT_ENABLED=true
RATE_LIMIT_MAX_REQUESTS=100
RATE_LIMIT_WINDOW_SECONDS=60
RATE_LIMIT_KEY=mutt:rate_limit:moog
RETRY_MAX_ATTEMPTS=5
RETRY_INITIAL_DELAY=1
RETRY_MAX_DELAY=60
RETRY_BACKOFF_MULTIPLIER=2
WEBUI_HOST=0.0.0.0
WEBUI_PORT=8090
WEBUI_WORKERS=2
METRICS_CACHE_TTL=5
REDIS_HOST=localhost
REDIS_PORT=6379
REDIS_DB=0
REDIS_PASSWORD=
REDIS_TLS_ENABLED=false
REDIS_TLS_CA_CERT=/path/to/ca.crt
REDIS_TLS_CLIENT_CERT=/path/to/client.crt
REDIS_TLS_CLIENT_KEY=/path/to/client.key
REDIS_SOCKET_KEEPALIVE=true
REDIS_HEALTH_CHECK_INTERVAL=30
INGEST_QUEUE_NAME=mutt:ingest_queue
ALERT_QUEUE_NAME=mutt:alert_queue
PROCESSING_LIST_PREFIX_ALERTER=mutt:processing:alerter
PROCESSING_LIST_PREFIX_MOOG=mutt:processing:moog
DLQ_NAME=mutt:dlq:moog
UNHANDLED_KEY_PREFIX=mutt:unhandled
INGEST_QUEUE_CAP=1000000
BRPOPLPUSH_TIMEOUT=5
POSTGRES_HOST=localhost
POSTGRES_PORT=5432
POSTGRES_TLS_CA_CERT=/path/to/ca.crt
VAULT_ADDR=https://vault.yourdomain.com:8200
VAULT_TOKEN=your-vault-token-here
VAULT_TLS_VERIFY=true
RULE_CACHE_TTL=300
JANITOR_INTERVAL=60
HEARTBEAT_INTERVAL=10
HEARTBEAT_EXPIRY=30
POISON_MESSAGE_MAX_RETRIES=3
LOG_LEVEL=INFO
LOG_FORMAT=json
METRICS_PORT=9090
PROMETHEUS_ENABLED=true
PROMETHEUS_URL=http://prometheus:9090
CIRCUIT_BREAKER_ENABLED=true
CIRCUIT_BREAKER_THRESHOLD=10
CIRCUIT_BREAKER_TIMEOUT=300
INGEST_MAX_RATE=1000
INGEST_RATE_WINDOW=60
ALERTER_QUEUE_WARN_THRESHOLD=1000
ALERTER_QUEUE_SHED_THRESHOLD=2000
ALERTER_SHED_MODE=dlq
ALERTER_DEFER_SLEEP_MS=250
REMEDIATION_ENABLED=true
REMEDIATION_INTERVAL=300
REMEDIATION_BATCH_SIZE=10
MAX_POISON_RETRIES=3
METRICS_PORT_REMEDIATION=8086
HEALTH_PORT_REMEDIATION=8087
ALERTER_DLQ_NAME=mutt:dlq:alerter
DEAD_LETTER_QUEUE=mutt:dlq:dead
MOOG_HEALTH_CHECK_ENABLED=true
MOOG_HEALTH_TIMEOUT=5
DYNAMIC_CONFIG_ENABLED=false
RETENTION_ENABLED=true
RETENTION_DLQ_DAYS=30
"""


def template() -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", TEMPLATE, re.MULTILINE))


def warned(running: Services) -> list[str]:
    return [line for line in running.logs().splitlines() if " WARNING mutt_tasks" in line]


@pytest.mark.parametrize("healthy", [False, True])
def test_worker_and_beat_finish_a_cycle_in_the_environment_of_mutts_template(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path, healthy: bool
) -> None:
    """Only what the machine dictates differs: two ports, and who answers for Moogsoft."""
    fill(client, DLQ, [event(n) for n in range(30)])
    with MoogsoftServer(status(200 if healthy else 500)) as moogsoft:
        with services(tmp_path, "", **template()) as running:
            running.env |= {"REDIS_PORT": str(redis_server.port), "MOOG_WEBHOOK_URL": moogsoft.url}
            running.env["METRICS_PORT_REMEDIATION"] = str(running.metrics_port)
            running.env["HEALTH_PORT_REMEDIATION"] = str(running.health_port)
            running.worker()
            running.beat()
            until(lambda: client.llen(INGEST) == (30 if healthy else 0), hint=running.logs)
            # A tick of beat that finds the worker's own cycle under way is none.
            ended = "outcome=replayed" if healthy else "outcome=held"
            until(lambda: ended in running.logs(), hint=running.logs)
            lines = warned(running)
        assert moogsoft.requests
    if healthy:
        assert numbers_in(client, INGEST) == list(range(30))
    for name in ("REDIS_TLS_CA_CERT", "REDIS_TLS_CLIENT_CERT", "REDIS_TLS_CLIENT_KEY"):
        about = [line for line in lines if f": {name} does nothing: TLS is not on" in line]
        assert len(about) == 2, running.logs()  # the worker's and beat's
    assert len(lines) == 6, lines
