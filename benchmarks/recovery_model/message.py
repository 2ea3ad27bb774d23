"""A message as the pipeline's services hold it, and the JSON that lies in the lists."""

import json
from enum import IntEnum
from typing import Any

from mutt_tasks.core.moments import iso
from stand_ins import facts

API_KEY = "model-key"  # in clear on the alert queue, as the pipeline has it


class Kind(IntEnum):
    """What the pipeline makes of a message."""

    GOOD = 0
    POISON = 1  # the alerter fails at it every time; as an alert, Moogsoft answers 400
    SUSPECT = 2  # Moogsoft answers 500 to it every time
    INCOMPLETE = 3  # the alerter destroys it: a required field is empty
    UNMATCHED = 4  # no rule matches it: the alerter makes no alert of it

    @property
    def is_good(self) -> bool:
        """Whether it comes to its proper end by itself, once it is put back."""
        return self in (Kind.GOOD, Kind.UNMATCHED)


class Message:
    """One event or, once the alerter has wrapped it, one alert.

    `number` is its identity, `tries` the alerter's counter and `posts` the forwarder's. `event`
    and `alert` hold the decoded objects; they are made when first needed, for most messages are
    never looked at.
    """

    __slots__ = ("alert", "born", "event", "kind", "number", "posts", "tries", "wrapped")

    def __init__(self, number: int, born: float, kind: Kind = Kind.GOOD) -> None:
        self.number = number
        self.born = born
        self.kind = kind
        self.tries = 0
        self.posts = 0
        self.wrapped = False
        self.event: dict[str, Any] | None = None
        self.alert: dict[str, Any] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the alerter finds every field that it requires."""
        if self.event is None:
            return self.kind != Kind.INCOMPLETE
        return facts.is_complete(self.event)

    def shed(self, depth: int, threshold: int) -> None:
        """Note in the event why the alerter sets it aside untried."""
        self.event = facts.shed(self._event(), depth, threshold)

    def encoded(self) -> str:
        """The JSON text that lies in a list."""
        if not self.wrapped:
            return json.dumps(self._event())
        alert = self.alert
        if alert is None:
            alert = self.alert = facts.alert(self._event(), API_KEY, "network-core")
        if self.posts or facts.FORWARDER_COUNT in alert:
            alert[facts.FORWARDER_COUNT] = self.posts
        return json.dumps(alert)

    def _event(self) -> dict[str, Any]:
        event = self.event
        if event is None:
            event = self.event = {
                "hostname": f"core-sw-{self.number % 400:03d}",
                "timestamp": iso(self.born),
                "message": "%LINK-3-UPDOWN: Interface TenGigE0/1/0/7, changed state to down",
                facts.CORRELATION_ID: correlation_id(self.number),
            }
            if self.kind == Kind.INCOMPLETE:
                event["message"] = ""
        if self.tries or facts.ALERTER_COUNT in event:
            event[facts.ALERTER_COUNT] = self.tries
        return event


def correlation_id(number: int) -> str:
    """The `_correlation_id` of a message."""
    return f"{number:012x}"


def identity(raw: bytes) -> tuple[int, dict[str, Any]]:
    """The number in a message's `_correlation_id`, and the decoded object."""
    fields: dict[str, Any] = json.loads(raw)
    return int(fields[facts.CORRELATION_ID], 16), fields


def decoded(number: int, fields: dict[str, Any], born: float, kind: Kind) -> Message:
    """A message from its JSON object.

    `born` (seconds since 1970) and `kind` are what the books say of it.
    """
    message = Message(number, born, kind)
    if facts.WRAPPED in fields:
        message.wrapped, message.alert = True, fields
        message.posts = int(facts.failures(fields, facts.FORWARDER_COUNT))
    else:
        message.event = fields
        message.tries = int(facts.failures(fields, facts.ALERTER_COUNT))
    return message
