"""A route: from which dead letter queue, to which queue, and what a replay resets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """One way back into the pipeline.

    `reset_fields` are set to 0 on replay: the consumer checks them before it tries, so a
    message that keeps its old count comes straight back. `failure_fields` are counters of the
    pipeline that a replay leaves alone and that count towards poison.
    """

    name: str
    source: str
    target: str
    reset_fields: tuple[str, ...]
    failure_fields: tuple[str, ...] = ()


def alerter_route(source: str, target: str) -> Route:
    """What the alerter gave up, back to the ingest queue."""
    return Route("alerter", source, target, ("_retry_count",), ("_moog_retry_count",))


def moog_route(source: str, target: str) -> Route:
    """What the forwarder gave up, back to the alert queue."""
    return Route("moog", source, target, ("_moog_retry_count",))
