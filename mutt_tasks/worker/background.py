"""What the worker's steps share: a thread beside the pool, and trouble that is said once."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import bootsteps

from mutt_tasks.errors import StoreError

logger = logging.getLogger(__name__)


class Background(bootsteps.StartStopStep):
    """Runs `work` in a thread of the worker's main process, from its start until `stopping` is set.

    It starts behind the pool, so that no forked child inherits what the thread opens.
    """

    requires = ("celery.worker.components:Pool",)
    thread_name: str

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.stopping = threading.Event()

    def start(self, worker: Any) -> None:
        """Begin."""
        threading.Thread(
            target=self.work, args=(worker.app,), name=self.thread_name, daemon=True
        ).start()

    def stop(self, _worker: Any) -> None:
        """Go on no longer."""
        self.stopping.set()

    def work(self, app: Any) -> None:
        """What the thread does; it ends when `stopping` is set."""
        raise NotImplementedError


class SaidOnce:
    """Warns that `what` fails: once, not at each look, until it fails otherwise or works again.

    Whoever needs Redis says that it is away; that a key is of a wrong type would be said by nobody.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """One look, which may end with a StoreError."""
        try:
            yield
        except StoreError as error:
            if str(error) != self._said:
                logger.warning("%s: %s", self._what, error)
            self._said = str(error)
        else:
            self._said = ""
