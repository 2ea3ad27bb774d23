"""A real Prometheus that scrapes a real worker answers every query of the dashboards."""

import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mutt_tasks.store import keys
from mutt_tasks.store.counters import (
    BAD_COUNTERS,
    BOUNCED,
    CYCLES,
    EMPTIED,
    FORGIVEN,
    LANDED,
    OF_JOBS,
    SHELTERED,
    TICKS_REFUSED,
    TRIPS,
)
from mutt_tasks.store.store import Store
from tests.monitoring.boards import (
    CELERY_EXPORTER,
    FILES,
    MUTT,
    OF_A_TARGET,
    OF_PROMETHEUS,
    counted_once,
    expressions,
    filled,
    grouping_of,
    labels_of,
    metrics_in,
    panels,
    read,
)
from tests.monitoring.prometheus_server import Prometheus, scraping
from tests.pipeline import DLQ, MOOG_DLQ, event, fill, operator_pauses
from tests.redis_server import RedisServer
from tests.services import services, until

# One process runs them all, for they share what took seconds to come about.
pytestmark = pytest.mark.xdist_group("dashboards_live")

NAMES = [file.name for file in FILES]
on_dashboards = pytest.mark.parametrize("name", NAMES)

# What others tell, with one value for every label that it has.
_VALUES = {"queue_name": "remediation", "name": "mutt_tasks.remediate", "le": "+Inf"}
_VALUES |= {"status": "error", "mode": "dlq"}

# What has no series while all is well: a panel that shows nothing then says so in a word.
QUIET = ("ALERTS", "estimated_seconds_to_empty", "topk(1, ", "missing_messages")


class Live:
    """A worker with a history, what it tells, and a Prometheus that has read it for some time."""

    def __init__(self, prometheus: Prometheus, exposition: str) -> None:
        self.prometheus = prometheus
        self.names = set(re.findall(r"^# TYPE (\S+)", exposition, re.MULTILINE))
        self.names |= {f"{name}_bucket" for name in self.names}
        self.labels: dict[str, set[str]] = {}
        for name, labels in re.findall(r"^(mutt_\w+)(\{.*\})? ", exposition, re.MULTILINE):
            self.labels.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))


def _of_others() -> bytes:
    """A scrape of celery-exporter and of MUTT's own services in one."""
    lines = []
    for name, labels in {**CELERY_EXPORTER, **MUTT}.items():
        pairs = ",".join(f'{each}="{_VALUES.get(each, each)}"' for each in sorted(labels))
        lines.append(f"{name}{{{pairs}}} 1\n")
    return "".join(lines).encode()


class _Others(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = _of_others()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    with ExitStack() as stack:
        server = RedisServer(folder).start()
        stack.callback(server.stop)
        fill(server.client, DLQ, [b"garbage", *(event(n, _moog_retry_count=9) for n in range(3))])
        fill(server.client, DLQ, [event(n) for n in range(3, 300)])
        fill(server.client, MOOG_DLQ, [event(n) for n in range(5)])
        # What takes minutes to come about, or an outage.
        earlier: dict[Any, Any] = {
            LANDED.of("alerter"): 90,
            BOUNCED.of("alerter"): 3,
            FORGIVEN.of("alerter"): 1,
        }
        earlier |= {CYCLES.of("alerter", "held", "unhealthy"): 7, TRIPS.of("alerter"): 1}
        earlier |= {family.of("alerter"): 2 for family in (*OF_JOBS, BAD_COUNTERS, SHELTERED)}
        earlier |= {EMPTIED.of("alerter"): 2, TICKS_REFUSED.of("busy"): 2}
        server.client.hset(keys.STATS, mapping=earlier)
        logs = folder / "logs"
        logs.mkdir()
        running = stack.enter_context(services(logs, server.url, REMEDIATION_ROUTES="alerter,moog"))
        others = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Others))
        thread = threading.Thread(target=others.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(others.shutdown)
        worker = running.worker()
        ports = {"mutt-remediation": running.metrics_port, "celery": others.server_port}
        prometheus = stack.enter_context(scraping(folder, ports))
        url = f"http://127.0.0.1:{running.metrics_port}/metrics"
        both = '{__name__=~"mutt_remediation_loops_total|celery_worker_up"}'
        enough = f"count(count_over_time({both}[1m]) >= 3) == 2"
        until(lambda: prometheus.ask(enough), hint=running.logs)
        # What waits from now on is there at every scrape.
        operator_pauses(Store(server.client), 3600)
        for queue in (DLQ, MOOG_DLQ):
            fill(server.client, queue, [event(n) for n in range(900, 905)])
        waits = "count(mutt_remediation_oldest_message_age_seconds) == 2"
        paused = "mutt_remediation_pause_ends_timestamp_seconds"
        until(lambda: prometheus.ask(f"{waits} and on () {paused}"), hint=running.logs)
        with urllib.request.urlopen(url, timeout=10) as answer:
            yield Live(prometheus, answer.read().decode())
        running.kill(worker)


@on_dashboards
def test_every_metric_is_told_by_somebody(live: Live, name: str) -> None:
    asked = {metric for each in expressions(read(name)) for metric in metrics_in(each)}

    assert asked - live.names - set(CELERY_EXPORTER) - set(MUTT) - set(OF_PROMETHEUS) == set()


@on_dashboards
def test_every_label_is_one_that_the_metric_has(live: Live, name: str) -> None:
    known = {**live.labels, **CELERY_EXPORTER, **MUTT, **OF_PROMETHEUS}
    checked = 0
    for expression in expressions(read(name)):
        for metric, chosen in labels_of(expression):
            if metric in known:
                assert chosen <= known[metric] | OF_A_TARGET, expression
                checked += 1
        given = set[str]().union(*(known.get(metric, set()) for metric in metrics_in(expression)))
        if given:
            assert grouping_of(expression) <= given | OF_A_TARGET, expression
    assert checked > 10


@pytest.mark.parametrize("name", ["overview.json", "route.json"])
def test_workers_are_counted_once_and_nothing_else_is(live: Live, name: str) -> None:
    """The largest of all workers' numbers is taken for each series, not one for several series."""
    found = [pair for each in expressions(read(name)) for pair in counted_once(each)]
    told = [(metric, kept) for metric, kept in found if metric in live.labels]

    assert len(told) > 20
    for metric, kept in told:
        assert live.labels[metric] | {"job", "namespace"} == kept, metric


@on_dashboards
def test_every_query_can_be_answered(live: Live, name: str) -> None:
    for expression in expressions(read(name)):
        live.prometheus.ask(expression)


@on_dashboards
def test_every_panel_shows_something_unless_all_is_well(live: Live, name: str) -> None:
    for panel in panels(read(name)):
        queries = [filled(target["expr"]) for target in panel.get("targets", [])]
        if queries and not any(quiet in queries[0] for quiet in QUIET):
            assert any(live.prometheus.ask(query) for query in queries), panel["title"]
