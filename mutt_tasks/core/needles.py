"""What must stand in a message's bytes for a text to be found in it: asked before it is decoded.

A needle is a run of letters, digits and a few signs. Where the bytes are ASCII and write no
character as its number, such a run stands in them as it stands in the decoded texts, and hiding
credentials never makes one: what is hidden becomes asterisks.
"""

import re
from collections.abc import Iterable

_RUN = re.compile(r"[A-Za-z0-9_.:@-]+")
# A number can be written in other ways than a person writes it, as 1e3 for 1000.0.
_NUMBER = re.compile(r"[0-9.e+-]*", re.IGNORECASE)


def needle_of(text: str) -> bytes:
    """The longest part of a text that must stand in the bytes, in lower case; empty without one."""
    runs = [run for run in _RUN.findall(text) if not _NUMBER.fullmatch(run) or run.count(".") > 1]
    return max(runs, key=len, default="").lower().encode()


def is_missing(needles: Iterable[bytes], raw: bytes) -> bool:
    """Whether it is certain that one of these stands nowhere in a message."""
    if not raw.isascii() or b"\\u" in raw:
        return False
    lower = raw.lower()
    return any(needle not in lower for needle in needles)
