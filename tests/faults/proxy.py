"""A TCP proxy in front of a server, to do to its connections what networks do."""

import socket
import struct
import threading
import time
from contextlib import suppress

from tests.redis_server import free_port

# Closing with this set sends a reset instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Forwards connections from its own `port` to `target_port`, both on 127.0.0.1.

    `delay` holds every piece of data back for so many seconds, in each direction.
    `accepted` counts the connections that were made so far, `held` the pieces of data that met
    a blackhole, `lost` the answers that were lost.
    """

    def __init__(self, target_port: int) -> None:
        self.delay = 0.0
        self.accepted = 0
        self.held = 0
        self.lost = 0
        self.port = free_port()
        self._target_port = target_port
        self._passing = threading.Event()
        self._passing.set()
        self._unanswered = b""
        self._loses = threading.Event()
        self._lock = threading.Lock()
        self._lines: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._thread.start()

    def blackhole(self) -> None:
        """From now on nothing arrives, and nobody is told: connections stay open."""
        self._passing.clear()

    def restore(self) -> None:
        """Let everything pass again; what was held back arrives late, as TCP sends it again."""
        self._passing.set()

    def cut(self) -> None:
        """Reset every connection, with what was on its way; new ones may be made at once."""
        with self._lock:
            for line in self._lines:
                _reset(line)

    def lose_answer_to(self, words: bytes) -> None:
        """What next holds these words gets through; instead of its answer a reset comes back."""
        self._unanswered = words

    def close(self) -> None:
        """End the proxy and all its connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._passing.set()
        self.cut()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with self._lock:
            self._lines.add(near)
        far = None
        with suppress(OSError):
            # A connection that is made during a blackhole waits like any other piece of data.
            self._passing.wait()
            far = socket.create_connection(("127.0.0.1", self._target_port), timeout=10)
            far.settimeout(None)
            with self._lock:
                self._lines.add(far)
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()
        with self._lock:
            self._lines -= {near, far}
            if far is None:
                _reset(near)
        for line in (near, far):
            if line is not None:
                line.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if self.delay:
                    time.sleep(self.delay)
                self.held += not self._passing.is_set()
                self._passing.wait()
                if self._unanswered and self._unanswered in data:
                    self._unanswered = b""
                    self._loses.set()
                elif self._loses.is_set():
                    self._loses.clear()
                    self.lost += 1
                    _reset(sink)
                    break
                sink.sendall(data)
        # Both ends learn of it, whichever of them ended or was reset.
        for line in (source, sink):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def _reset(line: socket.socket) -> None:
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        line.shutdown(socket.SHUT_RDWR)
