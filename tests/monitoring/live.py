"""A real Prometheus and a real Alertmanager with our files, in a world where time flies."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.monitoring.files import ALERTMANAGER, PROMETHEUS, RULES
from tests.monitoring.programs import program
from tests.moogsoft_server import MoogsoftServer
from tests.redis_server import free_port
from tests.services import until

# Two hours of the rules are a minute here.
FASTER = 120
# Limits in seconds that stand in an expression.
SHORTER = {"+ 60": "+ 4"}

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _shorter(length: str) -> str:
    return f"{int(length[:-1]) * _UNITS[length[-1]] * 1000 // FASTER}ms"


def shortened(text: str) -> str:
    """Our rules with every length of time shortened."""
    groups = yaml.safe_load(text)
    for group in groups["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            for name in ("for", "keep_firing_for"):
                if name in rule:
                    rule[name] = _shorter(rule[name])
            expr = re.sub(
                r"(\[|:|offset )(\d+[smhd])\b", lambda m: m[1] + _shorter(m[2]), rule["expr"]
            )
            for usual, short in SHORTER.items():
                expr = expr.replace(usual, short)
            rule["expr"] = expr
    return yaml.safe_dump(groups)


@dataclass(frozen=True)
class Told:
    """One alert as a receiver was told of it: by which one, in which group, firing or resolved."""

    receiver: str
    group: dict[str, str]
    alert: str
    status: str


class Watch:
    """What Prometheus finds, and what Alertmanager tells of it."""

    def __init__(self, prometheus: str, inbox: MoogsoftServer) -> None:
        self._prometheus = prometheus
        self._inbox = inbox

    def firing(self) -> set[str]:
        """The alerts that fire."""
        with urllib.request.urlopen(f"{self._prometheus}/api/v1/alerts") as answer:
            found = json.load(answer)["data"]["alerts"]
        return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}

    def told(self) -> list[Told]:
        """All that receivers were told so far."""
        return [
            Told(
                request.path.removeprefix("/"),
                message["groupLabels"],
                alert["labels"]["alertname"],
                alert["status"],
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
def watch(folder: Path, targets: dict[str, int], inbox: MoogsoftServer) -> Iterator[Watch]:
    """Both programs; `targets` has the port of each job that is scraped."""
    ports = {name: free_port() for name in ("prometheus", "alertmanager")}
    started = [
        _started(folder, _prometheus(folder, ports, targets)),
        _started(folder, _alertmanager(folder, ports, inbox)),
    ]
    address = f"http://127.0.0.1:{ports['prometheus']}"
    try:
        # It takes seconds to its first scrape, which are minutes here: the rules come afterwards.
        until(lambda: _is_scraping(address), 60)
        (folder / RULES.name).write_text(shortened(RULES.read_text()))
        urllib.request.urlopen(f"{address}/-/reload", data=b"").close()
        yield Watch(address, inbox)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def _is_scraping(address: str) -> bool:
    """Whether every target has answered."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/targets") as answer:
            found = json.load(answer)["data"]["activeTargets"]
    except OSError:
        return False
    return bool(found) and all(each["health"] == "up" for each in found)


def _started(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _prometheus(folder: Path, ports: dict[str, int], targets: dict[str, int]) -> list[str]:
    found: dict[str, Any] = yaml.safe_load(PROMETHEUS.read_text())
    found["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    found["rule_files"] = [f"*{RULES.name}"]
    (alertmanagers,) = found["alerting"]["alertmanagers"]
    alertmanagers["static_configs"] = [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]
    found["scrape_configs"] = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for job, port in targets.items()
    ]
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
