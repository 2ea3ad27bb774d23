"""A process that has imported the program, and becomes `celery …` or `mutt-dlq …` by forking.

What these import takes longer than what most tests have them do. A fork begins where the imports
have ended, with an environment, a working directory and standard streams of its own, and ends as
any interpreter does. What differs from a program that is executed: a name that is read while
modules are imported, and PYTHON… variables, are those of this process.

It is started with its end of a socket as standard input (see forking.py).
"""

import gc
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

# What a worker, a beat and a command need. Nothing of it reads the environment, or starts a thread.
_MODULES = (
    *("celery.bin.celery", "celery.apps.worker", "celery.apps.beat"),
    *("celery.app.amqp", "celery.app.control", "celery.app.events", "celery.app.log"),
    *("celery.app.routes", "celery.concurrency.prefork", "celery.loaders.app"),
    *("celery.worker.components", "celery.worker.consumer", "celery.worker.strategy"),
    *("celery.worker.loops", "celery.worker.pidbox", "celery.worker.autoscale"),
    *("mutt_tasks.tasks", "mutt_tasks.schedule"),
)
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Wanted:
    """What a process is to be, and its files: the last one is where somebody hears of it."""

    program: str
    arguments: list[str]
    folder: str
    env: dict[str, str]
    has_session: bool
    files: list[int]

    def become(self) -> None:
        """Make this process that one, and tell its id."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.env)
        time.tzset()
        if self.has_session:
            os.setsid()
        for target, file in enumerate(self.files[:3]):
            os.dup2(file, target)
        for file in self.files[:3]:
            os.close(file)
        for name, target, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
            stream = _stream(target, mode)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with socket.socket(fileno=self.files[3]) as line:
            line.send(str(os.getpid()).encode())

    def run(self) -> None:
        """Do what it is to do, as its main program."""
        sys.argv = [self.program, *self.arguments]
        if self.program == "celery":
            runpy.run_module("celery", run_name="__main__", alter_sys=True)
        else:
            import_module("mutt_tasks.cli.group").main()


def _stream(file: int, mode: str) -> io.TextIOWrapper:
    """A standard stream, as the interpreter opens it."""
    by_line = mode == "w" and (file == 2 or os.isatty(file))
    errors = "backslashreplace" if file == 2 else "strict"
    found = open(  # noqa: SIM115 - it lives as long as the process
        file, mode, buffering=1 if by_line else -1, encoding="utf-8", errors=errors, closefd=False
    )
    assert isinstance(found, io.TextIOWrapper)
    return found


class _Server:
    """Forks for whoever is at the other end of the `line`, and tells how the forks ended.

    Each stays a zombie until that has been heard, as it would for its own parent.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._selector = selectors.DefaultSelector()
        self._selector.register(line, selectors.EVENT_READ)
        self._files: set[int] = set()

    def run(self) -> Wanted | None:
        """Serve; None when nobody is there any more. In a fork, what that one is to be."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._line:
                    wanted = self._asked()
                    if wanted is None or self._is_fork(wanted):
                        return wanted
                else:
                    self._went_on(key)

    def _asked(self) -> Wanted | None:
        data, files, *_ = socket.recv_fds(self._line, MOST_BYTES, 4)
        return Wanted(**json.loads(data), files=files) if data else None

    def _is_fork(self, wanted: Wanted) -> bool:
        pid = os.fork()
        if not pid:
            self._selector.close()
            self._line.close()
            for file in self._files:
                os.close(file)
            return True
        for file in wanted.files[:3]:
            os.close(file)
        ends = os.pidfd_open(pid)
        self._files |= {ends, wanted.files[3]}
        self._selector.register(ends, selectors.EVENT_READ, (pid, wanted.files[3]))
        return False

    def _went_on(self, key: selectors.SelectorKey) -> None:
        """A fork has ended, or it was heard that it has."""
        file: Any = key.fileobj
        self._selector.unregister(file)
        self._files.discard(file)
        os.close(file)
        pid, line = key.data
        if file == line:
            os.waitpid(pid, 0)
            return
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        with suppress(BrokenPipeError):  # nobody wants to hear it
            os.write(line, str(status).encode())
        self._selector.register(line, selectors.EVENT_READ, (pid, line))


def main() -> None:
    """Import everything, then serve; in a fork, do what was asked for."""
    for name in _MODULES:
        import_module(name)
    for module in pkgutil.iter_modules(import_module("mutt_tasks.cli").__path__):
        import_module(f"mutt_tasks.cli.{module.name}")
    gc.freeze()
    wanted = _Server(socket.socket(fileno=os.dup(0))).run()
    if wanted is not None:
        wanted.become()
        wanted.run()


if __name__ == "__main__":
    main()
