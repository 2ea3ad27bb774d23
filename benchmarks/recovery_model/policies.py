"""What others do about a dead letter queue: nothing, the predecessor, a redrive by an operator."""

import json
from typing import Any

from benchmarks.recovery_model.world import World
from stand_ins import facts
from stand_ins.facts import ALERT_QUEUE, ALERTER_DLQ, DEAD_LIST, INGEST_QUEUE, MOOG_DLQ

RESET = {
    ALERTER_DLQ: (facts.ALERTER_COUNT, INGEST_QUEUE),
    MOOG_DLQ: (facts.FORWARDER_COUNT, ALERT_QUEUE),
}

# The operator notices that the trouble is over, and that messages came back.
NOTICES_AFTER = 5.0
LOOKS_AGAIN_AFTER = 600.0
TRIES = 5


def none(world: World, until: float, seed: int) -> None:
    """Nobody replays anything; runs to a moment, in seconds since the start."""
    del seed
    world.advance_to(until)


def predecessor(world: World, until: float, seed: int) -> None:
    """Every 300 s, ten messages: RPOP, look, LPUSH as they are; the alerter's DLQ only."""
    world.advance_to(min(until, seed % 300))
    while world.now < until and not world.is_recovered:
        if world.scenario.moogsoft_is_up(world.now):
            for _ in range(10):
                raw = world.client.rpop(ALERTER_DLQ)
                if raw is None:
                    break
                is_poison = json.loads(raw).get(facts.FORWARDER_COUNT, 0) >= 3
                world.client.lpush(DEAD_LIST if is_poison else INGEST_QUEUE, raw)
        world.advance_to(min(until, world.now + 300.0))


def fixed(world: World, until: float, seed: int) -> None:
    """A redrive at 500/s from each DLQ, started by an operator, up to five times."""
    del seed
    _operated(world, until, at_a_time=50, pause=0.1)


def at_once(world: World, until: float, seed: int) -> None:
    """Everything in one go at the same moments."""
    del seed
    _operated(world, until, at_a_time=10**9, pause=0.0)


def _operated(world: World, until: float, at_a_time: int, pause: float) -> None:
    """Up to five redrives, each of what lay there when it was started."""
    trouble = world.scenario.trouble_to
    world.advance_to(min(until, trouble + NOTICES_AFTER if trouble else 0.0))
    for _ in range(TRIES):
        to_move = {dlq: world.client.llen(dlq) for dlq in RESET}
        while any(to_move.values()) and world.now < until:
            for dlq in RESET:
                amount = min(at_a_time, to_move[dlq])
                _move(world.client, dlq, amount)
                to_move[dlq] -= amount
            world.wait(pause)
        world.advance_to(min(until, world.now + LOOKS_AGAIN_AFTER))
        if world.is_recovered or world.now >= until:
            return


def _move(client: Any, dlq: str, amount: int) -> None:
    """The oldest messages of a DLQ to the left of its target, their counter reset."""
    field, target = RESET[dlq]
    while amount > 0:
        found = client.rpop(dlq, min(amount, 5000)) or []
        if not found:
            return
        amount -= len(found)
        client.lpush(target, *(json.dumps(json.loads(raw) | {field: 0}) for raw in found))
