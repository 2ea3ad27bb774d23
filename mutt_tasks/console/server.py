"""The server: its streams end when the process is to end, and nobody holds a door open."""

import asyncio
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

# A request's first line and headers come within so many seconds.
HEADER_SECONDS = 10.0
# More connections than these get 503: a browser needs two. Fewer may be open without a request.
MOST_CONNECTIONS, MOST_SILENT = 500, 100


class Protocol(H11Protocol):
    """HTTP/1.1, for which a connection that asks for nothing is closed.

    Of those that have not asked yet the oldest makes room for a new one, so that nobody is kept out
    by connections that are only opened.
    """

    header_seconds = HEADER_SECONDS
    silent: ClassVar[dict["Protocol", None]] = {}

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.silent[self] = None
        if len(self.silent) > MOST_SILENT:
            next(iter(self.silent))._close_if_silent()
        self.loop.call_later(self.header_seconds, self._close_if_silent)

    def data_received(self, data: bytes) -> None:
        """Something has come; with the first request there is a cycle."""
        super().data_received(data)
        if self.cycle is not None:
            self.silent.pop(self, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.silent.pop(self, None)
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self.silent.pop(self, 0) is None and not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """A server that tells `on_exit` of a signal before it waits for what is under way."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come."""
        super().handle_exit(sig, frame)
        self._on_exit()


def serve(app: Any, options: dict[str, Any], on_exit: Callable[[], None]) -> None:
    """Serve until a signal comes; `on_exit` runs in the server's event loop."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    def told() -> None:
        loops[0].call_soon_threadsafe(on_exit)

    server = Server(config_of(app, options), told)
    asyncio.run(run())


def config_of(app: Any, options: dict[str, Any]) -> uvicorn.Config:
    """How an application is served; `options` say where."""
    usual: dict[str, Any] = {
        "http": Protocol,
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        # What proxies say is heeded by the guard, from named addresses.
        "proxy_headers": False,
        "server_header": False,
        "limit_concurrency": MOST_CONNECTIONS,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 1,
    }
    return uvicorn.Config(app, **usual | options)
