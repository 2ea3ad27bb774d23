"""Moments in time as the pipeline writes them, and as we do.

A moment is a float: seconds since 1970-01-01 UTC.
"""

from datetime import UTC, datetime

# Larger numbers in a `timestamp` are milliseconds: as seconds they lie after the year 5138.
_MILLISECONDS_FROM = 100_000_000_000


def iso(moment: float) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    stamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def moment_of(value: object) -> float | None:
    """The moment that a decoded JSON value stands for; None if it stands for none.

    Takes ISO 8601 text (UTC when it names no zone), or a number of seconds or milliseconds.
    """
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str):
            stamp = datetime.fromisoformat(value)
            seconds = (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
        elif isinstance(value, int | float):
            seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else float(value)
        else:
            return None
        # A zone can move a moment out of the years 1 to 9999, where `iso` could not write it.
        return datetime.fromtimestamp(seconds, UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
