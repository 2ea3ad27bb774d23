"""Changes to a message as splices: what is taken out where, and what takes its place."""

# The offset in the old bytes, how many bytes are taken out there, and the text that replaces them.
Splice = tuple[int, int, bytes]

# In the order of their offsets; none begins before the end of the one before it.
Splices = tuple[Splice, ...]


def spliced(raw: bytes, splices: Splices) -> bytes:
    """The bytes with all splices applied; every byte that no splice takes out stays."""
    pieces: list[bytes] = []
    kept_to = 0
    for at, length, text in splices:
        pieces += (raw[kept_to:at], text)
        kept_to = at + length
    pieces.append(raw[kept_to:])
    return b"".join(pieces)


def members(fields: dict[str, bytes]) -> bytes:
    """JSON members, keys that need no escape and texts of values, as they stand in an object."""
    return b",".join([b'"%s":%s' % (key.encode(), value) for key, value in fields.items()])
