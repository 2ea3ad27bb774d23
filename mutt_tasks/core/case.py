"""What a message's fields and header say of its earlier tries, however it was read."""

from typing import NamedTuple

from mutt_tasks.core.failures import Spans
from mutt_tasks.core.message import Message
from mutt_tasks.core.plain_message import PlainMessage
from mutt_tasks.core.refusals import is_incomplete
from mutt_tasks.core.routes import Route


class Case(NamedTuple):
    """One message before the rules.

    `forgiven` of its replays do not count, `poison_count` is how many failures do. One that
    `failed_alone` was given up for what it is; `is_sound` is False when a counter was no counter.
    """

    message: Message | PlainMessage
    forgiven: int
    poison_count: int
    failed_alone: bool
    is_sound: bool = True
    is_incomplete: bool = False


def plain_case(plain: PlainMessage, route: Route, is_cleared: bool) -> Case:
    """The case of a message that was read fast; `is_cleared`: it came in an outage."""
    event = plain.event
    failed_alone = (
        route.puts_consumer_to_sleep
        and not is_cleared
        and any(event.get(field) for field in route.reset_fields)
    )
    poison_count = max([0, *[event.get(field, 0) for field in route.failure_fields]])
    return Case(plain, 0, poison_count, failed_alone)


def located_case(message: Message, route: Route, spans: Spans, is_cleared: bool) -> Case:
    """The case of a message that was read member by member; in the `spans` everything failed."""
    header = message.header
    # A replay that ended in shedding was no try, and one into general trouble says nothing of the
    # message: it is forgiven when next stamped.
    was_in_vain = was_shed(message, route) or _is_in(spans, header.last_at)
    # What was moved aside untried did not come back from its last replay.
    more = was_in_vain and not header.is_sheltered
    forgiven = min(header.replays, header.forgiven + more)
    counts = [message.count(field) for field in route.failure_fields]
    resets = [message.count(field) for field in route.reset_fields]
    failed_alone = (
        route.puts_consumer_to_sleep
        and not (was_in_vain or header.is_sheltered or (is_cleared and not header.replays))
        and any(count.value for count in resets)
    )
    return Case(
        message,
        forgiven,
        poison_count=max([header.replays - forgiven, *(count.value for count in counts)]),
        failed_alone=failed_alone,
        is_sound=message.is_sound and all(count.is_sound for count in counts + resets),
        is_incomplete=is_incomplete(message, route),
    )


def was_shed(message: Message, route: Route) -> bool:
    """Whether the consumer set the message aside untried.

    `shedding_reason` survives later replays, so it only tells of this stay while the
    consumer's own counter, which we set to 0, still says that it never tried.
    """
    if not route.shed_field or message.value(route.shed_field) is None:
        return False
    return all(message.count(field).value == 0 for field in route.reset_fields)


def _is_in(spans: Spans, moment: float | None) -> bool:
    return moment is not None and any(start <= moment <= end for start, end in spans)
