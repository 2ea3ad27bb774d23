"""The last answer of Moogsoft's probe, kept in Redis so that every process sees the same."""

from dataclasses import dataclass, field
from typing import Any

import redis

from mutt_tasks.core.asking import Asking
from mutt_tasks.core.breaker import Marks
from mutt_tasks.core.routes import Route
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import number


@dataclass(frozen=True)
class ProbeRecord:
    """An answer: healthy or not, and why. Moments in seconds since 1970.

    It may be used again from `checked_at` until `usable_until`; Moogsoft asked not to be
    bothered before `not_before` (0 when it did not). `asking` tells of the questions before.
    `stale_since` is not kept: since when the forwarder's breaker is stale (0: it is not).
    """

    healthy: bool
    reason: str
    checked_at: float
    usable_until: float
    not_before: float = 0.0
    asking: Asking = field(default_factory=Asking)
    stale_since: float = 0.0


_FIELDS = ("healthy", "reason", "failures", "asked", "checked_at", "usable_until", "not_before")


@dataclass(frozen=True)
class Outlook:
    """What a drain that waits for Moogsoft looks at, between two cycles.

    That is at the moment `now`, by Redis' own clock. It has waited without a cycle since
    `waits_since` (0: it does not wait). The forwarder's limiter took its newest at `passed_at`
    (0: its breaker counts failures). Moments are in seconds since 1970.
    """

    now: float
    waits_since: float
    is_paused: bool
    has_work: bool
    record: ProbeRecord | None
    breaker: Marks
    passed_at: float


class Probes:
    """Remember the last probe."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client, self._scripts = client, scripts

    def last(self) -> ProbeRecord | None:
        """The last answer, if there is one that can be read."""
        with translated():
            return _record(self._client.hmget(keys.HEALTH, *_FIELDS))

    def outlook(self, routes: tuple[Route, ...], limiter_key: str) -> Outlook:
        """What decides whether a drain goes on waiting; `limiter_key` names the limiter."""
        now, answers = self._scripts.read_at(
            ("HGET", keys.DRAIN, "asks"),
            ("EXISTS", keys.PAUSED),
            ("HMGET", keys.HEALTH, *_FIELDS, "breaker_seen_at"),
            ("MGET", keys.BREAKER, keys.BREAKER_OPEN_TIME, keys.FAILURES),
            ("EXISTS", keys.OLD_BREAKER),
            ("ZREVRANGE", limiter_key, 0, 0, "WITHSCORES"),
            *(("LLEN", route.source) for route in routes),
            # A key that holds something else is as good as not there; a full cycle says what.
            is_lenient=True,
        )
        asks, is_paused, health, breaker, old_mark, newest, *depths = answers
        state, open_time, failures = breaker
        *kept, seen_at = health or (None,) * (len(_FIELDS) + 1)
        return Outlook(
            now=now,
            waits_since=number(asks) / 1000,
            is_paused=bool(is_paused),
            has_work=any(depths),
            record=_record(kept),
            breaker=Marks(state, open_time, bool(old_mark), number(seen_at)),
            passed_at=number(newest[1]) / 1000 if newest and not number(failures) else 0.0,
        )

    def remember(self, record: ProbeRecord) -> None:
        """Keep an answer."""
        fields: dict[Any, Any] = {
            "healthy": int(record.healthy),
            "reason": record.reason,
            "checked_at": f"{record.checked_at:.3f}",
            "usable_until": f"{record.usable_until:.3f}",
            "not_before": f"{record.not_before:.3f}",
            "failures": record.asking.failures,
            "asked": " ".join(f"{moment:.3f}" for moment in record.asking.asked),
        }
        with translated():
            self._client.hset(keys.HEALTH, mapping=fields)

    def breaker_seen(self, moment: float) -> None:
        """Keep when the forwarder's breaker was first seen open without a date; 0 forgets it."""
        with translated():
            if moment:
                self._client.hset(keys.HEALTH, "breaker_seen_at", f"{moment:.3f}")
            else:
                self._client.hdel(keys.HEALTH, "breaker_seen_at")


def _record(found: list[Any]) -> ProbeRecord | None:
    """The record in the order of `_FIELDS`; None when it cannot be read."""
    healthy, reason, failures, asked, *moments = found
    try:
        asking = Asking(int(failures or 0), tuple(map(float, (asked or b"").split())))
        checked_at, usable_until, not_before = map(float, moments)
        text = (reason or b"").decode()
        return ProbeRecord(
            healthy == b"1", text, checked_at, usable_until, not_before=not_before, asking=asking
        )
    except (TypeError, ValueError):
        return None
