"""Faults of what stands beside the worker: notifier and console."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mutt_tasks.store import keys
from tests.drill.world import Fault, World
from tests.pipeline import DLQ, fill, run_cycle, settings_of
from tests.receivers import REFUSE, TAKE, Inbox, webhook
from tests.redis_server import free_port
from tests.services import ROOT, until


@contextmanager
def beside(world: World) -> Iterator[list[Fault]]:
    """Notifier and console, without a worker."""
    with webhook(mode=REFUSE) as (port, inbox):
        run = _Beside(world, port)
        try:
            run.begin()
            until(lambda: world.seen.ask(f'sum(up{{namespace="{world.name}"}}) == 2'), 60)
            yield _faults(world, run, inbox)
        finally:
            run.kill()


def _faults(world: World, run: "_Beside", inbox: Inbox) -> list[Fault]:
    return [
        Fault(
            "whom `mutt-notify` should tell refuses what it gets",
            ("MUTTNotifierLagging",),
            run.news,
            "it takes what it gets",
            lambda: setattr(inbox, "mode", TAKE),
        ),
        Fault(
            "`mutt-notify` and the console are killed",
            ("MUTTNotifierDown", "MUTTConsoleDown"),
            run.kill,
            "both are started",
            run.begin,
        ),
        Fault(
            "the console loses its Redis",
            ("MUTTConsoleLagging",),
            world.server.freeze,
            "Redis answers again",
            world.server.thaw,
        ),
    ]


class _Beside:
    """Both processes; the notifier tells whoever listens on a port."""

    def __init__(self, world: World, port: int) -> None:
        self._world = world
        self._started: list[subprocess.Popen[bytes]] = []
        notify, health, console = (free_port() for _ in range(3))
        env = {
            "NOTIFY_URLS": f"ops=json://127.0.0.1:{port}/",
            "METRICS_PORT_NOTIFY": notify,
            "HEALTH_PORT_NOTIFY": health,
            "CONSOLE_PORT": console,
            **dict.fromkeys(("NOTIFY_WAIT", "NOTIFY_AGAIN"), 0),
        }
        self._env = world.running.env | {name: str(value) for name, value in env.items()}
        world.scrape(**{"mutt-notify": notify, "mutt-console": console})

    def begin(self) -> None:
        """Start both."""
        for name in ("notify", "console"):
            self._start(name)

    def _start(self, name: str) -> None:
        log = self._world.folder / f"{name}.log"
        with log.open("ab") as out:
            command = [sys.executable, "-m", f"mutt_tasks.{name}"]
            process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=out, stderr=out)
        self._started.append(process)

    def kill(self) -> None:
        """All die."""
        for process in self._started:
            process.kill()
            process.wait()
        self._started.clear()

    def news(self) -> None:
        """Something that the notifier has to tell."""
        fill(self._world.client, DLQ, [b"garbage"])
        run_cycle(self._world.store, settings_of())
        self._world.client.delete(keys.LEASE)
