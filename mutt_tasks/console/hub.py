"""One reader of Redis for all who look: every two seconds, and now and then while nobody does."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from fastapi.concurrency import run_in_threadpool

from mutt_tasks.console.history import EVERY_SECONDS
from mutt_tasks.console.picture import SECONDS, Picture
from mutt_tasks.console.problems import FAILED
from mutt_tasks.errors import MuttTasksError

logger = logging.getLogger(__name__)


class Hub:
    """Keeps a picture fresh; `read` makes one of the picture before, by the `clock` in seconds.

    Between two of them it is asked whether Redis is there: `ask` raises StoreError if not. The hub
    belongs to one event loop, in which all but these two run.
    """

    def __init__(
        self,
        read: Callable[[Picture, float], Picture],
        clock: Callable[[], float],
        ask: Callable[[], object] = lambda: None,
    ) -> None:
        self._read, self._clock, self._ask = read, clock, ask
        self._reading = asyncio.Lock()
        self._watchers: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._tried_at = float("-inf")
        self.picture = Picture()
        self.is_stopping = False

    @property
    def watching(self) -> int:
        """How many look."""
        return len(self._watchers)

    async def fresh(self, seconds: float = SECONDS) -> Picture:
        """A picture that is at most so old, or says that Redis is away; any number share a read."""
        if self._clock() - self._tried_at > seconds:
            async with self._reading:
                if self._clock() - self._tried_at > seconds:
                    await self._take()
        return self.picture

    def expire(self) -> None:
        """Something was changed: whoever asks next gets a picture that is taken after this."""
        self._tried_at = float("-inf")

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        """An event that is set with each new picture, and when streams are to end."""
        news = asyncio.Event()
        self._watchers.add(news)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._keep_reading())
        try:
            yield news
        finally:
            self._watchers.discard(news)

    async def remember(self) -> None:
        """Take a picture now and then also while nobody looks, so that curves have a past."""
        while not self.is_stopping:
            await self.fresh(EVERY_SECONDS)
            await asyncio.sleep(EVERY_SECONDS)

    def stop(self) -> None:
        """End all streams."""
        self.is_stopping = True
        self._tell()

    async def _keep_reading(self) -> None:
        while self._watchers and not self.is_stopping:
            began = self._clock()
            async with self._reading:
                await self._take()
            self._tell()
            next_at = began + self.picture.lasts
            await asyncio.sleep(max(0.0, (next_at - self._clock()) / 2))
            await self._check()
            await asyncio.sleep(max(0.0, next_at - self._clock()))

    async def _check(self) -> None:
        """Tell at once when Redis goes away; that it is back the next picture tells."""
        if self.picture.away or self.is_stopping:
            return
        try:
            await run_in_threadpool(self._ask)
        except MuttTasksError as error:
            self.picture = replace(self.picture, away=str(error))
            self._tell()

    async def _take(self) -> None:
        try:
            self.picture = await run_in_threadpool(self._read, self.picture, self._clock())
        except MuttTasksError as error:
            self.picture = replace(self.picture, away=str(error))
        except Exception:
            # Whoever looks is to see that something is wrong, and not an old picture.
            logger.exception("the picture cannot be read")
            self.picture = replace(self.picture, away=FAILED.detail)
        self._tried_at = self._clock()

    def _tell(self) -> None:
        for news in self._watchers:
            news.set()
