"""Messages by their ids: found in one pass, however many they are."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from mutt_tasks.core.cursor import Cursor
from mutt_tasks.core.identity import DIGITS, MessageId, digest, parse_id
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations.looking import NEAR, Looker, walk_on
from mutt_tasks.operations.sources import Source
from mutt_tasks.operations.sparing import Sparing
from mutt_tasks.store.listing import MOST

Found = dict[str, list[tuple[Source, bytes]]]


def pick(
    looker: Looker, names: Iterable[str], chosen: Sequence[Source]
) -> tuple[list[tuple[Source, bytes]], list[str]]:
    """The messages with these ids, each once, and those ids that are on none of the lists.

    The old ends are looked at first, for these messages go next; then all of the lists. Raises
    InvalidArgument, PlaceLost and StoreError.
    """
    wanted = {name: _parsed(name) for name in dict.fromkeys(names)}
    needed = Counter(each.digits for each in wanted.values())
    # Of equal messages that lie apart the first may be near, and the others not.
    is_plain = all(each.nth == 1 for each in wanted.values())
    found: Found = _collected(looker, needed, chosen, is_near=True) if is_plain else {}
    if any(len(found.get(digits, ())) < count for digits, count in needed.items()):
        found = _collected(looker, needed, chosen, is_near=False)
    there, gone = [], []
    for name, each in wanted.items():
        if found.get(each.digits):
            there.append(found[each.digits].pop(0))
        else:
            gone.append(name)
    return there, gone


def _collected(
    looker: Looker, needed: Counter[str], chosen: Sequence[Source], *, is_near: bool
) -> Found:
    """As many messages with the needed digits as there are, but no more than are needed."""
    found: Found = {}
    left = needed.total()
    for source, raw in _walked(looker, chosen, is_near=is_near):
        digits = digest(raw)[:DIGITS]
        if len(found.get(digits, ())) < needed[digits]:
            found.setdefault(digits, []).append((source, raw))
            left -= 1
            if not left:
                break
    return found


def _walked(
    looker: Looker, chosen: Sequence[Source], *, is_near: bool
) -> Iterator[tuple[Source, bytes]]:
    """What lies near the old end of each list; or all, from the new end, where nothing leaves."""
    length = sum(looker.store.listings.lengths([source.parts for source in chosen]))
    sparing, seen = Sparing(looker.time), 0
    for source in chosen:
        start, seen_here = Cursor(source.place, is_newest_first=not is_near), 0
        for messages in walk_on(looker.store, source, start, sparing).steps(MOST):
            for raw in messages:
                yield source, raw
            seen, seen_here = seen + len(messages), seen_here + len(messages)
            looker.progress(seen, length)
            if is_near and seen_here >= NEAR:
                break


def _parsed(name: str) -> MessageId:
    try:
        return parse_id(name)
    except ValueError as accepted:
        raise InvalidArgument(f"id: got {name!r:.60}, {accepted}") from None
