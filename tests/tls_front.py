"""TLS in tests: certificates of a private authority, and a front for a server that speaks none."""

import asyncio
import ssl
import threading
from contextlib import suppress
from typing import Self

import trustme

from tests.redis_server import free_port


def tls_of(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    """What a server of `host` needs that `authority` vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


class TlsFront:
    """Terminates TLS at its own `port` of 127.0.0.1, and passes what comes on to `target_port`.

    `heard` is every byte that a client sent once it trusted the certificate.
    """

    def __init__(self, context: ssl.SSLContext, target_port: int) -> None:
        self.port = free_port()
        self.heard = b""
        self._context = context
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls-front")

    def __enter__(self) -> Self:
        # A client that refuses the certificate is what is tested, and no news.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context, ssl_handshake_timeout=30
        )

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            await asyncio.gather(self._pump(near, forth, True), self._pump(far, back, False))
        finally:
            for writer in (forth, back):
                writer.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, is_from_client: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                if is_from_client:
                    self.heard += data
                sink.write(data)
                await sink.drain()
        sink.close()
