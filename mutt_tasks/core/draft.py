"""A message as somebody edits it: its bytes, with placeholders where its credentials are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mutt_tasks.core.redaction import Hints, hidden_parts

_PLACEHOLDER = re.compile(rb'"\*\*\*([0-9]{1,6})\*\*\*"')


@dataclass(frozen=True)
class Draft:
    """What is shown to edit, and the bytes behind each placeholder, the first one behind 1."""

    shown: bytes
    hidden: Sequence[bytes]


def draft_of(raw: bytes, hints: Hints) -> Draft:
    """A message to edit; `hints` says what is hidden.

    Raises ValueError when a credential is in bytes that are no JSON: nothing could bring it back.
    """
    hidden: list[bytes] = []
    shown: list[bytes] = []
    for part, is_hidden in hidden_parts(raw, hints):
        if is_hidden:
            hidden.append(part)
            shown.append(b'"***%d***"' % len(hidden))
        else:
            shown.append(part)
    return Draft(b"".join(shown), hidden)


def finished(draft: Draft, edited: bytes) -> bytes:
    """What was edited, with the credentials back in their places.

    Raises ValueError when a placeholder is missing, or stands there twice.
    """
    # Editors end the last line.
    if edited.endswith(b"\n") and not draft.shown.endswith(b"\n"):
        edited = edited.removesuffix(b"\n").removesuffix(b"\r")
    numbers = [int(found) for found in _PLACEHOLDER.findall(edited)]
    for number in range(1, len(draft.hidden) + 1):
        if numbers.count(number) != 1:
            times = "is missing" if number not in numbers else "stands there twice"
            raise ValueError(f'"***{number}***" {times}: it stands for a credential, which stays')
    return _PLACEHOLDER.sub(lambda found: _behind(draft, found), edited)


def _behind(draft: Draft, found: re.Match[bytes]) -> bytes:
    number = int(found[1])
    return draft.hidden[number - 1] if 1 <= number <= len(draft.hidden) else found[0]
