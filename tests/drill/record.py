"""What was seen of each alert in the drill: when it fired, who was told what, when it was over."""

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.monitoring.live import Told, Watch

# Between two looks at Prometheus and at what receivers got, in seconds.
LOOK_SECONDS = 0.25


@dataclass(frozen=True, order=True)
class Name:
    """An alert as the drill speaks of it; `namespace` is where it is, empty for MUTT's own."""

    alert: str
    severity: str
    namespace: str

    @classmethod
    def of(cls, labels: dict[str, str]) -> "Name":
        """The name of an alert with these labels."""
        return cls(labels["alertname"], labels["severity"], labels.get("namespace", ""))


@dataclass
class Seen:
    """Moments of one alert (monotonic, seconds): each time that it began and ended."""

    fired: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    told: list[tuple[float, Told]] = field(default_factory=list)

    @property
    def is_firing(self) -> bool:
        """Whether it fires now."""
        return len(self.fired) > len(self.ended)

    @property
    def is_told_over(self) -> bool:
        """Whether the last message was that it is over."""
        return bool(self.told) and self.told[-1][1].status == "resolved"

    def has_fired(self, since: float) -> bool:
        """Whether it has begun to fire since a moment."""
        return bool(self.fired) and self.fired[-1] >= since

    def told_since(self, moment: float, status: str) -> list[tuple[float, Told]]:
        """The messages of this kind after a moment, and when each came."""
        return [(at, told) for at, told in self.told if at >= moment and told.status == status]


class Record:
    """Looks on from entering to leaving its context."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._seen: dict[Name, Seen] = {}
        self._known = 0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="record", daemon=True)

    def __enter__(self) -> "Record":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def of(self, name: Name) -> Seen:
        """What was seen of an alert."""
        with self._lock:
            return self._seen.setdefault(name, Seen())

    def names(self) -> list[Name]:
        """All alerts that were seen."""
        with self._lock:
            return sorted(name for name, seen in self._seen.items() if seen.fired)

    def _look_on(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            with suppress(OSError):
                self._look()

    def _look(self) -> None:
        firing = {Name.of(labels) for labels in self._watch.alerts()}
        told = self._watch.told()
        now = time.monotonic()
        for name in firing | self._firing():
            seen = self.of(name)
            if (name in firing) != seen.is_firing:
                (seen.fired if name in firing else seen.ended).append(now)
        self._note(told[self._known :], now)
        self._known = len(told)

    def _firing(self) -> set[Name]:
        with self._lock:
            return {name for name, seen in self._seen.items() if seen.is_firing}

    def _note(self, messages: Iterable[Told], now: float) -> None:
        for message in messages:
            self.of(Name.of(message.labels)).told.append((now, message))
