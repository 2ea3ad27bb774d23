"""Start: read the settings, say where the console is and who gets in, and serve."""

import logging
from typing import Any

from mutt_tasks import environment
from mutt_tasks.console.application import opened
from mutt_tasks.console.context import Console
from mutt_tasks.console.server import serve
from mutt_tasks.settings import Settings
from mutt_tasks.telemetry import logs

logger = logging.getLogger(__name__)


def run() -> int:
    """Serve until a signal comes; returns the exit status."""
    try:
        settings = environment.settings()
    except environment.UnusableEnvironment as error:
        error.show()
        return 1
    logs.configure(settings)
    app = opened(settings)
    console: Console = app.state.console

    def on_exit() -> None:
        console.stopping.set()
        console.hub.stop()

    _introduce(settings, console)
    serve(app, _options(settings), on_exit)
    return 0


def _options(settings: Settings) -> dict[str, Any]:
    console = settings.console
    found: dict[str, Any] = {"host": console.address, "port": console.port}
    if console.tls_cert:
        found |= {"ssl_certfile": console.tls_cert, "ssl_keyfile": console.tls_key}
    return found


def _introduce(settings: Settings, console: Console) -> None:
    scheme = "https" if settings.console.tls_cert else "http"
    where = f"{scheme}://{settings.console.address}:{settings.console.port}"
    if console.keys.is_open() and not console.doors.proxies:
        logger.warning(
            "console: %s, for this host alone and to look only, for there is no key:"
            " `mutt-dlq key new NAME --role operator` makes one in CONSOLE_KEYS_FILE",
            where,
        )
    else:
        logger.info("console: %s", where)
