"""The embedded Redis: a real server process that keeps its data in a folder of ours."""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.connection import connect
from stand_ins.processes import Child
from stand_ins.redis_server import NoServerError, RedisServer, program

START_SECONDS = 20.0
STOP_SECONDS = 10.0
PORT_TRIES = 5


class EmbeddedError(Exception):
    """The embedded Redis cannot be had; the text says why and what helps."""


@contextmanager
def embedded_redis(
    data: Path, find: Callable[[], Path] | None = None
) -> Iterator[tuple[RedisAddress, Child]]:
    """A server on a free local port while the context lasts, its data in `data`/redis.

    `find` looks for its program, see stand_ins.redis_server.program. Raises EmbeddedError.
    """
    try:
        program(find)
    except NoServerError as error:
        raise EmbeddedError(f"{error}. Set REDIS_URL to a Redis of yours instead.") from None
    folder = data.resolve() / "redis"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("a+")
    except OSError as error:
        raise EmbeddedError(f"{data}: cannot be written ({error.strerror})") from None
    with lock:
        _take(lock.fileno(), data)
        server, address = _started(folder, lock.fileno())
        _write(lock.fileno(), f"{os.getpid()} {server.place}")
        try:
            yield address, server.child
        finally:
            # Its SIGTERM is an orderly SHUTDOWN: it writes what it has and ends.
            server.stop(STOP_SECONDS)
            _write(lock.fileno(), "")


def _take(lock: int, data: Path) -> None:
    """Lock the data folder for this process, and for the server that inherits the lock.

    So a lock that is held says that a server still writes there, even if the run that started
    it is gone; such a server is asked to end.
    """
    if _locked(lock):
        return
    pid, port = _read(lock)
    if _is_alive(pid):
        raise EmbeddedError(
            f"{data} is in use by another run (process {pid}): stop that one, or name another"
            " folder with --data"
        )
    if port:
        leftover = connect(RedisAddress("redis", hosts=(("127.0.0.1", port),)), retries=0)
        with suppress(redis.RedisError):
            leftover.shutdown()
        leftover.close()
    deadline = time.monotonic() + STOP_SECONDS
    while not _locked(lock):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"{data} is in use by the Redis of an earlier run that does not end"
            )
        time.sleep(0.1)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(lock: int) -> tuple[int, int]:
    """The process and the port that the lock file names; 0 for what it does not."""
    words = os.pread(lock, 100, 0).decode("ascii", "replace").split()
    numbers = [int(word) for word in words if word.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


def _write(lock: int, text: str) -> None:
    os.ftruncate(lock, 0)
    os.write(lock, text.encode())


def _is_alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _started(folder: Path, lock: int) -> tuple[RedisServer, RedisAddress]:
    """A server that answers; another port is tried when somebody else was quicker."""
    said = ""
    for _ in range(PORT_TRIES):
        port = _free_port()
        address = RedisAddress("redis", hosts=(("127.0.0.1", port),))
        durable = ("--appendonly", "yes", "--appendfsync", "everysec")
        server = RedisServer(folder, port, *durable, dies_by=signal.SIGTERM)
        with (folder.parent / "redis.log").open("w+b") as log:
            # It says itself why it ended.
            with suppress(NoServerError):
                server.start(log, pass_fds=(lock,))
                try:
                    if _answers(address, server.child):
                        return server, address
                except BaseException:
                    server.stop(STOP_SECONDS)
                    raise
                server.stop(STOP_SECONDS)
            log.seek(0)
            said = log.read().decode("utf-8", "replace").strip()
        if "in use" not in said:
            break
    last = said.splitlines()[-1] if said else "it says nothing"
    raise EmbeddedError(
        f"the embedded Redis does not start: {last} (see {folder.parent}/redis.log)"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(address: RedisAddress, child: Child) -> bool:
    """Wait until the server has read its data and answers; False when it ended or hangs."""
    client = connect(address, timeout=1.0, retries=0)
    deadline = time.monotonic() + START_SECONDS
    try:
        while not child.ended() and time.monotonic() < deadline:
            # A server that still reads its data refuses with BusyLoadingError.
            with suppress(redis.ConnectionError, redis.TimeoutError):
                # Whoever else took the port meanwhile does not keep its data in our folder.
                if client.info("server")["process_id"] == child.pid:
                    return True
            time.sleep(0.02)
    finally:
        client.close()
    return False
