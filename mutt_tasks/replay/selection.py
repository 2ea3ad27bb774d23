"""Which messages go: the oldest that may, decided one by one; nothing is removed here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from mutt_tasks.core.failures import Spans
from mutt_tasks.core.policy import LONGEST_BACKOFF, Action, Decision, Policy, checksum, decide
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.looking import Look
from mutt_tasks.settings import Settings
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.queues import MOST_BYTES, MOST_MESSAGES, most_behind
from mutt_tasks.store.route_reading import Cursor
from mutt_tasks.surroundings import ScanBounds


@dataclass(frozen=True)
class Wanted:
    """What a commit asks for: at most `most` messages that can go, read by `late_at` (monotonic).

    `spans` are stretches of general trouble, whose failures are forgiven; a suspect may be among
    the messages if `suspects_may_go`.
    """

    most: int
    late_at: float
    spans: Spans
    suspects: Suspects
    suspects_may_go: bool


@dataclass(frozen=True)
class Selection:
    """A batch, and what was seen on the way to it.

    `waiting` messages at the old end stay, the first of them until `ready_at`; `state` keeps that.
    `suspects` is what is known of suspects now; `sends_suspect` says that one is in the batch.
    `is_full` says that it ends where a commit holds no more. Where what goes lies `behind` too many
    to be taken from there (0: it does not), none of it is in the batch.
    """

    batch: Batch
    waiting: int
    saw_all: bool
    ready_at: float
    state: dict[str, Any]
    suspects: Suspects
    sends_suspect: bool
    is_full: bool
    behind: int = 0


def select(context: CycleContext, route: Route, look: Look, wanted: Wanted) -> Selection:
    """Look at the oldest messages and decide, until enough can go or a commit holds no more.

    Messages that wait stay where they are, at the old end of the queue; how many of them
    there are and until when is remembered, so that the next batch starts behind them.
    """
    scan = _Scan(context, route, look, policy_of(context.settings, wanted), wanted)
    bounds, clock = context.surroundings.scan, context.surroundings.monotonic
    while scan.going < wanted.most and scan.is_within(bounds) and not scan.is_full:
        most, most_bytes = scan.page(bounds)
        page = context.store.queues.look(
            route.source, scan.place, min(wanted.most - scan.going, most), most_bytes
        )
        if not page:
            scan.has_ended = True
            break
        for raw in page:
            if not scan.take(raw):
                break
            if clock() > wanted.late_at:
                return scan.selection()
    return scan.selection()


def policy_of(settings: Settings, wanted: Wanted) -> Policy:
    """The numbers that a message is decided by."""
    return Policy(
        max_retries=settings.pace.max_poison_retries,
        backoff=settings.pace.retry_backoff,
        max_age=settings.pace.max_age,
        spans=wanted.spans,
        suspect_wait=settings.pace.suspect_wait,
        suspects_may_go=wanted.suspects_may_go,
        # Without a limit on the rate what the limiter drops is not minded.
        suspects=wanted.suspects if settings.pace.max_rate != 0 else None,
    )


class _Scan:
    """Messages looked at one after another, oldest first, and what was decided of each."""

    def __init__(
        self, context: CycleContext, route: Route, look: Look, policy: Policy, wanted: Wanted
    ) -> None:
        self._cycle, self._route, self._policy = context.cycle, route, policy
        self._now, self._depth = look.now, look.reading.depths.source
        self._suspects, self._deep = wanted.suspects, context.surroundings.scan.deep
        self._rules = (
            f"{policy.max_retries} {policy.backoff:g} {policy.max_age:g} {policy.suspect_wait:g}"
        )
        self._skip, self._ready_at = self._known_to_wait(look.reading.cursor)
        # So many of the messages that are looked at came in an outage.
        self._cleared = wanted.suspects.cleared - self._skip
        self._waiting_suspects: list[int] = []
        self._sends_suspect = False
        self._decisions: list[Decision] = []
        self.messages: list[bytes] = []
        self.going = self.data_bytes = 0
        # A commit will hold all from the first message that goes: no more than these, all told.
        self._most, self._most_bytes = inf, inf
        self.has_ended = self.is_full = False

    def _known_to_wait(self, cursor: Cursor) -> tuple[int, float]:
        """How many of the oldest messages were seen to wait by the same rules, and until when."""
        # No backoff is longer; a moment beyond it was written before a clock went back.
        is_now = self._now < cursor.until <= self._now + LONGEST_BACKOFF
        if is_now and cursor.rules == self._rules and 0 < cursor.messages <= self._depth:
            return cursor.messages, cursor.until
        return 0, float("inf")

    @property
    def place(self) -> int:
        """How many messages are older than the next one to look at."""
        return self._skip + len(self.messages)

    def is_within(self, bounds: ScanBounds) -> bool:
        """Whether there is room for one more message."""
        return len(self.messages) < bounds.messages and self.data_bytes < bounds.data_bytes

    def page(self, bounds: ScanBounds) -> tuple[int, int]:
        """How many messages and bytes the next look may return."""
        count, data_bytes = len(self.messages), self.data_bytes
        most = min(MOST_MESSAGES, self._most - count, bounds.messages - count)
        most_bytes = min(MOST_BYTES, self._most_bytes - data_bytes, bounds.data_bytes - data_bytes)
        return int(most), int(most_bytes)

    def take(self, raw: bytes) -> bool:
        """Decide what becomes of the next message; False when a commit holds no more."""
        size, count = len(raw), len(self.messages)
        if self.data_bytes + size > self._most_bytes:
            self.is_full = True
            return False
        is_cleared = count < self._cleared
        decision = decide(
            raw, self._route, self._policy, self._cycle, self._now, is_cleared=is_cleared
        )
        if decision.is_suspect:
            self._note_suspect(raw, decision)
        if decision.action is Action.WAIT:
            self._ready_at = min(self._ready_at, decision.ready_at)
        else:
            if not self.going:
                self._most = count + most_behind(self._nearer(self.place))
                self._most_bytes = self.data_bytes + MOST_BYTES
            self.going += 1
        self.messages.append(raw)
        self._decisions.append(decision)
        self.data_bytes += size
        self.is_full = count + 1 >= self._most or self.data_bytes >= self._most_bytes
        return not self.is_full

    def _note_suspect(self, raw: bytes, decision: Decision) -> None:
        """One that goes is the only one of its batch; one that waits is remembered."""
        if decision.action is Action.REPLAY:
            self._sends_suspect = True
            self._policy = replace(self._policy, suspects_may_go=False)
        else:
            self._waiting_suspects.append(checksum(raw))

    def selection(self) -> Selection:
        """What goes of the messages that were looked at."""
        first, last = _from_first_to_last(self._decisions)
        waiting = self._skip + len(self._decisions) - self.going
        is_deep = last > 0 and self._nearer(self._skip + first) > self._deep
        if is_deep:
            last, waiting = first, self._skip + first
        ready_at = min(self._ready_at, self._now + LONGEST_BACKOFF)
        is_all_known = self._skip == 0 and self.has_ended
        return Selection(
            batch=Batch(self._skip + first, self.messages[first:last], self._decisions[first:last]),
            waiting=waiting,
            saw_all=not is_deep and (self.has_ended or self.place >= self._depth),
            ready_at=ready_at,
            state={
                "cursor": waiting,
                "cursor_until": f"{ready_at:.3f}",
                "cursor_rules": self._rules,
            },
            suspects=self._suspects.seen(self._waiting_suspects, is_all_known, self._now),
            sends_suspect=self._sends_suspect,
            is_full=self.is_full,
            behind=waiting if is_deep else 0,
        )

    def _nearer(self, older: int) -> int:
        """How far the message behind so many older ones lies from the nearer end."""
        return min(older, max(0, self._depth - older))


def _from_first_to_last(decisions: Iterable[Decision]) -> tuple[int, int]:
    """The stretch from the first message that goes to behind the last one."""
    goes = [at for at, each in enumerate(decisions) if each.action is not Action.WAIT]
    return (goes[0], goes[-1] + 1) if goes else (0, 0)
