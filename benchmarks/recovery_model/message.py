"""A message as the pipeline's services hold it, and the JSON that lies in the lists."""

import json
from typing import Any

from mutt_tasks.core.moments import iso

API_KEY = "model-key"  # in clear on the alert queue, as the pipeline has it

_RETRY, _MOOG_RETRY, _SHED = "_retry_count", "_moog_retry_count", "shedding_reason"


class Message:
    """One event or, once the alerter has wrapped it, one alert.

    `number` is its identity, `tries` the alerter's counter and `posts` the forwarder's. `event`
    and `alert` hold the decoded objects; they are made when first needed, for most messages are
    never looked at.
    """

    __slots__ = ("alert", "born", "event", "number", "poison", "posts", "tries", "wrapped")

    def __init__(self, number: int, born: float, poison: bool) -> None:
        self.number = number
        self.born = born
        self.poison = poison
        self.tries = 0
        self.posts = 0
        self.wrapped = False
        self.event: dict[str, Any] | None = None
        self.alert: dict[str, Any] | None = None

    def shed(self) -> None:
        """Note in the event why the alerter sets it aside untried."""
        self._event()[_SHED] = "alert_queue_full"

    def encoded(self) -> str:
        """The JSON text that lies in a list."""
        if not self.wrapped:
            return self._event_text()
        alert = self.alert
        if alert is None:
            alert = self.alert = {
                "_correlation_id": correlation_id(self.number),
                "api_key": API_KEY,
                "message_body": "link down",
                "raw_json": self._event_text(),
            }
        if self.posts or _MOOG_RETRY in alert:
            alert[_MOOG_RETRY] = self.posts
        return json.dumps(alert)

    def _event_text(self) -> str:
        event = self._event()
        if self.tries or _RETRY in event:
            event[_RETRY] = self.tries
        return json.dumps(event)

    def _event(self) -> dict[str, Any]:
        if self.event is None:
            self.event = {
                "hostname": f"core-sw-{self.number % 400:03d}",
                "timestamp": iso(self.born),
                "message": "%LINK-3-UPDOWN: Interface TenGigE0/1/0/7, changed state to down",
                "_correlation_id": correlation_id(self.number),
            }
            if self.poison:
                self.event["poison"] = True
        return self.event


def correlation_id(number: int) -> str:
    """The `_correlation_id` of a message."""
    return f"{number:012x}"


def identity(raw: bytes) -> tuple[int, dict[str, Any]]:
    """The number in a message's `_correlation_id`, and the decoded object."""
    fields: dict[str, Any] = json.loads(raw)
    return int(fields["_correlation_id"], 16), fields


def decoded(number: int, fields: dict[str, Any], born: float, poison: bool) -> Message:
    """A message from its JSON object.

    `born` (seconds since 1970) and `poison` are what the books say of it.
    """
    message = Message(number, born, poison)
    if "raw_json" in fields:
        message.wrapped, message.alert = True, fields
        message.posts = fields.get(_MOOG_RETRY, 0)
    else:
        message.event = fields
        message.tries = fields.get(_RETRY, 0)
    return message
