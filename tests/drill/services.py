"""Faults of processes: what has died, hangs, or says that something is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mutt_tasks.store import keys
from stand_ins import breaker
from tests.drill.world import Fault, World, both
from tests.pipeline import DEAD, event, fill
from tests.services import until


@contextmanager
def gone(world: World) -> Iterator[list[Fault]]:
    """One process after the other."""
    client = world.client

    def end_breaker() -> None:
        client.delete(*breaker.KEYS)

    def leave_breaker() -> None:
        client.mset({breaker.STATE: breaker.OPEN, breaker.OPEN_TIME: world.now - 400})

    yield [
        Fault(
            "Moogsoft answers 503",
            ("MUTTMoogsoftUnhealthy",),
            world.moogsoft.down,
            "it answers 200",
            world.moogsoft.up,
        ),
        Fault(
            "the breaker of forwarders that are gone says OPEN",
            ("MUTTForwarderBreakerOpen",),
            leave_breaker,
            "its keys are deleted",
            end_breaker,
        ),
        Fault(
            "beat is killed",
            ("MUTTRemediationNoCycle", *both("MUTTRemediationOnTimeBurn")),
            lambda: world.kill("beat"),
            "beat is started",
            lambda: world.start("beat"),
        ),
        Fault(
            "the worker is killed",
            ("MUTTRemediationDown",),
            lambda: world.kill("worker"),
            "the worker is started",
            lambda: world.start("worker"),
        ),
        Fault(
            "Redis is killed",
            ("MUTTRemediationRedisUnreachable",),
            world.server.kill,
            "Redis is started",
            world.server.start,
        ),
    ]


@contextmanager
def tampered(world: World) -> Iterator[list[Fault]]:
    """Somebody with access to Redis."""
    client: Any = world.client
    for each in ("pause", "resume"):
        more = ("--for", "1h", "--reason", "change 4711") if each == "pause" else ()
        world.dlq(each, *more)
    until(lambda: client.hget(keys.CHECKS, "audit_whole") == b"1", 120)
    kept = client.dump(keys.AUDIT)

    def change() -> None:
        ((entry, _),) = world.store.audit.after(most=1)
        client.xdel(keys.AUDIT, entry)

    fill(client, DEAD, [event(n) for n in range(10)])
    until(lambda: b"brought:dead" in client.hgetall(keys.CHECKS), 60)
    until(lambda: client.hget(keys.CHECKS, "brought:dead") == b"10", 60)
    yield [
        Fault(
            "somebody takes four messages off the dead letter list with `redis-cli`",
            ("MUTTRemediationBooksDoNotBalance",),
            lambda: client.rpop(DEAD, 4),
            "nobody does so any more",
            lambda: None,
            hidden=("MUTTRemediationNotConserved",),
        ),
        Fault(
            "somebody deletes an entry of the audit",
            ("MUTTRemediationAuditChainBroken",),
            change,
            "Redis' copy of the audit is restored",
            lambda: client.restore(keys.AUDIT, 0, kept, replace=True),
        ),
    ]


@contextmanager
def unchecked(world: World) -> Iterator[list[Fault]]:
    """The audit cannot be read any more."""
    client: Any = world.client
    until(lambda: client.hget(keys.CHECKS, "audited_ms"), 120)

    def spoil() -> None:
        client.delete(keys.AUDIT)
        client.set(keys.AUDIT, "what is this?")

    yield [
        Fault(
            "the audit's key holds another type",
            ("MUTTRemediationChecksLate",),
            spoil,
            "that key is deleted",
            lambda: client.delete(keys.AUDIT),
        )
    ]
