"""`/health`: the process lives. `/ready`: Redis answers and cycles are taking place."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mutt_tasks.errors import StoreError
from mutt_tasks.runtime_settings import in_force
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store

# So many intervals without a cycle mean that beat or the queue stands still.
INTERVALS_LATE = 3
LEAST_LATE = 60.0


def readiness(settings: Settings, uptime: float) -> str:
    """Why this worker is not ready, in one line; empty when it is.

    `uptime` is for how many seconds it has been running: a new worker gets the time of
    INTERVALS_LATE intervals for its first cycle. The connection is a new one each time: a
    pooled one can look alive long after the server is gone.
    """
    store = Store.at(settings.redis.address, timeout=2.0, retries=0)
    try:
        interval = in_force(store, settings)[0].pace.interval
        last = store.ledger.last_cycle()
        age = store.now() - last if last else None
    except StoreError as error:
        return str(error)
    finally:
        store.close()
    late = uptime if age is None else min(age, uptime)
    if late <= max(LEAST_LATE, INTERVALS_LATE * interval):
        return ""
    when = "no cycle has ended yet" if age is None else f"the last cycle ended {age:.0f} s ago"
    return f"{when}, expected every {interval:g} s: is beat running, and its broker this one?"


def server(address: str, port: int, not_ready: Callable[[], str]) -> ThreadingHTTPServer:
    """The HTTP server of both end points; the caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "mutt_tasks"
        sys_version = ""
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/health":
                self._answer(200, "OK")
            elif path == "/ready":
                reason = not_ready()
                self._answer(503 if reason else 200, reason or "ready")
            else:
                self._answer(404, "not found; there are /health and /ready")

        do_HEAD = do_GET

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds; they are no news."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    return Server((address, port), Handler)
