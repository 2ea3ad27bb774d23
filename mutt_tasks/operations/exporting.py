"""Export messages as lines, and import them again, byte for byte."""

import tempfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.exports import line_of, messages_of, redacted_line_of, sealed
from mutt_tasks.core.identity import Numbering
from mutt_tasks.errors import Refused, StoreRefused
from mutt_tasks.operations import planning, sources
from mutt_tasks.operations.jobs import Order
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.sources import Source
from mutt_tasks.store.requests import Request

# One step of an import pushes so much at most (a larger message goes alone): about a millisecond of
# Redis.
MOST_MESSAGES, MOST_BYTES = 500, 256 << 10
# An export keeps so many bytes of a list in memory, and what is more in a file.
_IN_MEMORY = 16 << 20
# A route of which cycles note something else at every try is left alone.
_TRIES = 20


@dataclass(frozen=True)
class Exported:
    """Which messages: those with these `ids`, or that match `where`, or all, of these lists."""

    ids: tuple[str, ...] = ()
    where: str = ""
    is_all: bool = False
    routes: tuple[str, ...] = ()


def exported(looker: Looker, wanted: Exported, order: Order | None) -> Iterator[bytes]:
    """The lines of an export, the oldest message of each list first, and the one that seals them.

    Without an `order` they have no credentials. With one they have the exact bytes, and the audit
    says before the first of them who has them. Raises InvalidArgument, NotFound, PlaceLost,
    SetChanged when some were brought before older ones meanwhile, and StoreError.
    """
    planning.check_selected(wanted.ids, wanted.where, is_all=wanted.is_all)
    chosen = sources.chosen(looker.settings, wanted.routes)
    meant: Iterable[tuple[Source, bytes]]
    if wanted.ids:
        meant = planning.by_id(looker, wanted.ids, chosen)
    else:
        meant = _all(looker, wanted.where, chosen)
    if order is not None:
        order.checked()
        which = " ".join(wanted.ids) or wanted.where or "all"
        scope = f"{which} of {', '.join(source.name for source in chosen)}"
        looker.store.audit.add(
            AuditEntry("export", order.actor, order.known_by, scope=scope, reason=order.reason)
        )
    return sealed(_lines(looker, meant, is_raw=order is not None))


def checked(lines: Iterable[bytes]) -> int:
    """How many messages an export holds; raises Refused unless it is whole."""
    try:
        return sum(1 for _ in messages_of(lines))
    except ValueError as why:
        raise Refused(f"nothing was imported: {why}") from None


def target(looker: Looker, route: str) -> Source:
    """The list with this name; raises InvalidArgument."""
    (source,) = sources.chosen(looker.settings, (route,))
    return source


def imported(
    looker: Looker, route: str, lines: Iterable[bytes], order: Order, skip: int = 0
) -> Iterator[int]:
    """Push the messages of an export that was `checked` to the new end of a list, in their order.

    The first `skip` are left out. Tells after each step how many have gone, with those. Raises
    InvalidArgument and StoreError.
    """
    source = target(looker, route)
    done = 0
    for number, raws in enumerate(_steps(messages_of(lines), skip)):
        request = Request(f"{order.request}:{number}", order.actor, order.reason, order.known_by)
        for _ in range(_TRIES):
            if looker.store.imports.push(source.name, source.key, raws, request):
                break
        else:
            raise StoreRefused(f"cycles change {source.key} all the time")
        done += len(raws)
        yield skip + done


def _steps(raws: Iterator[bytes], skip: int) -> Iterator[list[bytes]]:
    """As many messages as are pushed at once, one time after the other."""
    step: list[bytes] = []
    size = 0
    for raw in islice(raws, skip, None):
        size += len(raw)
        if step and (len(step) == MOST_MESSAGES or size > MOST_BYTES):
            yield step
            step, size = [], len(raw)
        step.append(raw)
    if step:
        yield step


def _all(looker: Looker, where: str, chosen: tuple[Source, ...]) -> Iterator[tuple[Source, bytes]]:
    """Every message that matches, oldest first.

    They are looked at from the new end on: at the old one a drain may take them faster than they
    are read, so that nobody could say where to go on.
    """
    every = planning.every(looker, where, chosen, is_whole=True)
    for source, found in groupby(every, itemgetter(0)):
        yield from ((source, raw) for raw in _turned_round(raw for _, raw in found))


def _turned_round(raws: Iterable[bytes]) -> Iterator[bytes]:
    """The last one first; large ones together lie in a file without a name meanwhile."""
    sizes = array("Q")
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as kept:
        for raw in raws:
            kept.write(raw)
            sizes.append(len(raw))
        place = sum(sizes)
        for size in reversed(sizes):
            place -= size
            kept.seek(place)
            yield kept.read(size)


def _lines(
    looker: Looker, meant: Iterable[tuple[Source, bytes]], *, is_raw: bool
) -> Iterator[bytes]:
    numbering = Numbering()
    for source, raw in meant:
        name = str(numbering.id_of(raw))
        if is_raw:
            yield line_of(name, source.name, raw)
        else:
            yield redacted_line_of(name, source.name, raw, looker.hints)
