"""Whether messages left the lists uncounted, whether the audit was whole, and when that was seen.

Arrivals are counted by nobody: producers push as they like. But what they have brought to a list
can be told at any moment, as what lies there and what has left it, and it can only grow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

from mutt_tasks.core.routes import Route
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import (
    DISCARDED,
    EXPIRED,
    IMPORTED,
    LOOPS,
    QUARANTINED,
    REDIRECTED,
    REPLAYED,
    REQUEUED,
    SHELTERED,
    UNDONE,
)
from mutt_tasks.store.fields import listed, text, whole_number
from mutt_tasks.store.scripts import Scripts

# What people call the dead letter list.
DEAD = "dead"

_BROUGHT, _MISSING = "brought:", "missing:"


@dataclass(frozen=True)
class Checks:
    """What was found at the last checks; None where there was none yet.

    `missing` counts, by list, messages that left it uncounted since counting began, seen at
    `balanced_at`, and `brought` those that others have brought there, without the missing ones;
    `is_audit_whole` was seen at `audited_at` (seconds since 1970).
    """

    missing: Mapping[str, int] = field(default_factory=dict)
    brought: Mapping[str, int] = field(default_factory=dict)
    balanced_at: float | None = None
    is_audit_whole: bool | None = None
    audited_at: float | None = None

    @classmethod
    def read(cls, fields: Mapping[bytes, bytes]) -> "Checks":
        """What the hash tells."""
        found = {text(name): value for name, value in fields.items()}
        missing, brought = (
            {
                name.removeprefix(prefix): whole_number(value) or 0
                for name, value in sorted(found.items())
                if name.startswith(prefix)
            }
            for prefix in (_MISSING, _BROUGHT)
        )
        whole = found.get("audit_whole")
        return cls(
            missing,
            brought,
            _seconds(found.get("balanced_ms")),
            None if whole is None else whole == b"1",
            _seconds(found.get("audited_ms")),
        )


@dataclass(frozen=True)
class _Account:
    """A list by its name: its keys, the counters of what left it, and of what we put there."""

    name: str
    lists: tuple[str, str, str]
    left: list[str]
    put: list[str]


class Balance:
    """Check the books, and keep what checks find. Raises StoreError."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def check(self, routes: tuple[Route, ...], dead: str) -> dict[str, int]:
        """How many messages left each list since the last check, and were not counted.

        `dead` is the dead letter list, which is called `dead`; the others have their routes' names.
        """
        accounts = [*(_of_route(route, routes) for route in routes), _of_dead(dead, routes)]
        answer = self._scripts.call(
            "balance",
            [keys.CHECKS, keys.STATS, *(each for account in accounts for each in account.lists)],
            [
                LOOPS.of(),
                *listed(account.name for account in accounts),
                *(
                    part
                    for account in accounts
                    for part in (*listed(account.left), *listed(account.put))
                ),
            ],
        )
        return dict(zip((each.name for each in accounts), map(int, answer[1:]), strict=True))

    def note_audit(self, *, is_whole: bool, now: float) -> None:
        """Keep whether the audit was whole at that moment (seconds since 1970)."""
        fields: dict[Any, Any] = {"audit_whole": int(is_whole), "audited_ms": round(now * 1000)}
        with translated():
            self._client.hset(keys.CHECKS, mapping=fields)


def _of_route(route: Route, routes: Iterable[Route]) -> _Account:
    name = route.name
    return _Account(
        name,
        (route.source, keys.aside(name), keys.front(name)),
        left=[
            REPLAYED.of(name),
            *(family.of(name) for family in QUARANTINED.values()),
            DISCARDED.of(name),
            *_redirected(routes),
        ],
        put=[SHELTERED.of(name), UNDONE.of(name), IMPORTED.of(name)],
    )


def _of_dead(dead: str, routes: Iterable[Route]) -> _Account:
    names = [route.name for route in routes]
    return _Account(
        DEAD,
        (dead, keys.aside(DEAD), keys.front(DEAD)),
        left=[
            *(REQUEUED.of(name) for name in (*names, DEAD)),
            DISCARDED.of(DEAD),
            EXPIRED.of(DEAD),
            *_redirected(routes),
        ],
        put=[
            *(family.of(name) for family in QUARANTINED.values() for name in (*names, DEAD)),
            UNDONE.of(DEAD),
            IMPORTED.of(DEAD),
        ],
    )


def _redirected(routes: Iterable[Route]) -> list[str]:
    """These bear the name of where they went, if that is a queue of the pipeline.

    So all of them are taken to have left each list. Counting too much as left hides what went
    missing in that moment, and never makes anything seem so that did not.
    """
    return [REDIRECTED.of(name) for name in (*(route.name for route in routes), DEAD)]


def _seconds(raw: bytes | None) -> float | None:
    moment = whole_number(raw)
    return None if moment is None else moment / 1000
