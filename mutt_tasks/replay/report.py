"""A cycle's result as a small JSON object: the task's result in Flower, and the log's line."""

from typing import Any

from mutt_tasks.core.moments import iso
from mutt_tasks.replay.result import REPLAYED, CycleResult, RouteResult
from mutt_tasks.store.lease import Holder


def packed_cycle(result: CycleResult) -> dict[str, Any]:
    """A cycle's result; what says nothing is left out."""
    packed: dict[str, Any] = {"outcome": result.outcome}
    if result.reason:
        packed["reason"] = result.reason
    packed["cycle"] = result.cycle
    if result.holder:
        packed["holder"] = _packed_holder(result.holder)
    if result.routes:
        packed["routes"] = {name: _packed_route(route) for name, route in result.routes.items()}
        packed |= {"health": result.health} if result.health else {}
        packed |= {"limit_needed": result.limit_needed} if result.limit_needed else {}
        packed["seconds"] = round(result.seconds, 3)
        packed["next_cycle"] = result.next_cycle
    return packed


def _packed_route(route: RouteResult) -> dict[str, Any]:
    packed: dict[str, Any] = {"outcome": route.outcome}
    if route.reason:
        packed["reason"] = route.reason
    elif route.limit:
        packed["limit"] = route.limit
    packed["replayed"] = route.moved.replayed
    packed |= {reason: n for reason, n in route.moved.quarantined.items() if n}
    packed |= {"sheltered": route.sheltered} if route.sheltered else {}
    packed |= {"landed": route.landed} if route.landed else {}
    packed |= {"came_back": route.returned} if route.returned else {}
    packed |= {"breaker": "opened"} if route.has_tripped else {}
    packed |= {"waiting": route.waiting} if route.waiting else {}
    packed |= {"suspects": route.suspects} if route.suspects else {}
    packed |= {"odd_counters": route.bad_counters} if route.bad_counters else {}
    if route.outcome == REPLAYED:
        packed["remaining"] = route.moved.remaining
    return packed


def _packed_holder(holder: Holder) -> dict[str, Any]:
    packed: dict[str, Any] = {"cycle": holder.cycle, "doing": holder.doing}
    packed |= {"reason": holder.reason} if holder.reason else {}
    packed |= {"since": iso(holder.since)} if holder.since else {}
    return packed | {"heard_of_seconds_ago": round(holder.silent, 1)}
