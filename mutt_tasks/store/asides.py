"""Messages that lie beside a list, so that its middle can be worked at like its end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.counters import GATHERED
from mutt_tasks.store.fields import paired, whole_number
from mutt_tasks.store.lease import TTL_MS
from mutt_tasks.store.scripts import Scripts

# The field of a route's state that says whose messages lie beside its list.
OWNER = "beside_of"
# The fields that count steps, and messages that were brought before older ones.
_STEPPED, _BROUGHT = "stepped", "brought"

# What a drain wants at the old end of a list is wanted no more after this many milliseconds: it
# asks again.
_FORWARD_MS = 600_000


@dataclass(frozen=True)
class Aside:
    """Have `wanted` of the oldest messages of the list `name` at `key` lie in the list `beside` it.

    `has` lie there now; 1,000 at most change sides. `state` are fields of the route's state that
    change with it.
    """

    name: str
    key: str
    beside: str
    has: int
    wanted: int
    state: Mapping[str, Any] = field(default_factory=dict)


class Asides:
    """What lies beside lists, and what is to come before those that wait."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def step(self, token: str, step: Aside) -> int:
        """Step over messages, or back; returns how many lie beside the list then.

        Raises LeaseLost when the lease does not hold `token`.
        """
        counter = _BROUGHT if step.beside == keys.front(step.name) else ""
        answer = self._scripts.call(
            "aside",
            [keys.LEASE, step.key, step.beside, keys.route_state(step.name)],
            [token, TTL_MS, step.has, step.wanted, counter, *paired(step.state)],
        )
        return int(answer[1])

    def owner(self, name: str) -> str:
        """For whom messages were put beside this list last: a job's id, or empty for a drain."""
        with translated():
            found: Any = self._client.hget(keys.route_state(name), OWNER)
        return bytes(found or b"").decode(errors="replace")

    def stepped(self, name: str) -> bytes | None:
        """A number that changes with each step beside a list; None while messages lie there."""
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.hget(keys.route_state(name), _STEPPED)
            steps.exists(keys.aside(name), keys.front(name))
            number, lying = steps.execute()
        return None if lying else bytes(number or b"0")

    def brought(self, name: str) -> int:
        """How many messages of a list have been brought before older ones so far.

        By jobs that gathered theirs, and for drains. All others keep their order, wherever they
        lie.
        """
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.hget(keys.route_state(name), _BROUGHT)
            steps.hget(keys.STATS, GATHERED.of(name))
            return sum(whole_number(number or b"") or 0 for number in steps.execute())

    def want_forward(self, name: str, older: int) -> None:
        """Note that what lies behind the `older` oldest messages of a list is wanted before them.

        It only says what is worth doing: whoever writes it late harms nothing.
        """
        with translated():
            self._client.set(keys.forward(name), older, px=_FORWARD_MS)

    def wanted_forward(self, names: Iterable[str]) -> dict[str, int]:
        """In which of these lists something is wanted before so many older messages."""
        names = list(names)
        with translated():
            found: Any = self._client.mget([keys.forward(name) for name in names]) if names else []
        numbers = {name: whole_number(each or b"") for name, each in zip(names, found, strict=True)}
        return {name: older for name, older in numbers.items() if older}

    def forget_forward(self, name: str) -> None:
        """Nothing is wanted there any more."""
        with translated():
            self._client.delete(keys.forward(name))
