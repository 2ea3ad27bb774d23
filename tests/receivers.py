"""Those who are told, on this machine: webhooks, a mail server, and Slack and PagerDuty.

The last two are reached as in production, under their own names through a proxy, which ends TLS
with a certificate of ours for them.
"""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.redis_server import free_port

TAKE, REFUSE, HANG, DRIP = "take", "refuse", "hang", "drip"


@dataclass
class Request:
    """What somebody posted."""

    host: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Inbox:
    """What arrived, and how the next ones are treated; `status` is what a refusal answers."""

    mode: str = TAKE
    status: int = 500
    took: list[Request] = field(default_factory=list)
    tries: int = 0
    closing: threading.Event = field(default_factory=threading.Event)


def _handler(inbox: Inbox, host: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.tries += 1
            if inbox.mode == HANG:
                inbox.closing.wait(60)
                return
            if inbox.mode == DRIP:
                with suppress(OSError):
                    while not inbox.closing.wait(0.05):
                        self.wfile.write(b"H")
                return
            if inbox.mode == TAKE:
                inbox.took.append(
                    Request(host, self.path, dict(self.headers.items()), json.loads(raw))
                )
            self.send_response(200 if inbox.mode == TAKE else inbox.status)
            body = b"ok" if "slack" in host else b'{"status": "success"}'
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    return Handler


@contextmanager
def webhook(port: int = 0, mode: str = TAKE, status: int = 500) -> Iterator[tuple[int, Inbox]]:
    """A webhook: its port, and what it got."""
    inbox = Inbox(mode, status)
    server = ThreadingHTTPServer(("127.0.0.1", port or free_port()), _handler(inbox, "hook"))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port, inbox
    inbox.closing.set()
    server.shutdown()
    server.server_close()


@dataclass
class Mails:
    """A mail server's mails; with an `answer` it refuses them."""

    answer: str = ""
    took: list[EmailMessage] = field(default_factory=list)
    log_ins: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take a mail, or not."""
        if self.answer:
            return self.answer
        assert isinstance(envelope.content, bytes)
        self.took.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@contextmanager
def mail_server(password: str) -> Iterator[tuple[int, Mails]]:
    """A mail server whose log-in takes this password: its port, and what it got."""
    mails = Mails()

    def log_in(_server: object, _session: object, _envelope: object, _how: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        mails.log_ins.append(data.login.decode())
        return AuthResult(success=data.password.decode() == password, handled=False)

    port = free_port()
    server = Controller(
        mails,
        hostname="127.0.0.1",
        port=port,
        authenticator=log_in,
        auth_require_tls=False,
    )
    server.start()
    yield port, mails
    server.stop()


@contextmanager
def far_services(authority: trustme.CA) -> Iterator[tuple[int, dict[str, Inbox]]]:
    """A proxy that leads to stand-ins for whatever host is asked for: its port, what each got."""
    inboxes: dict[str, Inbox] = {}
    listener = socket.create_server(("127.0.0.1", free_port()))

    def serve(line: socket.socket) -> None:
        with line, suppress(OSError, ssl.SSLError):
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += line.recv(4096)
            host = asked.split()[1].decode().rpartition(":")[0]
            line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(host).configure_cert(context)
            with context.wrap_socket(line, server_side=True) as secured:
                handler = _handler(inboxes.setdefault(host, Inbox()), host)
                handler(secured, ("127.0.0.1", 0), None)  # type: ignore[arg-type]

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                threading.Thread(target=serve, args=(line,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], inboxes
    for inbox in inboxes.values():
        inbox.closing.set()
    # `close` alone leaves `accept` waiting.
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
