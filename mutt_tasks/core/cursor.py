"""Where a listing goes on, though both ends of the list move meanwhile.

A place is counted from the end at which the listing began, and is only where to look first: what
holds is the message that was shown last, or the one that was to come next.
"""

import re
from dataclasses import dataclass

from mutt_tasks.core.identity import DIGITS

ACCEPTED = "accepts the cursor of an earlier page"
_WRITTEN = re.compile(
    rf"([A-Za-z0-9_-]{{1,40}})\.([on])([0-9]{{1,12}})"
    rf"(?:\.([0-9a-f]{{{DIGITS}}})\.([0-9a-f]{{{DIGITS}}})?)?"
)


@dataclass(frozen=True)
class Cursor:
    """A place in a list behind `place` messages, the last of which had the digest `last`.

    `following` is that of the message to go on with. Both are shortened as in message ids; at the
    very beginning both are empty. `is_newest_first` says which end the listing began at.
    """

    source: str
    is_newest_first: bool = False
    place: int = 0
    last: str = ""
    following: str = ""

    def __str__(self) -> str:
        end = "n" if self.is_newest_first else "o"
        digests = f".{self.last}.{self.following}" if self.last else ""
        return f"{self.source}.{end}{self.place}{digests}"


def parse_cursor(text: str) -> Cursor:
    """The cursor that a text writes; raises ValueError that says what is accepted."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or (int(found[3]) > 0) != bool(found[4]):
        raise ValueError(ACCEPTED)
    return Cursor(found[1], found[2] == "n", int(found[3]), found[4] or "", found[5] or "")
