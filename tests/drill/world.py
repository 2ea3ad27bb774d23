"""A small MUTT of its own for each kind of fault: its own Redis, worker, beat and Moogsoft.

One Prometheus scrapes all of them, each in its own namespace, so that faults are made side by side
and none hides another.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from demo.pipeline import Pipeline
from mutt_tasks.settings import Settings, load
from mutt_tasks.store import keys
from mutt_tasks.store.counters import LAST_CYCLE_MS
from mutt_tasks.store.store import Store
from stand_ins.moogsoft import Moogsoft
from tests.monitoring.live import Watch
from tests.redis_server import RedisServer
from tests.services import ROOT, Process, Services, services, until

# Each tick is a cycle: a drain that is held would look later and later, in a time that flies.
USUAL = {"REMEDIATION_DRAIN": "false", "REMEDIATION_INTERVAL": "1", "MOOG_HEALTH_CACHE_TTL": "1"}
WORKER = "mutt-remediation"


@dataclass(frozen=True)
class Fault:
    """Something that is wrong, and how it is mended.

    `alerts` have to fire, as `NAME` or, where a name has both, `NAME critical`; people are told of
    them but for those that are `hidden` by something worse. `goes_on` is done again and again while
    somebody waits for them, `repairs` while somebody waits for the end.
    """

    what: str
    alerts: tuple[str, ...]
    make: Callable[[], object]
    mended: str
    mend: Callable[[], object]
    hidden: tuple[str, ...] = ()
    goes_on: Callable[[], object] = lambda: None
    repairs: Callable[[], object] = lambda: None


def both(name: str) -> list[str]:
    """A burn-rate alert, fast and slow."""
    return [f"{name} {severity}" for severity in ("critical", "warning")]


@dataclass
class World:
    """What a fault is made in."""

    name: str
    folder: Path
    server: RedisServer
    moogsoft: Moogsoft
    running: Services
    seen: Watch
    targets: dict[str, list[int]] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def client(self) -> redis.Redis:
        """Its Redis."""
        return self.server.client

    @property
    def store(self) -> Store:
        """Its books."""
        return Store(self.server.client)

    @property
    def now(self) -> float:
        """The clock of its Redis, in seconds since 1970."""
        return self.store.now()

    def settings(self, **env: object) -> Settings:
        """The settings of its worker, with some other ones."""
        text = {name: str(value) for name, value in env.items()}
        names = ("REDIS_URL", "MOOG_WEBHOOK_URL")
        return load({name: self.running.env[name] for name in names} | text)

    def pipeline(self, **env: object) -> Pipeline:
        """Stand-ins for MUTT's alerter and forwarder, which consume while the context lasts."""
        settings = self.settings(**env)
        return Pipeline(settings.redis.address, settings, self.moogsoft.url)

    def begin(self) -> None:
        """Start worker and beat, and have them scraped as soon as there was a cycle."""
        self.start("worker")
        self.start("beat")
        hint = self.running.logs
        until(lambda: self.client.hget(keys.STATS, LAST_CYCLE_MS), 60, hint=hint)
        self.scrape(**{WORKER: self.running.metrics_port})
        # What happens before the first look would be no change to Prometheus.
        asked = f'job:mutt_remediation_paused:max{{namespace="{self.name}"}}'
        until(lambda: self.seen.ask(asked), 60)

    def start(self, kind: str, **env: object) -> None:
        """Start a worker or a beat."""
        start = self.running.worker if kind == "worker" else self.running.beat
        self.processes[kind] = start(**env)

    def kill(self, kind: str) -> None:
        """It dies."""
        self.running.kill(self.processes.pop(kind))

    def started_anew(self, **env: object) -> None:
        """The worker, with other settings."""
        self.kill("worker")
        self.start("worker", **env)

    def scrape(self, **ports: int) -> None:
        """Have one more instance of these jobs scraped."""
        for job, port in ports.items():
            self.targets.setdefault(job, []).append(port)
        self.seen.scrape(self.targets, self.name)

    def dlq(self, *arguments: str) -> None:
        """Run `mutt-dlq …` as an operator does."""
        command = [str(Path(sys.executable).with_name("mutt-dlq")), *arguments]
        env = self.running.env | {"MUTT_ACTOR": "ann"}
        ended = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stderr


@contextmanager
def ended(server: RedisServer) -> Iterator[None]:
    """The server is gone when the block ends."""
    try:
        yield
    finally:
        server.stop()


@contextmanager
def world(name: str, folder: Path, seen: Watch, **env: object) -> Iterator[World]:
    """A world that is gone when the block ends."""
    folder.mkdir()
    server = RedisServer(folder, "--appendfsync", "no").start()
    with (
        ended(server),
        Moogsoft() as moogsoft,
        services(folder, server.url, MOOG_WEBHOOK_URL=moogsoft.url, **USUAL | env) as running,
    ):
        found = World(name, folder, server, moogsoft, running, seen)
        try:
            yield found
        finally:
            seen.scrape({}, name)
