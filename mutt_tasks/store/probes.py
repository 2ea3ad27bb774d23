"""The last answer of Moogsoft's probe, kept in Redis so that every process sees the same."""

from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated


@dataclass(frozen=True)
class ProbeRecord:
    """An answer: healthy or not, and why. Moments in seconds since 1970.

    It may be used again from `checked_at` until `usable_until`; Moogsoft asked not to be
    bothered before `not_before` (0 when it did not).
    """

    healthy: bool
    reason: str
    checked_at: float
    usable_until: float
    not_before: float = 0.0


class Probes:
    """Remember the last probe."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def last(self) -> ProbeRecord | None:
        """The last answer, if there is one that can be read."""
        with translated():
            found: Any = self._client.hmget(
                keys.HEALTH, "healthy", "reason", "checked_at", "usable_until", "not_before"
            )
        healthy, reason, *moments = found
        try:
            return ProbeRecord(healthy == b"1", (reason or b"").decode(), *map(float, moments))
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
        }
        with translated():
            self._client.hset(keys.HEALTH, mapping=fields)
