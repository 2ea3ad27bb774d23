"""The code under test: the program's own cycles on the model's Redis, by the model's clock.

Only Moogsoft's probe, the ids of cycles and the clock are the model's; look, decision and commit
are those of the worker.
"""

import uuid
from random import Random

from benchmarks.recovery_model.server import one_connection
from benchmarks.recovery_model.world import World
from mutt_tasks import checking, cycle
from mutt_tasks.cycle import Trigger
from mutt_tasks.moogsoft import Answer
from mutt_tasks.replay.cycle_context import Health
from mutt_tasks.replay.guard import look_on, wants_cycle
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings

# A worker looks this often whether a queue stands before the forwarder, in seconds.
SURVIVAL_SECONDS = 1.0

# A worker begins a task this many seconds after it was sent.
TASK_SECONDS = 0.02


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
    store = Store(one_connection(settings.redis.address))
    random = Random(seed)

    def probe(_: Settings, __: float) -> Answer:
        is_up = world.scenario.moogsoft_is_up(world.now)
        return Answer(is_up, "http_200" if is_up else "http_503")

    surroundings = Surroundings(
        now=lambda: world.clock.epoch,
        monotonic=lambda: world.now,  # cycles take no time here
        wait=world.wait,
        new_id=lambda: uuid.UUID(int=random.getrandbits(128)).hex,
        probe=probe,
    )
    tick = 0.0
    phase = random.random() * settings.pace.interval
    while tick < until and not world.is_recovered:
        while world.now < tick and not world.is_recovered:
            # The worker looks on between two drains.
            world.wait(min(SURVIVAL_SECONDS, tick - world.now))
            if wants_cycle(look_on(store, settings, world.clock.epoch), settings):
                _drain(world, store, settings, surroundings, until)
        _drain(world, store, settings, surroundings, until)
        passed = max(0, int((world.now - phase) // settings.pace.interval + 1))
        tick = phase + passed * settings.pace.interval
    if not world.is_recovered:
        world.advance_to(until)
    store.close()


def _drain(
    world: World, store: Store, settings: Settings, surroundings: Surroundings, until: float
) -> None:
    """One tick: a cycle, and the cycles of the drain that it starts."""
    held = surroundings.new_id()
    if cycle.begin(store, settings, surroundings, held, Trigger.HAND) is not None:
        return
    while held:
        world.idle(TASK_SECONDS)
        record = checking.check(store, settings, surroundings, by_hand=False)
        world.idle(TASK_SECONDS)
        health = Health(record.healthy, record.reason)
        result = cycle.replay(store, settings, surroundings, held, health)
        held = result.next_cycle if result else ""
        if result is None or not held:
            world.receive()
            return
        world.wait(result.delay)
        if world.now >= until or world.is_recovered:
            store.lease.release(held)
            return
        store.lease.advance(held, held)
