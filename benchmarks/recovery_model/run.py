"""One policy in one scenario, from the first message to the books."""

import time
from array import array
from dataclasses import dataclass

from benchmarks.recovery_model import policies
from benchmarks.recovery_model.books import Dead, missing_and_doubled
from benchmarks.recovery_model.least import Least, least_possible
from benchmarks.recovery_model.ours import ours
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.server import memory_redis, one_connection
from benchmarks.recovery_model.world import World
from mutt_tasks.settings import load

NONE, OURS = "none", "ours"
REPLAYING = (OURS, "predecessor", "fixed", "at_once")
POLICIES = (*REPLAYING, NONE)

# The queues of an ended run empty this long at most, so that live events arrive.
LAST_SECONDS = 300.0

# After the trouble the services still give up what they hold; then the work can be counted.
SETTLE_SECONDS = 120.0

# Every run goes on for a few ticks of beat, however little there is to do.
LEAST_CAP = 1200.0

# Real seconds that Redis may take to answer, on a machine that does other things as well.
LONGEST_ANSWER = 300.0

# What is possible, before the run in which nobody replays has told it.
UNKNOWN = Least()


@dataclass(frozen=True)
class Result:
    """What a run left behind; moments in seconds since its start.

    `recovered_at` is when the last message that had been in a DLQ came to its end, `ended_at` when
    live events stopped, `cap_at` when it would have been given up, `least`
    the least possible time to empty in seconds, `seconds` what the run took on this machine.
    """

    scenario: Scenario
    policy: str
    seed: int
    ended_at: float
    cap_at: float
    least: Least
    seconds: float
    recovered_at: float
    good_left: int
    odd_left: int
    lost: int
    doubled: int
    born: "array[float]"
    delivered_at: "array[float]"
    kinds: bytes
    replayed: bytes
    drops: tuple[tuple[float, int], ...]
    destroyed: tuple[tuple[float, int], ...]
    finished: tuple[int, ...]
    shed: tuple[int, ...]
    dead: tuple[Dead, ...]
    busy_spans: tuple[tuple[float, float], ...]
    depths: tuple[tuple[float, int], ...]

    @property
    def is_empty(self) -> bool:
        """Whether all that was in a DLQ reached Moogsoft (or was dropped), or the dead list."""
        return self.good_left == 0 and self.odd_left == 0


def run(
    scenario: Scenario,
    policy: str,
    seed: int,
    least: Least = UNKNOWN,
    cap_at: float = 0.0,
    sample: float = 10.0,
) -> Result:
    """Run a policy; `none` finds `least` and `cap_at`, the others are given them.

    `sample` is the time in seconds between two points of the backlog's curve.
    """
    started = time.perf_counter()
    with memory_redis() as url:
        # A peer's RPOP that is sent again would lose messages: on a busy machine wait instead.
        address = load({"REDIS_URL": url}).redis.address
        client = one_connection(address, timeout=LONGEST_ANSWER, retries=0)
        world = World(scenario, client, seed, sample)
        if policy == NONE:
            world.advance_to(_settled_at(scenario))
            least = least_possible(scenario, world)
            span = min(scenario.cap_seconds, max(scenario.cap_factor * least.seconds, LEAST_CAP))
            cap_at = scenario.trouble_to + span
            policies.none(world, cap_at, seed)
        elif policy == OURS:
            ours(world, cap_at, seed, url)
        else:
            getattr(policies, policy)(world, cap_at, seed)
        result = _closed(world, policy, seed, (least, cap_at), started)
        client.close()
    return result


def _settled_at(scenario: Scenario) -> float:
    """When the work that the trouble left behind can be counted."""
    if not scenario.trouble_to:
        return 0.0
    rest = scenario.breaker_rest if scenario.trouble in ("moogsoft", "flapping") else 0.0
    return scenario.trouble_to + rest + SETTLE_SECONDS


def _closed(
    world: World, policy: str, seed: int, bounds: tuple[Least, float], started: float
) -> Result:
    """Stop the live events, let the queues empty, and do the books; bounds: least and cap."""
    least, cap_at = bounds
    world.receive()
    books, ended_at = world.books, world.now
    world.live.stop()
    while world.ingest.messages or world.alerts.messages or world.alerter.in_hand:
        if world.now > ended_at + LAST_SECONDS:
            break
        world.advance_to(world.now + 1.0)
    world.advance_to(world.now + 1.0)
    books.close(ended_at)
    lost, doubled = missing_and_doubled(books, world.left())
    return Result(
        scenario=world.scenario,
        policy=policy,
        seed=seed,
        ended_at=ended_at,
        cap_at=cap_at,
        least=least,
        seconds=time.perf_counter() - started,
        recovered_at=books.recovered_at,
        good_left=sum(books.is_good(number) for number in books.to_recover),
        odd_left=sum(not books.is_good(number) for number in books.to_recover),
        lost=len(lost),
        doubled=len(doubled),
        born=books.born,
        delivered_at=books.delivered_at,
        kinds=bytes(books.kinds),
        replayed=bytes(books.replayed),
        drops=tuple(books.drops),
        destroyed=tuple(books.destroyed),
        finished=tuple(books.finished),
        shed=tuple(books.shed),
        dead=tuple(books.dead),
        busy_spans=tuple(books.busy_spans),
        depths=tuple(books.depths),
    )
