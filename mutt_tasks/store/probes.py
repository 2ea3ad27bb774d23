"""The last answer of Moogsoft's probe, kept in Redis so that every process sees the same."""

from dataclasses import dataclass, field
from typing import Any

import redis

from mutt_tasks.core.asking import Asking
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated


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


class Probes:
    """Remember the last probe."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def last(self) -> ProbeRecord | None:
        """The last answer, if there is one that can be read."""
        names = ("checked_at", "usable_until", "not_before")
        with translated():
            found: Any = self._client.hmget(
                keys.HEALTH, "healthy", "reason", "failures", "asked", *names
            )
        healthy, reason, failures, asked, *moments = found
        try:
            asking = Asking(int(failures or 0), tuple(map(float, (asked or b"").split())))
            checked_at, usable_until, not_before = map(float, moments)
            text = (reason or b"").decode()
            return ProbeRecord(healthy == b"1", text, checked_at, usable_until, not_before, asking)
        except (TypeError, ValueError):
            return None

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
