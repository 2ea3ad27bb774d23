"""What calls of the API have in common: how they answer, and how that is described."""

import json
from typing import Any

from starlette.responses import Response

# What each error says; what is common to all calls stands in the description by itself.
_FAILURES = {
    403: "the role does not allow it, or another site asks",
    404: "there is none, or none any more",
    409: "not possible as things stand",
    410: "the list has moved on so far that the place is lost: begin anew",
    412: "the plan has changed or expired: look at it again",
    423: "an operator's pause is in force",
    428: "`If-Match` is missing",
}


class Json(Response):
    """JSON in ASCII: whatever a message says, this can be sent, and nothing in it is markup."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """As it is sent."""
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").encode()


def fails(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The description of a call's own errors."""
    return {status: {"description": _FAILURES[status]} for status in statuses}
