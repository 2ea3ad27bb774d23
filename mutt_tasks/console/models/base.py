"""What all shapes have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mutt_tasks.core.templates import GROUP_ID

# One line, as people write it.
LINE = r"^[^\x00-\x1f\x7f]+$"

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
MOMENT = rf"{_DATE}({_TIME})?"
SPAN = r"[0-9]{1,9}(\.[0-9]{1,3})?(s|m|min|h|d|w)"
MESSAGE_ID = r"m-[0-9a-f]{12}(-[1-9][0-9]{0,8})?"
# A message or a group.
SUBJECT = rf"^({MESSAGE_ID}|{GROUP_ID})$"
CURSOR = r"^([A-Za-z0-9_-]{1,40}\.[on][0-9]{1,12}(\.[0-9a-f]{12}\.([0-9a-f]{12})?)?)?$"

MessageId = Annotated[str, Field(pattern=rf"^{MESSAGE_ID}$", examples=["m-3f2a9c01d4e7"])]
Reason = Annotated[
    str, Field(min_length=1, max_length=200, pattern=LINE, examples=["the database is mended"])
]
RouteName = Annotated[str, Field(examples=["alerter"], description="`alerter`, `moog` or `dead`")]
Moment = Annotated[str, Field(examples=["2026-11-27T03:14:15.926Z"], description="ISO 8601, UTC")]


def _as_whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# In JSON `10.0` is as whole a number as `10`.
Whole = Annotated[int, BeforeValidator(_as_whole)]


class Shown(BaseModel):
    """Something that is answered; more may stand beside what is named here."""

    model_config = ConfigDict(extra="allow")


class Asked(BaseModel):
    """Something that is asked for; what is not named here is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Shown):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["urn:mutt:problem:set-changed"])
    title: str = Field(examples=["Precondition Failed"])
    status: int = Field(examples=[412])
    detail: str = Field(examples=["the plan p-3f2a9c01d4e7 has expired: make a new one"])
    instance: str = Field(examples=["/api/v1/jobs"])
