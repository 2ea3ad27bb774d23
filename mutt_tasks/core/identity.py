"""What people call a message: an id from its bytes alone, the same on every list and machine."""

import hashlib
import re
from collections import Counter
from typing import NamedTuple, TypeGuard

PREFIX, DIGITS = "m-", 12
# In front of as many digits of a job's id.
JOB_PREFIX = "j-"
_JOB = re.compile(rf"{JOB_PREFIX}[0-9a-f]{{{DIGITS}}}")
_WRITTEN = re.compile(rf"{PREFIX}([0-9a-f]{{{DIGITS}}})(?:-([1-9][0-9]{{0,8}}))?")


class MessageId(NamedTuple):
    """The first digits of the SHA-1 of a message's bytes; `nth` tells equal messages apart."""

    digits: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{PREFIX}{self.digits}" + (f"-{self.nth}" if self.nth > 1 else "")


def digest(raw: bytes) -> str:
    """The SHA-1 of a message's bytes in hex: it names the message, and keeps nothing secret."""
    return digest_bytes(raw).hex()


def digest_bytes(raw: bytes) -> bytes:
    """The same SHA-1, in 20 bytes."""
    return hashlib.sha1(raw, usedforsecurity=False).digest()


def parse_id(text: str) -> MessageId:
    """The id that a text writes, in either case; raises ValueError that says what is accepted."""
    found = _WRITTEN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"accepts {PREFIX} and {DIGITS} hexadecimal digits, as `list` shows them")
    return MessageId(found[1], int(found[2] or 1))


class Numbering:
    """Gives ids to the messages of one listing; the second of two equal ones gets `-2`.

    Equal messages are the same bytes, so it does not matter which of them is called the second:
    `-2` says that there are two.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def id_of(self, raw: bytes) -> MessageId:
        """The id of the next message of the listing."""
        digits = digest(raw)[:DIGITS]
        self._seen[digits] += 1
        return MessageId(digits, self._seen[digits])


def is_job(name: object) -> TypeGuard[str]:
    """Whether something is a job's id."""
    return isinstance(name, str) and _JOB.fullmatch(name) is not None
