"""A real Prometheus and a real Alertmanager with our files, in a world where time flies."""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.monitoring.faster import shortened
from tests.monitoring.files import ALERTMANAGER, PROMETHEUS, RULES, records
from tests.monitoring.programs import program
from tests.moogsoft_server import MoogsoftServer
from tests.redis_server import free_port
from tests.services import until


@dataclass(frozen=True)
class Told:
    """One alert as a receiver was told of it: by which one, in which group, firing or resolved."""

    receiver: str
    group: dict[str, str]
    labels: dict[str, str]
    status: str
    description: str

    @property
    def alert(self) -> str:
        """Its name."""
        return self.labels["alertname"]


class Watch:
    """What Prometheus finds, and what Alertmanager tells of it."""

    def __init__(self, folder: Path, prometheus: str, inbox: MoogsoftServer) -> None:
        self._folder = folder
        self._prometheus = prometheus
        self._inbox = inbox

    def scrape(self, targets: Mapping[str, list[int]], namespace: str = "") -> None:
        """From now on scrape the ports of these jobs in a namespace, and no others there."""
        labels = {"namespace": namespace} if namespace else {}
        found = [
            {"targets": [f"127.0.0.1:{port}" for port in ports], "labels": {"job": job, **labels}}
            for job, ports in targets.items()
        ]
        # Written beside and renamed, for Prometheus looks at any moment.
        path = self._folder / f"targets-{namespace}.json"
        path.with_suffix(".new").write_text(json.dumps(found))
        path.with_suffix(".new").replace(path)

    def ask(self, expression: str) -> list[Any]:
        """The result of an instant query."""
        question = urllib.parse.urlencode({"query": expression})
        return list(_found(self._prometheus, f"query?{question}")["result"])

    def is_scraping(self) -> bool:
        """Whether every target has answered."""
        found = _found(self._prometheus, "targets")["activeTargets"]
        return bool(found) and all(each["health"] == "up" for each in found)

    def alerts(self) -> list[dict[str, str]]:
        """The labels of the alerts that fire."""
        found = _found(self._prometheus, "alerts")["alerts"]
        return [each["labels"] for each in found if each["state"] == "firing"]

    def firing(self) -> set[str]:
        """Their names."""
        return {labels["alertname"] for labels in self.alerts()}

    def told(self) -> list[Told]:
        """All that receivers were told so far."""
        return [
            Told(
                request.path.removeprefix("/"),
                message["groupLabels"],
                alert["labels"],
                alert["status"],
                alert["annotations"]["description"],
            )
            for request in list(self._inbox.requests)
            for message in [json.loads(request.body)]
            for alert in message["alerts"]
        ]

    def until_told(self, *alerts: str) -> None:
        """Wait until somebody was told of each of these."""
        self._until(lambda: set(alerts) <= {each.alert for each in self.told()}, alerts)

    def until_over(self, *alerts: str) -> None:
        """Wait until it was told last of each of these that it is over."""

        def last() -> dict[str, str]:
            return {each.alert: each.status for each in self.told()}

        self._until(lambda: all(last().get(alert) == "resolved" for alert in alerts), alerts)

    def _until(self, what: Callable[[], object], alerts: tuple[str, ...]) -> None:
        def hint() -> str:
            told = [(each.alert, each.status) for each in self.told()]
            return f"{alerts}? told {told}, firing {self.firing()}"

        until(what, 60, hint)


@contextmanager
def watch(
    folder: Path, targets: Mapping[str, list[int]], inbox: MoogsoftServer, *files: Path
) -> Iterator[Watch]:
    """Both programs, which watch these targets at first; `files` hold the rules (rules.yml)."""
    ports = {name: free_port() for name in ("prometheus", "alertmanager")}
    address = f"http://127.0.0.1:{ports['prometheus']}"
    found = Watch(folder, address, inbox)
    found.scrape(targets)
    started = [
        _started(folder, _prometheus(folder, ports)),
        _started(folder, _alertmanager(folder, ports, inbox)),
    ]
    try:
        # It takes seconds to its first scrape, which are minutes here: the rules come afterwards.
        until(lambda: _is_ready(address) and found.is_scraping(), 60)
        (folder / RULES.name).write_text(shortened(*(files or (RULES,))))
        urllib.request.urlopen(f"{address}/-/reload", data=b"").close()
        # What happens before their first look would be no change to them.
        until(lambda: found.ask(records().popitem()[0]), 60)
        yield found
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def _found(address: str, what: str) -> Any:
    """What Prometheus answers."""
    with urllib.request.urlopen(f"{address}/api/v1/{what}") as answer:
        return json.load(answer)["data"]


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/-/ready"):
            return True
    except OSError:
        return False


def _started(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _prometheus(folder: Path, ports: dict[str, int]) -> list[str]:
    found: dict[str, Any] = yaml.safe_load(PROMETHEUS.read_text())
    found["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    found["rule_files"] = [f"*{RULES.name}"]
    (alertmanagers,) = found["alerting"]["alertmanagers"]
    alertmanagers["static_configs"] = [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]
    files = [{"files": [str(folder / "targets-*.json")], "refresh_interval": "1s"}]
    found["scrape_configs"] = [{"job_name": "all", "file_sd_configs": files}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(found))
    return [
        program("prometheus"),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        "--rules.alert.resend-delay=1s",
        "--web.enable-lifecycle",
    ]


def _alertmanager(folder: Path, ports: dict[str, int], inbox: MoogsoftServer) -> list[str]:
    text = re.sub(r"(group_(?:wait|interval)): \w+", r"\1: 1s", ALERTMANAGER.read_text())
    found: dict[str, Any] = yaml.safe_load(text)
    for receiver in found["receivers"]:
        url = f"http://{inbox.host}/{receiver['name']}"
        receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(found))
    return [
        program("prometheus-alertmanager", "alertmanager"),
        f"--config.file={path}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
        "--cluster.listen-address=",
    ]
