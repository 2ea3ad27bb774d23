"""What a worker sees that nobody tells it: messages that were left, and a pause that has ended."""

import threading
from pathlib import Path
from types import SimpleNamespace

import redis

from mutt_tasks.operations import switches
from mutt_tasks.store.store import Store
from mutt_tasks.worker.survival import Survival
from tests.pipeline import DLQ, event, fill, operator_pauses, settings_of
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


def test_replays_begin_when_a_pause_ends_whoever_ended_it(
    client: redis.Redis, store: Store
) -> None:
    operator_pauses(store, 600)
    connection = client.connection_pool.connection_kwargs
    app = Started(f"redis://{connection['host']}:{connection['port']}/0")
    survival, worker = Survival(None), SimpleNamespace(app=app)
    survival.start(worker)
    try:
        assert not app.has_sent.wait(1.5)
        switches.resume(store, "request", "ann")
        assert app.has_sent.wait(10)
    finally:
        survival.stop(worker)
