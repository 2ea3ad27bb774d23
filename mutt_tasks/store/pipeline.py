"""What the pipeline says of itself: its runtime configuration and its forwarder's breaker."""

from collections.abc import Iterable
from typing import Any

import redis

from mutt_tasks.core.breaker import Marks
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import number


class Pipeline:
    """Read what its services keep in Redis; nothing of it is ever written."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client, self._scripts = client, scripts

    def runtime_config(self, names: Iterable[str]) -> dict[str, bytes]:
        """The pipeline's runtime configuration, as far as it holds these names."""
        names = list(names)
        if not names:
            return {}
        with translated():
            found: list[Any] = self._client.mget([keys.config(name) for name in names])
        return {name: raw for name, raw in zip(names, found, strict=True) if raw is not None}

    def breaker(self) -> Marks:
        """What stands in Redis of the forwarder's own circuit breaker."""
        (state, open_time), old_mark, seen_at = self._scripts.read(
            # MGET finds nothing where something else than a string stands.
            ("MGET", keys.BREAKER, keys.BREAKER_OPEN_TIME),
            ("EXISTS", keys.OLD_BREAKER),
            ("HGET", keys.HEALTH, "breaker_seen_at"),
        )
        return Marks(state, open_time, bool(old_mark), number(seen_at))
