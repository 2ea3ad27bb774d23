"""A stand-in for Moogsoft: takes events over HTTP, can go down and come back, and counts.

    POST /anything   an event (a JSON object) or a list of them: 200; 503 while it is down
    GET  /health     200, or 503 while it is down
    POST /down, /up  take it down, bring it back

Alone: `python -m stand_ins.moogsoft --port 8080`.
"""

import argparse
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stand_ins.stopping import stop_on_signals

PROBE_SOURCE = "MUTT_HEALTH_CHECK"
LARGEST_BODY = 8 << 20


class Moogsoft:
    """The server, and what it has seen so far.

    `accepted` counts events, `probes` the test events among the requests, which are no events,
    and `refused` the requests that came while it was down. `on_accept`, if there is one, gets each
    event before its sender gets the answer; it is called by several threads.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        on_accept: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self.on_accept = on_accept
        self.is_up = True
        self.accepted = 0
        self.probes = 0
        self.refused = 0
        self._server = _Server(host, port, self)
        self._thread = threading.Thread(
            # It looks for the end of its work this often, in seconds.
            target=self._server.serve_forever,
            args=(0.1,),
            name="moogsoft",
            daemon=True,
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Where events go: the address for `MOOG_WEBHOOK_URL`."""
        return f"http://127.0.0.1:{self.port}/webhook"

    def __enter__(self) -> "Moogsoft":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def down(self) -> None:
        """From now on every event is refused with 503."""
        self.is_up = False

    def up(self) -> None:
        """Take events again."""
        self.is_up = True

    def take(self, events: list[dict[str, Any]]) -> bool:
        """Accept events; False while it is down."""
        real = [event for event in events if event.get("source") != PROBE_SOURCE]
        with self._lock:
            if not self.is_up:
                self.refused += 1
                return False
            self.accepted += len(real)
            self.probes += len(events) - len(real)
        if self.on_accept:
            for event in real:
                self.on_accept(event)
        return True


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"
    server_version = "MoogsoftStandIn"
    sys_version = ""
    timeout = 30
    # Head and body in one packet: two of them would meet the client's delayed acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200 if self.server.moogsoft.is_up else 503)
        else:
            self._answer(404)

    def do_POST(self) -> None:
        moogsoft = self.server.moogsoft
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._answer(411 if not length else 413)
            return
        body = self.rfile.read(int(length))
        if self.path in ("/down", "/up"):
            (moogsoft.up if self.path == "/up" else moogsoft.down)()
            self._answer(200)
            return
        events = _events(body)
        if events is None:
            self._answer(400)
        else:
            self._answer(200 if moogsoft.take(events) else 503)

    def _answer(self, status: int) -> None:
        moogsoft = self.server.moogsoft
        body = json.dumps({"up": moogsoft.is_up, "accepted": moogsoft.accepted}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests come by the hundred; they are counted, not printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, moogsoft: Moogsoft) -> None:
        self.moogsoft = moogsoft
        super().__init__((host, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no news."""


def _events(body: bytes) -> list[dict[str, Any]] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    events = found if isinstance(found, list) else [found]
    return events if all(isinstance(event, dict) for event in events) else None


def main(argv: list[str] | None = None) -> None:
    """Run the stand-in until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m stand_ins.moogsoft", description="A stand-in for Moogsoft."
    )
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080, help="port to listen on")
    options = parser.parse_args(argv)
    stopping = stop_on_signals()
    with Moogsoft(options.host, options.port) as moogsoft:
        print(f"stand-in Moogsoft: listening on port {moogsoft.port}", flush=True)
        stopping.wait()
    print(f"stand-in Moogsoft: {moogsoft.accepted} events accepted", flush=True)


if __name__ == "__main__":
    main()
