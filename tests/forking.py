"""Start `celery …` and `mutt-dlq …` without their imports: forks of one process (fork_server.py).

For tests that start many. Those that are about starting itself execute the programs.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
CELERY, SCRIPT = "celery", "mutt-dlq"


class Process:
    """A fork, with what tests use of subprocess.Popen.

    `arguments` begin with the program's name; its output goes to the open files `stdout` and
    `stderr`. It reads nothing, unless from the file `stdin`.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        stdout: int,
        stderr: int,
        stdin: int | None = None,
        *,
        start_new_session: bool = False,
        cwd: Path = ROOT,
    ) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program, *rest = arguments
        wanted = {
            "program": program,
            "arguments": rest,
            "folder": str(cwd),
            "env": dict(env),
            "has_session": start_new_session,
        }
        with theirs, Path(os.devnull).open("rb") as nothing:
            reads = nothing.fileno() if stdin is None else stdin
            files = [reads, stdout, stderr, theirs.fileno()]
            socket.send_fds(_server(), [json.dumps(wanted).encode()], files)
        self._line.settimeout(60)
        told = self._line.recv(100)
        assert told, "the server that forks has ended"
        self.pid = int(told)

    def poll(self) -> int | None:
        """Its exit status, or minus the signal that ended it; None while it runs."""
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """The same when it has ended; raises TimeoutExpired."""
        status = self._ended(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                self.returncode = int(self._line.recv(100))
            except (BlockingIOError, TimeoutError):
                return None
            self._line.close()
        return self.returncode


def run(
    arguments: Sequence[str], env: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as subprocess.run would with its output captured."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = Process(arguments, env, stdout.fileno(), stderr.fileno())
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(arguments, status, _said(stdout), _said(stderr))


def _said(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _server() -> socket.socket:
    """The way to the one server of this process, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        program = [sys.executable, "-m", "tests.fork_server"]
        file = theirs.fileno()
        server = subprocess.Popen(program, cwd=ROOT, stdin=file, start_new_session=True)

    def end() -> None:
        ours.close()
        server.wait(30)

    atexit.register(end)
    return ours
