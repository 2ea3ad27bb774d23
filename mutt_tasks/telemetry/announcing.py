"""What Celery prints past the log, as lines of the log: with LOG_JSON_ENABLED all output is JSON.

That is the banners of worker and beat, warnings before the log is set up, what a worker says when a
signal stops it, and whatever anything else prints.
"""

import logging
import os
import sys
from typing import Any

from celery import VERSION_BANNER
from celery.apps import worker as celery_worker
from celery.apps.beat import Beat
from celery.apps.worker import Worker

from mutt_tasks.telemetry import logs

logger = logging.getLogger(__name__)


class LoggedWorker(Worker):
    """`celery worker`."""

    def on_before_init(self, quiet: bool = False, **options: Any) -> None:
        """Set up the log before Celery does, for it may warn (a worker that root runs)."""
        logs.configure(self.app.settings)
        logging.captureWarnings(True)
        celery_worker.safe_say = _say_as(logs.formatter(self.app.settings, as_json=True))
        super().on_before_init(quiet=quiet, **options)

    def setup_logging(self, colorize: bool | None = None) -> Any:
        """As Celery does, and with what is printed as well."""
        found = super().setup_logging(colorize)
        _redirect(self.app)
        return found

    def emit_banner(self) -> None:
        """The same as a line."""
        logger.info(
            "worker starts",
            extra={
                "fields": {
                    "node": str(self.hostname),
                    **_software(self.app),
                    "concurrency": self.concurrency,
                    "queues": sorted(self.app.amqp.queues.consume_from),
                    "tasks": sorted(name for name in self.app.tasks if name.startswith("mutt_")),
                }
            },
        )


class LoggedBeat(Beat):
    """`celery beat`."""

    quiet: bool

    def run(self) -> None:
        """As Celery does, without the banner that it prints before the log is set up."""
        self._is_announced, self.quiet = not bool(self.quiet), True
        logs.configure(self.app.settings)
        logging.captureWarnings(True)
        super().run()

    def setup_logging(self, colorize: bool | None = None) -> None:
        """As Celery does, with what is printed as well; then the banner as a line."""
        super().setup_logging(colorize)
        _redirect(self.app)
        if self._is_announced:
            about = {**_software(self.app), "scheduler": str(self.scheduler_cls)}
            logger.info("beat starts", extra={"fields": about})


def _software(app: Any) -> dict[str, str]:
    return {"celery": VERSION_BANNER, "transport": app.connection().as_uri()}


def _redirect(app: Any) -> None:
    """Have what is printed logged; the log itself keeps the streams that it has."""
    app.log.redirect_stdouts_to_logger(logging.getLogger("printed"), logging.WARNING)


def _say_as(formatter: logging.Formatter) -> Any:
    """What takes the place of Celery's `safe_say`.

    It speaks in signal handlers, which may have interrupted the log, so it writes a whole line by
    itself in one go.
    """

    def say(message: str, _stream: Any = None) -> None:
        record = logging.LogRecord(
            logger.name, logging.INFO, __file__, 0, msg="%s", args=(message,), exc_info=None
        )
        line = formatter.format(record) + "\n"
        # A reader that has gone must not keep the worker from stopping.
        try:
            os.write(sys.__stderr__.fileno(), line.encode())  # type: ignore[union-attr]
        except OSError:
            return

    return say
