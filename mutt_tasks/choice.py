"""Which messages go: the oldest that may, decided one by one; nothing is removed here."""

from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from mutt_tasks.core.flow import Flow
from mutt_tasks.core.policy import LONGEST_REST, Action, Decision, Policy, checksum, decide
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.settings import Settings
from mutt_tasks.store.controls import RouteReading
from mutt_tasks.store.queues import Batch
from mutt_tasks.store.store import Store

# How far one batch looks past messages that wait, and how many bytes it holds in memory.
# The next batch goes on where this one stopped, so a larger queue only takes more batches.
SCAN_MESSAGES = 10_000
SCAN_BYTES = 16 << 20

# A batch whose messages take longer to read than this goes as it is: far below the time that a
# step may take, also where the worker gets a quarter of a processor.
CHOOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Chosen:
    """A batch, and what was seen on the way to it.

    `waiting` messages at the old end rest, the first of them until `ready_at`; `state` keeps that.
    `suspects` is what is known of suspects now; `sends_suspect` says that one is in the batch.
    """

    batch: Batch
    waiting: int
    saw_all: bool
    ready_at: float
    state: dict[str, Any]
    suspects: Suspects
    sends_suspect: bool

    @property
    def places(self) -> list[int]:
        """Where the messages lie that go, counted from the oldest."""
        decisions = enumerate(self.batch.decisions, self.batch.skip)
        return [place for place, decision in decisions if decision.action is not Action.WAIT]


def choose(
    store: Store,
    settings: Settings,
    route: Route,
    cycle: str,
    now: float,
    reading: RouteReading,
    state: Flow,
    most: int,
    suspects: Suspects,
    suspects_may_go: bool,
) -> Chosen:
    """Look at the oldest messages and decide, until `most` can go or the scan is long enough.

    Messages that wait stay where they are, at the old end of the queue; how many of them
    there are and until when is remembered, so that the next batch starts behind them.
    """
    policy = Policy(
        settings.pace.max_poison_retries,
        settings.pace.retry_backoff,
        settings.pace.max_age,
        state.spans,
        settings.pace.suspect_wait,
        suspects_may_go,
        # Without a limit on the rate what the limiter drops is not minded.
        suspects if settings.pace.max_rate != 0 else None,
    )
    waiting_suspects: list[int] = []
    sends_suspect = False
    # No rest is longer; a moment beyond it was written before a clock went back.
    is_known = now < reading.cursor_until <= now + LONGEST_REST
    rules = f"{policy.max_retries} {policy.backoff:g} {policy.max_age:g} {policy.suspect_wait:g}"
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
            is_cleared = skip + len(messages) < suspects.cleared
            decision = decide(raw, route, policy, cycle, now, is_cleared)
            if decision.is_suspect and decision.action is Action.REPLAY:
                sends_suspect = True
                policy = replace(policy, suspects_may_go=False)
            elif decision.is_suspect:
                waiting_suspects.append(checksum(raw))
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
    return Chosen(
        batch=Batch(skip + first, messages[first:last], decisions[first:last]),
        waiting=skip + waiting,
        saw_all=ended or skip + len(messages) >= reading.depths.source,
        ready_at=min(ready_at, now + LONGEST_REST),
        state={
            "cursor": skip + waiting,
            "cursor_until": f"{min(ready_at, now + LONGEST_REST):.3f}",
            "cursor_rules": rules,
        },
        suspects=suspects.seen(waiting_suspects, skip == 0 and ended, now),
        sends_suspect=sends_suspect,
    )
