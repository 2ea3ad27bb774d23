"""The pipeline's runtime configuration, as its consumers read it: behind a cache."""

from collections.abc import Callable
from typing import TypeVar

PREFIX = "mutt:config:"
UPDATES = PREFIX + "updates"
CACHE_SECONDS = 5.0

RATE_LIMIT, RATE_PERIOD = "moog_rate_limit", "moog_rate_period"
SHED_THRESHOLD, SHED_MODE = "alerter_queue_shed_threshold", "alerter_shed_mode"
DEFER_MS = "alerter_defer_sleep_ms"

Number = TypeVar("Number", int, float)


class RuntimeConfig:
    """One consumer's view; `read` gets a key's value, `now` is a clock in seconds.

    A value is believed for CACHE_SECONDS, or until a notice on the channel UPDATES makes the
    consumer forget it. That there is none is not remembered.
    """

    def __init__(self, read: Callable[[str], str | bytes | None], now: Callable[[], float]) -> None:
        self._read, self._now = read, now
        self._cache: dict[str, tuple[str, float]] = {}

    def text(self, name: str, default: str) -> str:
        """A value, or the default where there is none."""
        value, read_at = self._cache.get(name, ("", float("-inf")))
        if self._now() - read_at < CACHE_SECONDS:
            return value
        found = self._read(PREFIX + name)
        if found is None:
            return default
        value = found.decode() if isinstance(found, bytes) else found
        self._cache[name] = value, self._now()
        return value

    def number(self, name: str, default: Number) -> int | Number:
        """A whole number; the default where there is none, or where it cannot be read."""
        try:
            return int(self.text(name, ""))
        except ValueError:
            return default

    def forget(self, name: str) -> None:
        """A notice came: read this value anew."""
        self._cache.pop(name, None)


def none(now: Callable[[], float]) -> RuntimeConfig:
    """The view of a consumer that does not read the runtime configuration."""
    return RuntimeConfig(lambda _: None, now)
