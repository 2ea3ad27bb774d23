"""A worker that starts before its Redis looks for what was left once that is there."""

import threading
from pathlib import Path
from types import SimpleNamespace

from mutt_tasks.survival import Survival
from tests.pipeline import DLQ, event, fill, settings_of
from tests.redis_server import RedisServer


class Started:
    """A Celery application that remembers what it was asked to send."""

    def __init__(self, redis_url: str) -> None:
        self.settings = settings_of(REDIS_URL=redis_url)
        self.tasks: list[str] = []
        self.has_sent = threading.Event()

    def send_task(self, name: str, **_: object) -> None:
        """Remember it."""
        self.tasks.append(name)
        self.has_sent.set()


def test_messages_that_waited_are_taken_up_though_redis_came_later_than_the_worker(
    tmp_path: Path,
) -> None:
    server = RedisServer(tmp_path).start()
    fill(server.client, DLQ, [event(n) for n in range(3)])
    server.stop()
    app = Started(server.url)
    survival, worker = Survival(None), SimpleNamespace(app=app)
    survival.start(worker)
    try:
        # It looks while nobody answers, before the server is back with what it held.
        assert not app.has_sent.wait(1.5)
        server.start()
        assert app.has_sent.wait(20)
        assert app.tasks[0] == "mutt_tasks.remediate"
    finally:
        survival.stop(worker)
        server.stop()
