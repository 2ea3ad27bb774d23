"""A route: from which dead letter queue, to which queue, and what a replay resets."""

from dataclasses import dataclass
from functools import cached_property

from mutt_tasks.core.message import HEADER_FIELD


@dataclass(frozen=True)
class Route:
    """One way back into the pipeline, from list `source` to list `target`.

    What cannot be replayed goes to `dead`, the dead letter list.

    `reset_fields` are set to 0 on replay: the consumer checks them before it tries, so a
    message that keeps its old count comes straight back. `failure_fields` are counters of the
    pipeline that a replay leaves alone and that count towards poison. `shed_field` is what the
    consumer adds to a message that it sets aside untried. `puts_consumer_to_sleep` says that it
    sleeps after each failed try.

    The consumer drops a message, or fails at it for ever, unless each of `required_fields` is there
    and not empty, none of `scalar_fields` is an array or an object, and `text_field` holds text
    (or something else beside text in `text_instead`).
    """

    name: str
    source: str
    target: str
    dead: str
    reset_fields: tuple[str, ...]
    failure_fields: tuple[str, ...] = ()
    shed_field: str = ""
    puts_consumer_to_sleep: bool = False
    required_fields: tuple[str, ...] = ()
    scalar_fields: tuple[str, ...] = ()
    text_field: str = ""
    text_instead: str = ""

    @cached_property
    def read_fields(self) -> frozenset[str]:
        """Everything that is read from a message of this route, or replaced in it."""
        own = (*self.reset_fields, *self.failure_fields, *self.required_fields, *self.scalar_fields)
        return frozenset(own) | {HEADER_FIELD, "timestamp", self.shed_field, self.text_field} - {""}


def alerter_route(source: str, target: str, dead: str) -> Route:
    """What the alerter gave up, back to the ingest queue."""
    return Route(
        "alerter",
        source,
        target,
        dead,
        reset_fields=("_retry_count",),
        failure_fields=("_moog_retry_count",),
        shed_field="shedding_reason",
        required_fields=("hostname", "timestamp", "message"),
        # It is looked up in a set: what cannot be hashed fails at every try.
        scalar_fields=("hostname",),
        # Rules match its text, or a trap's number; an event that neither could match is lost.
        text_field="message",
        text_instead="trap_oid",
    )


def moog_route(source: str, target: str, dead: str) -> Route:
    """What the forwarder gave up, back to the alert queue."""
    # Severity is looked up in a table: what cannot be hashed counts as a failure of Moogsoft's.
    return Route(
        "moog",
        source,
        target,
        dead,
        reset_fields=("_moog_retry_count",),
        puts_consumer_to_sleep=True,
        scalar_fields=("severity",),
    )
