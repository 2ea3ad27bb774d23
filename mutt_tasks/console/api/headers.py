"""Headers by which a change says what it is about, and which one it is."""

import re
from typing import Annotated, Any

from fastapi import Header

from mutt_tasks.console.problems import Problem

_TAG = re.compile(r'"([!#-~]{1,64})"')


def _key(least: int) -> Any:
    return Header(
        alias="Idempotency-Key",
        min_length=least,
        max_length=100,
        pattern=r"^[!-~]*$",
        examples=["6f9619ff-8b86-d011-b42d-00cf4fc964ff"],
        description="with the same one the same request is done once",
    )


IdempotencyKey = Annotated[str, _key(0)]
NeededKey = Annotated[str, _key(1)]
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=200,
        examples=['"c0ffee0123456789c0ffee0123456789"'],
        description="the ETag of the plan as it was shown",
    ),
]


def tag_of(if_match: str) -> str:
    """The ETag that is agreed to. Raises Problem: there is none, or not one alone."""
    if not if_match:
        raise Problem(428, "no-if-match", "If-Match names the ETag of the plan that was shown")
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise Problem(412, "set-changed", 'If-Match accepts one ETag, in quotes, as "c0ffee…"')
    return found[1]
