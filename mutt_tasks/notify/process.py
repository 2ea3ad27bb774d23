"""The process `mutt-notify`: starts, looks every second, serves metrics and health, and ends."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from prometheus_client import CollectorRegistry, start_http_server

from mutt_tasks import environment
from mutt_tasks.core.redaction import Hints
from mutt_tasks.errors import StoreError
from mutt_tasks.notify.metrics import NotifyCollector
from mutt_tasks.notify.news import News
from mutt_tasks.notify.notifier import Notifier
from mutt_tasks.notify.posting import Posting
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.sparing import Time
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry import health, logs

logger = logging.getLogger("mutt_tasks.notify")

# Between two looks, and between two tries to open a port, in seconds.
LOOK_SECONDS, PORT_SECONDS = 1.0, 5.0
# Without a look for so many seconds the process is not ready.
LATE_SECONDS = 60.0

NEEDS_EXTRA = "needs the extra `notify`: pip install 'mutt-tasks[notify]'"


def main() -> None:
    """Run until SIGTERM or SIGINT; ends with status 1 and one line for each bad variable."""
    try:
        settings = environment.settings()
    except environment.UnusableEnvironment as error:
        error.show()
        sys.exit(1)
    try:
        from mutt_tasks.notify import targets
    except ImportError:
        environment.complain(NEEDS_EXTRA, program="mutt-notify")
        sys.exit(1)
    logs.configure(settings)
    problems = [
        f"NOTIFY_URLS: {problem}"
        for each in settings.notify.addresses
        if (problem := targets.problem_of(each))
    ]
    if problems:
        environment.complain(*problems)
        sys.exit(1)
    keyed = frozenset(
        each.name for each in settings.notify.addresses if each.scheme in targets.KEEPS_INCIDENTS
    )
    _run(settings, keyed)


def _run(settings: Settings, keyed: frozenset[str]) -> None:
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    looks = Looks(settings, keyed)
    serve(settings, looks.why_not_ready, stopping)
    names = [each.name for each in settings.notify.addresses]
    logger.info("notifier: %s", f"tells {', '.join(names)}" if names else "NOTIFY_URLS is empty")
    while not stopping.is_set():
        if names:
            looks.once()
        stopping.wait(LOOK_SECONDS)
    looks.end()


class Looks:
    """The looks of this process, and whether they take place."""

    def __init__(self, settings: Settings, keyed: frozenset[str]) -> None:
        store = Store.at(settings.redis.address, hints=Hints.of(settings.secrets()))
        looker = Looker(store, settings, Time(time.monotonic, time.sleep))
        posting = Posting(settings.notify.timeout)
        self._store = store
        self._notifier = Notifier(store, settings, News(looker), posting, keyed=keyed)
        self._has_work = bool(settings.notify.addresses)
        self._looked_at = time.monotonic()
        self._said = ""

    def once(self) -> None:
        """One look; what goes wrong is said once."""
        try:
            self._notifier.step()
            self._looked_at = time.monotonic()
            said = ""
        except StoreError as error:
            said = str(error)
        if said and said != self._said:
            logger.warning("cannot look: %s", said)
        self._said = said

    def end(self) -> None:
        """Wait for what is under way."""
        try:
            self._notifier.close()
        except StoreError as error:
            logger.warning("the lease runs out by itself: %s", error)
        self._store.close()

    def why_not_ready(self) -> str:
        """Why this process is not ready, in one line; empty when it is."""
        if not self._has_work:
            return ""
        late = time.monotonic() - self._looked_at
        return self._said or (f"the last look was {late:.0f} s ago" if late > LATE_SECONDS else "")


def serve(settings: Settings, not_ready: Callable[[], str], stopping: threading.Event) -> None:
    """Serve metrics and health from threads of their own; a port that is taken is tried again."""
    address = settings.process.listen_address

    def metrics() -> None:
        registry = CollectorRegistry(auto_describe=False)
        store = Store.at(settings.redis.address, timeout=2.0, retries=0)
        registry.register(NotifyCollector(store, settings))
        start_http_server(settings.notify.metrics_port, addr=address, registry=registry)

    def healthy() -> None:
        server = health.server(address, settings.notify.health_port, not_ready)
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()

    for name, begin, port in (
        ("metrics", metrics, settings.notify.metrics_port),
        ("health", healthy, settings.notify.health_port),
    ):
        threading.Thread(
            target=_keep_trying,
            args=(name, begin, port, stopping),
            name=f"serve-{name}",
            daemon=True,
        ).start()


def _keep_trying(
    name: str, begin: Callable[[], None], port: int, stopping: threading.Event
) -> None:
    is_said = False
    while not stopping.is_set():
        try:
            begin()
        except OSError as error:
            if not is_said:
                logger.error(
                    "port %d cannot be opened (%s); it is tried again", port, error.strerror
                )
            is_said = True
            stopping.wait(PORT_SECONDS)
        else:
            logger.info("%s: listening on port %d", name, port)
            return
