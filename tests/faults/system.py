"""A worker and a beat on a Redis behind a proxy, and a drain to break something under."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.faults.books import Books
from tests.faults.proxy import Proxy
from tests.pipeline import DEAD, DLQ, INGEST, event, fill
from tests.redis_server import RedisServer
from tests.services import Process, Services, until

# From the end of a fault, and of the lease of a cycle that it broke, until messages move
# again: Celery tries to reconnect after 2, 4, 6, ... seconds, then a tick has to come.
BACK_SECONDS = 30.0

# A lease that no step has passed on for so long belongs to a cycle that is no more. Shortening
# its 10 s is all that tests do about it; the soak waits for them.
STALLED_SECONDS = 1.5

MESSAGES = 100
BATCH = 2
LEASE = "mutt:remediation:lease"
TICK = "mutt:remediation:tick"
BATCH_SIZE = "mutt:config:remediation_batch_size"


class StalledLease:
    """Ends the lease of a cycle that is no more, as its expiry would."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._holder: Any = None
        self._since = 0.0

    def end(self) -> None:
        """Look once more; end it if its holder has made no step for long enough."""
        found, now = self._client.get(LEASE), time.monotonic()
        if found != self._holder:
            self._holder, self._since = found, now
        elif found is not None and now - self._since > STALLED_SECONDS:
            self._client.delete(LEASE)


class System:
    """One worker and one beat at `url`; `client` is where tests look at the same Redis.

    `env` is added to their environment. A drain takes a few seconds for what lies in its queue,
    so that it can be met in the middle.
    """

    def __init__(self, folder: Path, url: str, client: redis.Redis, **env: object) -> None:
        logs = folder / "logs"
        logs.mkdir()
        small = {"REMEDIATION_BATCH_SIZE": BATCH, "DYNAMIC_CONFIG_ENABLED": "true"}
        self.services = Services(logs, url, **(small | env))
        self.client = client
        self._processes: list[Process] = []

    def start(self) -> None:
        """Start worker and beat."""
        self._processes = [self.services.worker(), self.services.beat()]

    def stop(self) -> None:
        """End worker and beat."""
        self.services.stop()

    def until(self, what: Callable[[], object], seconds: float = BACK_SECONDS) -> None:
        """Wait; the processes' logs say why it did not happen."""
        until(what, seconds, hint=self.services.logs)

    def said(self, text: str) -> Callable[[], bool]:
        """A condition: the processes have printed this since now."""
        before = self.services.logs().count(text)
        return lambda: self.services.logs().count(text) > before

    def said_ever(self, text: str) -> Callable[[], bool]:
        """A condition: the processes have printed this."""
        return lambda: text in self.services.logs()

    @contextmanager
    def live_drain(self) -> Iterator[None]:
        """Run the block while a drain is under way; then all must come right by itself."""
        self.clear()
        fill(self.client, DLQ, [event(n) for n in range(MESSAGES)])
        self.until(lambda: self.client.llen(INGEST) >= 5 * BATCH)
        yield
        self.comes_back()
        self.check()

    def clear(self) -> None:
        """Take everything out of Redis that is the pipeline's or ours, between two cycles."""
        self.until(lambda: not self.client.exists(LEASE))
        found: Any = self.client.keys("mutt:*")
        if found:
            self.client.delete(*found)

    def comes_back(self) -> None:
        """The same processes go on by themselves: the drain first, then beat's ticks."""
        before = self.moved()
        self.until_drained(lambda: self.moved() > before)
        # The rest need not go as slowly.
        self.client.set(BATCH_SIZE, MESSAGES)
        self.until_drained(lambda: not self.client.llen(DLQ))
        last_tick = self.client.get(TICK)
        self.until_drained(lambda: self.client.get(TICK) != last_tick)

    def until_drained(self, what: Callable[[], object]) -> None:
        """Wait for what a drain does, and end the lease of any cycle that was broken."""
        lease = StalledLease(self.client)

        def is_true() -> object:
            lease.end()
            return what()

        self.until(is_true)

    def moved(self) -> int:
        """How many messages left the dead letter queue."""
        return MESSAGES - int(self.client.llen(DLQ))

    def check(self) -> None:
        """Every message is where it belongs, once, in order, and counted and journalled so."""
        found = Books.of(self.client)
        found.check()
        assert found.numbers(INGEST) == list(range(MESSAGES))
        assert found.lists[DLQ] == found.lists[DEAD] == []
        assert found.counted("replayed") == MESSAGES
        assert [process.poll() for process in self._processes] == [None, None]


class ProxiedSystem(System):
    """A system with a server of its own, which is started by itself, behind a proxy."""

    def __init__(self, folder: Path, **env: object) -> None:
        redis_folder = folder / "redis"
        redis_folder.mkdir()
        self.server = RedisServer(redis_folder)
        self.proxy = Proxy(self.server.port)
        url = f"redis://127.0.0.1:{self.proxy.port}/0"
        super().__init__(folder, url, self.server.client, **env)

    def stop(self) -> None:
        """End everything."""
        super().stop()
        self.proxy.close()
        self.server.stop()
