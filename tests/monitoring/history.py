"""A real Prometheus that holds a history made for a test, with every number known."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.redis_server import free_port

DAY, HOUR = 86_400, 3600
BIN = Path(sys.executable).parent

# A counter's value so many seconds before the end of the history.
Past = Callable[[float], float]
# Counters by their names and labels, as they are written: `up_total{job="a"}`.
History = Mapping[str, Past]


def program(name: str) -> str:
    """Where a program of Prometheus' is; without one the test is skipped, in CI it fails."""
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if not found:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say(f"there is no {name}: tools/promtool.sh says how to get it")
    return str(found)


def counter(*rates: tuple[float, float]) -> Past:
    """A counter that grows by so many an hour from so many hours ago on; before, not at all."""

    def value(ago: float) -> float:
        total = 0.0
        for (hours, rate), (until, _) in zip(rates, [*rates[1:], (0.0, 0.0)], strict=True):
            total += max(0.0, hours - max(until, ago / HOUR)) * rate
        return round(total, 6)

    return value


def _times(end: int, days: float) -> list[int]:
    """Each hour, and each minute of the last day: what windows and stretches need."""
    first = range(end - round(days * DAY), end - 25 * HOUR, HOUR)
    return [*first, *range(end - 25 * HOUR, end + 1, 60)]


def _written(path: Path, history: History, days: float) -> None:
    """The history in the OpenMetrics format, up to this moment."""
    end = int(time.time())
    families: dict[str, list[str]] = {}
    for name, past in history.items():
        lines = families.setdefault(name.partition("{")[0].removesuffix("_total"), [])
        lines += [f"{name} {past(end - at):g} {at}" for at in _times(end, days)]
    with path.open("w", encoding="utf-8") as file:
        for family, lines in families.items():
            kind = "counter" if f"{family}_total" in lines[0] else "unknown"
            file.write(f"# TYPE {family} {kind}\n" + "\n".join(lines) + "\n")
        file.write("# EOF\n")


@contextmanager
def prometheus(folder: Path, history: History, days: float = 30) -> Iterator[str]:
    """A Prometheus that holds so many days of a history; its address."""
    _written(folder / "history.om", history, days)
    data = folder / "data"
    make = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "-q"]
    # One block for all of it: the default of two hours makes hundreds.
    make += ["--max-block-duration=744h", str(folder / "history.om"), str(data)]
    subprocess.run(make, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 15s}\n")
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=400d",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _until_ready(f"http://{address}/-/ready")
        yield f"http://{address}"
    finally:
        server.kill()
        server.wait()


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, "Prometheus did not start"
            time.sleep(0.05)
