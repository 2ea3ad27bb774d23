"""What operators may say: checks with one clear line each."""

import re

from mutt_tasks.errors import InvalidArgument

# Neither what moves a cursor nor what cannot be written as UTF-8.
_LINE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")


def line(name: str, value: object, most: int = 200) -> str:
    """A text of 1 to `most` characters on one line; raises InvalidArgument that names it."""
    if not isinstance(value, str) or not _LINE.fullmatch(value) or len(value) > most:
        raise InvalidArgument(f"{name}: accepts 1 to {most} characters on one line")
    return value


def stream_id(name: str, value: str) -> str:
    """The id of an entry of journal or audit; raises InvalidArgument that names it."""
    if not re.fullmatch(r"[0-9]{1,19}-[0-9]{1,19}", value):
        raise InvalidArgument(f"{name}: got {value!r:.60}, accepts an entry's id")
    return value


def seconds(name: str, value: object, least: float, most: float) -> float:
    """A number of seconds; raises InvalidArgument that names it and the bounds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise InvalidArgument(f"{name}: accepts a number from {least:g} to {most:.0f}")
    return value  # type: ignore[return-value]


def digest(name: str, value: object, least: int = 12) -> str:
    """A SHA-1 in hex, or at least its first digits; raises InvalidArgument that names it."""
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-fA-F]{{{least},40}}", value):
        raise InvalidArgument(
            f"{name}: accepts the first {least} to 40 hexadecimal digits of a SHA-1"
        )
    return value.lower()
