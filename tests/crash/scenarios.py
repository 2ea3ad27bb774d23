"""Cycles of every kind: what lies in the queues before, and what must lie there in the end."""

import hashlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.moments import iso
from mutt_tasks.settings.redis_address import parse
from mutt_tasks.store.lease import TTL_MS
from mutt_tasks.store.store import Store
from tests.pipeline import (
    DLQ,
    event,
    fill,
    observe,
)

DRAIN_CYCLE = "d" * 32
BATCH = 4


@dataclass(frozen=True)
class Scenario:
    """One kind of cycle; the numbers are those of the events, oldest first."""

    prepare: Callable[[redis.Redis], None]
    replayed: tuple[int, ...] = ()
    dead: tuple[bytes, ...] = ()
    poisoned: tuple[int, ...] = ()
    incomplete: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()
    removed: int = 0


def _waits(client: redis.Redis) -> dict[str, Any]:
    return {"replays": 1, "last_at": iso(Store(client).now())}


def _replay(client: redis.Redis) -> None:
    fill(client, DLQ, [event(n) for n in range(6)])


def _quarantine(client: redis.Redis) -> None:
    lacking = event(5, message="")
    fill(client, DLQ, [b"garbage", event(1, _moog_retry_count=3), b"", lacking, b"[1,2]", b"\xff"])


def _waiting(client: redis.Redis) -> None:
    fill(client, DLQ, [event(n, _remediation=_waits(client)) for n in range(3)])


def _mixed(client: redis.Redis) -> None:
    waits = _waits(client)
    fill(
        client,
        DLQ,
        [
            event(0, _remediation=waits),
            event(1),
            b"garbage",
            event(3, _remediation=waits),
            event(4, _moog_retry_count=9),
            event(5),
            event(6, _remediation=waits),
            event(7),
        ],
    )


def _drain_continuation(client: redis.Redis) -> None:
    _replay(client)
    client.set("mutt:remediation:lease", DRAIN_CYCLE, px=TTL_MS)


SCENARIOS = {
    "replay": Scenario(_replay, replayed=tuple(range(6))),
    "quarantine": Scenario(
        _quarantine, dead=(b"garbage", b"", b"[1,2]", b"\xff"), poisoned=(1,), incomplete=(5,)
    ),
    "waiting": Scenario(_waiting, waiting=(0, 1, 2)),
    "mixed": Scenario(
        _mixed, replayed=(1, 5, 7), dead=(b"garbage",), poisoned=(4,), waiting=(0, 3, 6)
    ),
    "refused commit": Scenario(_replay, replayed=tuple(range(1, 6)), removed=1),
    "drain continuation": Scenario(_drain_continuation, replayed=tuple(range(6))),
}


# What an operator puts back from the dead letter list.
DEAD_EVENT = event(9, _remediation={"route": "alerter", "reason": "poison", "replays": 3})


def digest_of(message: bytes) -> str:
    """The SHA-1 by which operators name a message."""
    return hashlib.sha1(message, usedforsecurity=False).hexdigest()


def operator_interferes(store: Store) -> None:
    """From now on an operator removes the oldest message between the first look and its commit."""
    has_interfered = False

    def remove_once(_: list[bytes]) -> None:
        nonlocal has_interfered
        if not has_interfered:
            has_interfered = True
            operator_removes_oldest()

    observe(store, looked=remove_once)


def operator_removes_oldest() -> None:
    """Past redis-py, so that it is no command of the process that is cut."""
    address = parse(os.environ["REDIS_URL"])
    assert address is not None
    with socket.create_connection(address.hosts[0]) as line:
        line.sendall(b"RPOP " + DLQ.encode() + b"\r\n")
        assert line.recv(65536).startswith(b"$")
