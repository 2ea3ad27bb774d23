"""One batch on one route: how much may go, which messages, done.

Look, decide, commit: nothing leaves the queue before the commit, and the commit does all at once.
"""

from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from mutt_tasks.core import flow
from mutt_tasks.core.policy import LONGEST_REST, Action, Decision, Policy, decide
from mutt_tasks.core.routes import Route
from mutt_tasks.settings import Settings
from mutt_tasks.store.controls import RouteReading
from mutt_tasks.store.queues import Batch, Moved
from mutt_tasks.store.store import Store

# How far one batch looks past messages that wait, and how many bytes it holds in memory.
# The next batch goes on where this one stopped, so a larger queue only takes more batches.
SCAN_MESSAGES = 10_000
SCAN_BYTES = 16 << 20

# A batch whose messages take longer to read than this goes as it is: far below the time that a
# step may take, also where the worker gets a quarter of a processor.
CHOOSE_SECONDS = 5.0

# A queue that somebody changes between look and commit is looked at again this often.
COMMIT_TRIES = 3

REPLAYED, HELD = "replayed", "held"
WAITING, CONTENDED = "waiting", "contended"


@dataclass(frozen=True)
class RouteResult:
    """What a cycle did on one route; `more` says whether there is work left for it now."""

    outcome: str
    reason: str = ""
    moved: Moved = field(default_factory=Moved)
    waiting: int = 0
    odd: int = 0
    more: bool = False
    state: dict[str, Any] = field(default_factory=dict)


def send(store: Store, settings: Settings, held: str, cycle: str, route: Route) -> RouteResult:
    """One batch on one route."""
    for attempt in range(COMMIT_TRIES):
        now = store.controls.now()
        reading = store.controls.reading(route, settings.alert_queue)
        rate = flow.rate_per_second(settings.max_rate)
        bucket = None if rate is None else store.controls.bucket(now).refilled(rate, now)
        allowed = flow.allowance(settings.batch_size, settings.high_water, reading.depths, bucket)
        if allowed.held_by:
            return RouteResult(HELD, allowed.held_by, more=reading.depths.source > 0)
        chosen = _choose(store, settings, route, cycle, now, reading, allowed.messages)
        if not chosen.batch.decisions:
            more = not chosen.saw_all
            return RouteResult(HELD, WAITING, waiting=chosen.waiting, more=more, state=chosen.state)
        state = chosen.state | _speed(reading, settings, chosen.batch.going, now)
        pace = {}
        if bucket is not None:
            bucket = bucket.spent(chosen.batch.replays)
            pace = {"tokens": f"{bucket.tokens:.6f}", "at": f"{bucket.at:.6f}"}
        moved = store.queues.commit(
            held,
            f"{cycle}:{route.name}:{attempt}",
            cycle,
            route,
            settings.dead_letter_queue,
            chosen.batch,
            state,
            pace,
        )
        if moved is not None:
            more = not chosen.saw_all
            return RouteResult(REPLAYED, "", moved, chosen.waiting, chosen.batch.odd, more)
    return RouteResult(HELD, CONTENDED, more=True)


def _speed(reading: RouteReading, settings: Settings, going: int, now: float) -> dict[str, Any]:
    """How fast the queue empties, in messages/s, smoothed over the last few batches."""
    gap = now - reading.moved_at
    is_drain = 0 < gap < 60
    speed = going / (gap if is_drain else max(settings.drain_interval, 0.1))
    if is_drain:
        speed = 0.7 * reading.speed + 0.3 * speed
    return {"speed": f"{speed:.3f}", "moved_at": f"{now:.3f}"}


@dataclass(frozen=True)
class _Chosen:
    """A batch, and what was seen on the way to it."""

    batch: Batch
    waiting: int
    saw_all: bool
    state: dict[str, Any]


def _choose(
    store: Store,
    settings: Settings,
    route: Route,
    cycle: str,
    now: float,
    reading: RouteReading,
    most: int,
) -> _Chosen:
    """Look at the oldest messages and decide, until `most` can go or the scan is long enough.

    Messages that wait stay where they are, at the old end of the queue; how many of them
    there are and until when is remembered, so that the next batch starts behind them.
    """
    policy = Policy(settings.max_poison_retries, settings.retry_backoff, settings.max_age)
    # No rest is longer; a moment beyond it was written before a clock went back.
    is_known = now < reading.cursor_until <= now + LONGEST_REST
    rules = f"{policy.max_retries} {policy.backoff:g} {policy.max_age:g}"
    is_known = is_known and reading.cursor_rules == rules
    known = is_known and 0 < reading.cursor <= reading.depths.source
    skip = reading.cursor if known else 0
    ready_at = reading.cursor_until if known else float("inf")
    messages: list[bytes] = []
    decisions: list[Decision] = []
    going, scanned_bytes = 0, 0
    ended = False
    is_late_at = monotonic() + CHOOSE_SECONDS
    while going < most and len(messages) < SCAN_MESSAGES and scanned_bytes < SCAN_BYTES:
        wanted = min(most - going, SCAN_MESSAGES - len(messages))
        page = store.queues.look(
            route.source, skip + len(messages), wanted, SCAN_BYTES - scanned_bytes
        )
        if not page:
            ended = True
            break
        for raw in page:
            decision = decide(raw, route, policy, cycle, now)
            messages.append(raw)
            decisions.append(decision)
            scanned_bytes += len(raw)
            going += decision.action is not Action.WAIT
            if decision.action is Action.WAIT:
                ready_at = min(ready_at, decision.ready_at)
            if monotonic() > is_late_at:
                break
        if monotonic() > is_late_at:
            break
    goes = [at for at, decision in enumerate(decisions) if decision.action is not Action.WAIT]
    first, last = (goes[0], goes[-1] + 1) if goes else (0, 0)
    waiting = len(decisions) - going
    return _Chosen(
        batch=Batch(skip + first, messages[first:last], decisions[first:last]),
        waiting=skip + waiting,
        saw_all=ended or skip + len(messages) >= reading.depths.source,
        state={
            "cursor": skip + waiting,
            "cursor_until": f"{min(ready_at, now + LONGEST_REST):.3f}",
            "cursor_rules": rules,
        },
    )
