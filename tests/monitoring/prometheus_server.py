"""A real Prometheus that scrapes what a test gives it, and answers its questions."""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.monitoring.programs import program
from tests.redis_server import free_port
from tests.services import until


class Prometheus:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/"

    def is_ready(self) -> bool:
        """Whether it takes questions."""
        try:
            with urllib.request.urlopen(self._url + "-/ready", timeout=5):
                return True
        except OSError:
            return False

    def ask(self, expression: str) -> list[Any]:
        """The result of an instant query; one that cannot be answered fails with the reason."""
        query = urllib.parse.urlencode({"query": expression})
        request = self._url + "api/v1/query?" + query
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{expression}: {error.read().decode()}") from None
        return list(found["result"]) if found["resultType"] == "vector" else [found["result"]]


@contextmanager
def scraping(folder: Path, targets: Mapping[str, int]) -> Iterator[Prometheus]:
    """A server that scrapes these ports every second, each as the job that it is given as."""
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for job, port in targets.items()
    ]
    every = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": every, "scrape_configs": jobs}))
    port = free_port()
    process = subprocess.Popen(
        [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        found = Prometheus(port)
        until(found.is_ready)
        yield found
    finally:
        process.kill()
        process.wait()
