"""The code under test: the program's own cycles on the model's Redis, by the model's clock.

Only Moogsoft's probe, the ids of cycles and the clock are the model's; look, decision and commit
are those of the worker.
"""

import sys
import uuid
from contextlib import ExitStack
from random import Random
from unittest.mock import patch

from benchmarks.recovery_model.world import World
from mutt_tasks import checking, cycle, moogsoft
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.store import Store

# A worker begins a task this many seconds after it was sent.
TASK_SECONDS = 0.02

# Modules that measure how long they take; here they take no time.
READ_THE_CLOCK = ("cycle", "batch", "choice")


def settings_for(world: World, url: str) -> Settings:
    """The settings of a run: every default, with what the scenario says."""
    scenario = world.scenario
    return load(
        {
            "REDIS_URL": url,
            "REMEDIATION_ROUTES": scenario.routes,
            "MOOG_WEBHOOK_URL": "http://moogsoft.invalid/events",
            "MOOG_RATE_LIMIT": str(scenario.limit),
            "MOOG_RATE_PERIOD": f"{scenario.period:g}",
            **dict(scenario.env),
        }
    )


def ours(world: World, until: float, seed: int, url: str) -> None:
    """Beat's ticks and the drains that follow from them, up to a moment."""
    settings = settings_for(world, url)
    store = Store.at(settings.redis)
    random = Random(seed)

    def probe(_: Settings, __: float) -> moogsoft.Answer:
        is_up = world.scenario.moogsoft_is_up(world.now)
        return moogsoft.Answer(is_up, "http_200" if is_up else "http_503")

    def new_id() -> str:
        return uuid.UUID(int=random.getrandbits(128)).hex

    with ExitStack() as patched:
        patched.enter_context(patch.object(store.controls, "now", lambda: world.clock.epoch))
        patched.enter_context(patch.object(moogsoft, "probe", probe))
        patched.enter_context(patch.object(cycle, "new_cycle_id", new_id))
        for name in READ_THE_CLOCK:
            module = sys.modules.get(f"mutt_tasks.{name}")
            if hasattr(module, "monotonic"):
                patched.enter_context(patch.object(module, "monotonic", lambda: world.now))
        tick = 0.0
        phase = random.random() * settings.interval
        while tick < until and not world.is_recovered:
            world.advance_to(tick)
            _drain(world, store, settings, until)
            passed = max(0, int((world.now - phase) // settings.interval + 1))
            tick = phase + passed * settings.interval
        if not world.is_recovered:
            world.advance_to(until)
    store.close()


def _drain(world: World, store: Store, settings: Settings, until: float) -> None:
    """One tick: a cycle, and the cycles of the drain that it starts."""
    held = cycle.new_cycle_id()
    if cycle.begin(store, settings, held, is_tick=False) is not None:
        return
    while held:
        world.idle(TASK_SECONDS)
        record = checking.check(store, settings, by_hand=False)
        world.idle(TASK_SECONDS)
        result = cycle.replay(store, settings, held, record.healthy, record.reason, wait=world.wait)
        held = result.next_cycle if result else ""
        if result is None or not held:
            world.receive()
            return
        world.wait(result.pause)
        if world.now >= until or world.is_recovered:
            store.lease.release(held)
            return
        store.lease.advance(held, held)
