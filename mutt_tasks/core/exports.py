"""Messages as lines of JSON, from which their exact bytes can be had again.

The last line seals the others with their number and a checksum: a file that was cut or changed is
told from a whole one. What is written for people has no credentials, and is no way back.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from mutt_tasks.core.identity import digest, parse_id
from mutt_tasks.core.redaction import Hints, raw_redacted


def line_of(name: str, route: str, raw: bytes) -> bytes:
    """A message with the id `name`, which lay in the list `route`, byte for byte.

    Bytes that are no text are written in base64.
    """
    try:
        kept = {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        kept = {"base64": b64encode(raw).decode()}
    return _line({"id": name, "route": route, **kept})


def redacted_line_of(name: str, route: str, raw: bytes, hints: Hints) -> bytes:
    """The same without credentials, for people."""
    text = raw_redacted(raw, hints)
    return _line({"id": name, "route": route, "text": text, "redacted": True})


def sealed(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, and the one that seals them."""
    checksum, messages = hashlib.sha256(), 0
    for line in lines:
        checksum.update(line)
        messages += 1
        yield line
    yield _line({"messages": messages, "sha256": checksum.hexdigest()})


def messages_of(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The messages of an export, byte for byte.

    Raises ValueError that says what is wrong, which for a checksum is known at the end alone: who
    wants none but whole exports goes through it before.
    """
    checksum, seal = hashlib.sha256(), None
    messages = count()
    for number, line in enumerate(lines, 1):
        if seal is not None:
            raise ValueError(f"line {number}: nothing can follow the checksum")
        fields = _fields(line, number)
        if "sha256" in fields:
            seal = fields
            continue
        checksum.update(line)
        next(messages)
        yield _message(fields, number)
    if seal is None:
        raise ValueError("the line with the checksum is missing: the end is cut off")
    if seal != {"messages": next(messages), "sha256": checksum.hexdigest()}:
        raise ValueError("the checksum is another one: it was changed, or parts are missing")


def _line(fields: dict[str, Any]) -> bytes:
    """ASCII, so that nothing in it can do anything to a terminal."""
    return json.dumps(fields).encode() + b"\n"


def _fields(line: bytes, number: int) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = dict(json.loads(line).items())
    except (ValueError, RecursionError, AttributeError):
        accepted = "accepts lines of JSON, as `export --raw` writes them"
        raise ValueError(f"line {number}: {accepted}") from None
    return fields


def _message(fields: dict[str, Any], number: int) -> bytes:
    if fields.get("redacted"):
        raise ValueError(f"line {number}: it is without credentials: accepts `export --raw`")
    try:
        text = fields.get("text")
        raw = b64decode(fields["base64"], validate=True) if text is None else text.encode("utf-8")
        is_itself = digest(raw).startswith(parse_id(fields["id"]).digits)
    except (KeyError, ValueError, TypeError, AttributeError):
        is_itself = False
    if not is_itself:
        raise ValueError(f"line {number}: the message is not the one that its id names")
    return raw
