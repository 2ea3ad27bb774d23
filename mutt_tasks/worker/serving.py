"""The worker's two HTTP servers, as a step of its start and stop."""

import logging
import threading
import time
from collections.abc import Callable
from http.server import HTTPServer
from typing import Any

from celery import bootsteps
from prometheus_client import CollectorRegistry, start_http_server

from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry import health
from mutt_tasks.telemetry.metrics import RedisCollector

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class Serving(bootsteps.StartStopStep):
    """Serves `/metrics`, `/health` and `/ready` from the worker's main process.

    It starts behind the pool, so that no forked child inherits a server.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopping = threading.Event()

    def start(self, worker: Any) -> None:
        """Open both ports; a port that is taken is tried again until it is free."""
        settings: Settings = worker.app.settings
        started_at = time.monotonic()
        for name, port, serve in (
            ("metrics", settings.process.metrics_port, lambda: _serve_metrics(settings)),
            ("health", settings.process.health_port, lambda: _serve_health(settings, started_at)),
        ):
            threading.Thread(
                target=self._keep_trying,
                args=(name, port, serve),
                name=f"serve-{name}",
                daemon=True,
            ).start()

    def stop(self, _worker: Any) -> None:
        """Close both ports."""
        self._stopping.set()

    def _keep_trying(self, name: str, port: int, serve: Callable[[], Callable[[], None]]) -> None:
        warned = False
        while not self._stopping.is_set():
            try:
                close = serve()
            except OSError as error:
                if not warned:
                    logger.error(
                        "%s: port %d cannot be opened (%s); the worker goes on without, and"
                        " tries again every %g s",
                        name,
                        port,
                        error.strerror,
                        RETRY_SECONDS,
                    )
                    warned = True
                self._stopping.wait(RETRY_SECONDS)
                continue
            logger.info("%s: listening on port %d", name, port)
            self._stopping.wait()
            close()


def _serve_metrics(settings: Settings) -> Callable[[], None]:
    store = Store.at(settings.redis.address, timeout=2.0, retries=0)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RedisCollector(store, settings))
    server, _ = start_http_server(
        settings.process.metrics_port, addr=settings.process.listen_address, registry=registry
    )
    return lambda: _close(server)


def _serve_health(settings: Settings, started_at: float) -> Callable[[], None]:
    server = health.server(
        settings.process.listen_address,
        settings.process.health_port,
        lambda: health.readiness(settings, time.monotonic() - started_at),
    )
    threading.Thread(target=server.serve_forever, name="health-server", daemon=True).start()
    return lambda: _close(server)


def _close(server: HTTPServer) -> None:
    server.shutdown()
    server.server_close()
