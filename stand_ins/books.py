"""The books of a run: every message followed by its id, from the start of a run to its end."""

import json
import threading
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import redis

from mutt_tasks.store.connection import translated
from stand_ins import facts

PAGE = 1000

Name = TypeVar("Name")

# What is added to a message on its way, and the key that never leaves it.
_NOT_ITS_OWN = frozenset({facts.SHED_REASON, facts.KEY})


def identity(raw: bytes) -> bytes:
    """What stays the same about a message wherever it lies, and however it is wrapped.

    That is the correlation id of its event; without one, the event's own fields; for anything
    but a JSON object the bytes, which nobody rewrites.
    """
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return event_identity(found) if isinstance(found, dict) else raw


def event_identity(message: dict[str, Any]) -> bytes:
    """The identity of a decoded message: an event, an alert, or what Moogsoft gets."""
    while wrapped := [w for w in (facts.WRAPPED, facts.POSTED) if isinstance(message.get(w), dict)]:
        message = message[wrapped[0]]
    name = message.get(facts.CORRELATION_ID)
    if isinstance(name, str):
        return name.encode("utf-8", "surrogatepass")
    own = {
        field: value
        for field, value in message.items()
        if not field.startswith("_") and field not in _NOT_ITS_OWN
    }
    return json.dumps(own, sort_keys=True).encode()


def lost_and_doubled(known: Counter[Name], found: Counter[Name]) -> tuple[list[Name], list[Name]]:
    """Which messages are nowhere, and which are there more often than they should be.

    `known` says how often each message must be found, `found` how often it was, in lists, in
    hands and at its end. Each is named as often as it is missing, or found once too often; what
    is not known at all is neither.
    """
    too_many = found - known
    doubled = Counter({name: times for name, times in too_many.items() if name in known})
    return list((known - found).elements()), list(doubled.elements())


@dataclass(frozen=True)
class Inventory:
    """Everything that lay in the lists at one moment: how many by list, each by its identity.

    `dead` counts the dead letter list by reason.
    """

    depths: dict[str, int]
    messages: Counter[bytes]
    dead: Counter[str]

    @property
    def total(self) -> int:
        """How many messages there are in all."""
        return sum(self.depths.values())


def take_inventory(client: redis.Redis, lists: tuple[str, ...], dead_list: str) -> Inventory:
    """Read every list from end to end; nobody may move messages meanwhile."""
    depths, messages, dead = {}, Counter[bytes](), Counter[str]()
    for name in lists:
        depths[name] = 0
        while True:
            start = depths[name]
            page: Any = client.lrange(name, start, start + PAGE - 1)
            depths[name] += len(page)
            messages.update(identity(raw) for raw in page)
            if name == dead_list:
                dead.update(_reason(raw) for raw in page)
            if len(page) < PAGE:
                break
    return Inventory(depths, messages, dead)


def _reason(raw: bytes) -> str:
    """Why a message is on the dead letter list: our header says, or it has none."""
    try:
        return str(json.loads(raw)["_remediation"]["reason"])
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        return "malformed"


class Arrivals:
    """What Moogsoft accepted, by identity; told by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.messages: Counter[bytes] = Counter()

    def note(self, event: dict[str, Any]) -> None:
        """One accepted event."""
        name = event_identity(event)
        with self._lock:
            self.messages[name] += 1


class Losses:
    """What the stand-in pipeline destroyed, by identity and by how; told by several threads.

    A replay is told from other messages by our header.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.messages: Counter[bytes] = Counter()
        self.ways: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """How many were destroyed."""
        with self._lock:
            return self.messages.total()

    def note(self, raw: bytes, how: str) -> None:
        """One destroyed message."""
        name = identity(raw)
        way = f"{how} (a replay)" if b'"_remediation"' in raw else how
        with self._lock:
            self.messages[name] += 1
            self.ways[way] += 1


@dataclass(frozen=True)
class Balance:
    """Start and end of a run held against each other.

    `destroyed` counts by way what the pipeline itself destroyed; `joined` counts messages that are
    followed as well, though they came while it ran, and `elsewhere` those that somebody else put
    in; `lost` and `doubled` hold identities, and are empty when all is
    well.
    """

    start: Inventory
    end: Inventory
    accepted: int
    destroyed: Counter[str]
    joined: int
    elsewhere: int
    lost: list[bytes]
    doubled: list[bytes]


def weigh(
    start: Inventory,
    end: Inventory,
    arrivals: Counter[bytes],
    losses: Losses,
    joined: Counter[bytes] | None = None,
) -> Balance:
    """Follow every message from the start to where it is at the end.

    `joined` are those that came in between.
    """
    joined = joined or Counter()
    known = start.messages + joined
    found = end.messages + arrivals + losses.messages
    lost, doubled = lost_and_doubled(known, found)
    return Balance(
        start=start,
        end=end,
        accepted=arrivals.total(),
        destroyed=losses.ways,
        joined=joined.total(),
        elsewhere=(found - known).total() - len(doubled),
        lost=lost,
        doubled=doubled,
    )


class Books:
    """The books of one run: opened before anything moves, balanced when all has stopped.

    Raises StoreError when the lists cannot be read.
    """

    def __init__(
        self,
        client: redis.Redis,
        lists: tuple[str, ...],
        dead_list: str,
        arrivals: Arrivals,
        losses: Losses,
    ) -> None:
        self._take = partial(take_inventory, client, lists, dead_list)
        self._arrivals, self._losses = arrivals, losses
        with translated():
            self._start = self._take()

    def balance(self, joined: Counter[bytes] | None = None) -> Balance:
        """What became of everything, those included that `joined` it later. Raises StoreError."""
        arrived = self._arrivals.messages
        with translated():
            return weigh(self._start, self._take(), arrived, self._losses, joined)
