"""A process that dies, or an answer that is lost, at one Redis command of a block."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import redis
from redis.connection import AbstractConnection


class Dead(BaseException):
    """The process is gone: nothing in it may catch this."""


class Fault(NamedTuple):
    """What happens at the command of this number, of all commands or of those that run a script.

    `before` it is sent the process dies; `within` its bytes; `after` the server executed it; or
    its answer is `lost` with the connection, and the process lives on.
    """

    kind: str
    at: int
    of_scripts: bool


@contextmanager
def struck_by(fault: Fault | None) -> Iterator[None]:
    """Let the fault happen to whatever the block sends; nothing is sent by the dead."""
    original = AbstractConnection.send_packed_command
    passed = 0
    is_dead = False

    def send(self: Any, command: Any, check_health: bool = True) -> None:
        nonlocal passed, is_dead
        assert fault is not None
        packed = b"".join(bytes(part) for part in command)
        counts = not fault.of_scripts or b"EVALSHA" in packed[:30]
        is_struck = counts and passed == fault.at
        passed += counts
        is_dead |= is_struck and fault.kind in ("before", "within")
        if is_struck and fault.kind == "within" and self._sock:
            self._sock.sendall(packed[: len(packed) // 2])
        if is_dead:
            raise Dead
        original(self, command, check_health)  # type: ignore[no-untyped-call]
        if is_struck:
            select.select([self._sock], [], [], 10)
            self.disconnect()
            if fault.kind == "lost":
                raise redis.ConnectionError("the answer is lost")
            is_dead = True
            raise Dead

    if fault is None:
        yield
        return
    with patch.object(AbstractConnection, "send_packed_command", send):
        yield
