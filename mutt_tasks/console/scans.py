"""Looks that take long: few at once, ended when nobody waits for them any more."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from mutt_tasks.console.problems import Problem, too_many
from mutt_tasks.errors import MuttTasksError
from mutt_tasks.operations.looking import Progress

T = TypeVar("T")

# Each takes at most a twentieth of Redis' time, and memory for what it counts.
MOST = 3
_LOOK_SECONDS = 0.25
_RETRY_SECONDS = 5.0


class Interrupted(MuttTasksError):
    """Nobody waits for this look any more, or the console is to end."""


@dataclass
class Scans:
    """How many looks that take long are under way; `stopping` ends them."""

    stopping: Event
    under_way: int = 0

    async def run(self, request: Request, work: Callable[[Progress], T]) -> T:
        """Do a work that tells its progress, in a thread, while the client of `request` waits."""
        gone = Event()

        def progress(_seen: int, _length: int) -> None:
            if gone.is_set() or self.stopping.is_set():
                raise Interrupted("the look was interrupted")

        with self._one():
            task = asyncio.ensure_future(run_in_threadpool(work, progress))
            try:
                while not task.done():
                    await asyncio.wait({task}, timeout=_LOOK_SECONDS)
                    if not task.done() and await request.is_disconnected():
                        gone.set()
            finally:
                gone.set()
            try:
                return task.result()
            except Interrupted:
                raise Problem(
                    503, "interrupted", "the console ends", {"Retry-After": "2"}
                ) from None

    @contextlib.contextmanager
    def _one(self) -> Iterator[None]:
        if self.under_way >= MOST:
            raise too_many(f"{MOST} long looks are under way already", _RETRY_SECONDS)
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
