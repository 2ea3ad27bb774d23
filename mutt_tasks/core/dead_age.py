"""How old dead letters are: those that bear no date are at least as old as what came after them."""

from collections.abc import Sequence

from mutt_tasks.core.message import died_at


def retired(messages: Sequence[bytes], before: float) -> list[bool]:
    """Which of the oldest dead letters died before a moment (seconds since 1970), oldest first.

    A message that was set aside untouched bears no date of ours, but what came behind it does.
    """
    found: list[bool] = []
    latest: float | None = None
    for raw in reversed(messages):
        moment = died_at(raw)
        latest = moment if moment is not None else latest
        found.append(latest is not None and latest < before)
    return found[::-1]
