"""A Moogsoft for tests: real HTTP on a free port, that answers as it is told, or misbehaves."""

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Request:
    """What came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Connection:
    """One client's connection, as an answer sees it."""

    def __init__(self, sock: socket.socket, closing: threading.Event) -> None:
        self._sock = sock
        self.closing = closing

    def send(self, data: bytes) -> bool:
        """Send some bytes; False when the client is gone."""
        try:
            self._sock.sendall(data)
        except OSError:
            return False
        return True

    def wait_until_gone(self) -> None:
        """Until the client hangs up, or the server closes."""
        self._sock.settimeout(0.05)
        while not self.closing.is_set():
            try:
                if not self._sock.recv(4096):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def reset(self) -> None:
        """Cut the connection with a reset instead of a farewell."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Answer = Callable[[Connection], None]


def status(code: int, *headers: str, body: bytes = b"{}") -> Answer:
    """A whole answer with this status."""
    lines = [f"HTTP/1.1 {code} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]

    def answer(connection: Connection) -> None:
        connection.send("\r\n".join(lines).encode("latin-1") + body)

    return answer


def metrics(text: bytes) -> Answer:
    """What Prometheus scrapes; from version 3 on it takes nothing without a type."""
    return status(200, "Content-Type: text/plain; version=0.0.4", body=text)


def raw(data: bytes) -> Answer:
    """These bytes, and the end."""

    def answer(connection: Connection) -> None:
        connection.send(data)

    return answer


def silence(connection: Connection) -> None:
    """No answer at all."""
    connection.wait_until_gone()


def reset(connection: Connection) -> None:
    """A reset instead of an answer."""
    connection.reset()


def dribble(connection: Connection) -> None:
    """A healthy answer, byte by byte, at a pace that would take minutes."""
    header = b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 4000 + b"\r\n\r\n"
    for byte in header:
        if connection.closing.wait(0.03) or not connection.send(bytes([byte])):
            return


def endless_body(code: int) -> Answer:
    """An answer with this status, and a body that never ends."""

    def answer(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 %d Whatever\r\nContent-Type: text/plain\r\n\r\n" % code)
        while not connection.closing.is_set() and connection.send(b"x" * 65536):
            pass

    return answer


def announced_body(connection: Connection) -> None:
    """A healthy status and the length of a body that never comes."""
    connection.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 99999999999\r\n\r\n")
    connection.wait_until_gone()


def endless_headers(connection: Connection) -> None:
    """A healthy status, and headers that never end."""
    connection.send(b"HTTP/1.1 200 OK\r\n")
    while not connection.closing.is_set() and connection.send(b"X-More: and more\r\n"):
        pass


class MoogsoftServer:
    """Serves from entering to leaving its context; `requests` holds what came in.

    `gone` is set when a client's connection has ended, whoever ended it.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.gone = threading.Event()
        self._closing = threading.Event()
        self._server = _Server(self, answer, self._closing, tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="moogsoft-server"
        )
        scheme = "https" if tls else "http"
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{scheme}://{self.host}/events"

    def __enter__(self) -> "MoogsoftServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        # Joins the threads of the connections too.
        self._server.server_close()

    @property
    def request(self) -> Request:
        """The one request that came in."""
        assert len(self.requests) == 1
        return self.requests[0]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(
        self,
        owner: MoogsoftServer,
        answer: Answer,
        closing: threading.Event,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.owner, self.answer, self.closing, self.tls = owner, answer, closing, tls
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle of something is what these tests are about."""


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        owner = self.server.owner
        sock: socket.socket = self.request
        sock.settimeout(10)
        try:
            if self.server.tls:
                sock = self.server.tls.wrap_socket(sock, server_side=True)
            found = _read(sock)
            if found is not None:
                owner.requests.append(found)
                self.server.answer(Connection(sock, self.server.closing))
        finally:
            sock.close()
            owner.gone.set()


def _read(sock: socket.socket) -> Request | None:
    """One request; None when the client hangs up before it is whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            return None
        body += more
    return Request(method, path, headers, body)
