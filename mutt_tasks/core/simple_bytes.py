"""Bytes of which so much is certain at a glance that nothing has to be looked at closely."""

# In bytes; longer ones are read closely. A header of ours is never longer.
LARGEST = 4096
# A look into what is nested no deeper than this never reaches Python's bound on recursion.
_MOST_BRACKETS = 64


def is_simple(raw: bytes) -> bool:
    """Whether decoding these bytes, if they are JSON, tells all about them.

    They are not long and not deep, and no text in them holds a backslash once it is decoded: only
    two backslashes, or one as its number (`\\u005c`), write one.
    """
    return (
        len(raw) <= LARGEST
        and (b"\\" not in raw or not (b"\\\\" in raw or b"\\u005" in raw))
        and is_flat(raw)
    )


def is_flat(raw: bytes) -> bool:
    """Whether no walk through what these bytes hold meets Python's bound on recursion."""
    return raw.count(b"[") + raw.count(b"{") <= _MOST_BRACKETS
