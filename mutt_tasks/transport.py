"""HTTP whose connections can be cut: the timeouts of libraries count from byte to byte."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection


class Transport(HTTPAdapter):
    """An HTTP transport whose open connections can be cut from another thread."""

    def __init__(self) -> None:
        self._connections: list[HTTPConnection] = []
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> urllib3.HTTPConnectionPool:
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        make = pool.ConnectionCls

        def remembered(*args: Any, **kwargs: Any) -> HTTPConnection:
            connection: HTTPConnection = make(*args, **kwargs)
            self._connections.append(connection)
            return connection

        pool.ConnectionCls = remembered
        return pool  # type: ignore[no-any-return]  # urllib3 types the attribute as a class

    def abort(self) -> None:
        """Shut every socket; the thread that waits on one gets an error at once."""
        for connection in self._connections:
            if connection.sock is not None:
                # An error here says that it was closed in the meantime, which is what we want.
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
