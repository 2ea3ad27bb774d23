"""A route: from which dead letter queue, to which queue, and what a replay resets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """One way back into the pipeline.

    `reset_fields` are set to 0 on replay: the consumer checks them before it tries, so a
    message that keeps its old count comes straight back. `failure_fields` are counters of the
    pipeline that a replay leaves alone and that count towards poison. `shed_field` is what the
    consumer adds to a message that it sets aside untried. All of them are in READ_FIELDS.
    `puts_consumer_to_sleep` says that the consumer sleeps after each failed try.
    """

    name: str
    source: str
    target: str
    reset_fields: tuple[str, ...]
    failure_fields: tuple[str, ...] = ()
    shed_field: str = ""
    puts_consumer_to_sleep: bool = False


def alerter_route(source: str, target: str) -> Route:
    """What the alerter gave up, back to the ingest queue."""
    return Route(
        "alerter", source, target, ("_retry_count",), ("_moog_retry_count",), "shedding_reason"
    )


def moog_route(source: str, target: str) -> Route:
    """What the forwarder gave up, back to the alert queue."""
    return Route("moog", source, target, ("_moog_retry_count",), puts_consumer_to_sleep=True)
