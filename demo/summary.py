"""What a run did, in sums that must add up."""

from dataclasses import dataclass

from demo.status import Status
from demo.view import clock
from stand_ins.books import Balance

_SHOWN_IDS = 3


@dataclass(frozen=True)
class Summary:
    """The lines to print, and what is wrong with them; nothing when all is well."""

    lines: list[str]
    complaints: list[str]


def of_own_pipeline(found: Balance, last: Status) -> Summary:
    """The sums of a run that knows of every message: of all lists, and of the dead letter queues.

    `last` is the status after everything has stopped.
    """
    start, end = found.start, found.end
    dead_before, dead_after = start.dead.total(), end.dead.total()
    queued = end.total - dead_after
    destroyed = found.destroyed.total()
    in_dlqs, left = (sum(side.depths[name] for name in last.dlqs) for side in (start, end))
    came_back = last.came_back or 0
    set_aside = sum(last.quarantined.values())
    taken_out = dead_before + set_aside - dead_after
    sheltered = last.sheltered
    put_in = last.replayed + set_aside + left - in_dlqs - came_back - sheltered
    lines = [
        _from_start_to_end(found),
        f"{in_dlqs:,} in the dead letter queues + {came_back:,} that came back"
        f"{f' + {sheltered:,} sheltered' if sheltered else ''}"
        f"{f' + {put_in:,} put in' if put_in > 0 else ''} ="
        f" {last.replayed:,} replayed + {set_aside:,} set aside + {left:,} still there",
    ]
    complaints = []
    if (
        start.total + found.joined + found.elsewhere
        != found.accepted + dead_after + destroyed + queued
    ):
        complaints.append("start and end are not the same number")
    # What an operator takes off the dead letter list may have gone back.
    if not 0 <= put_in <= found.elsewhere + max(0, taken_out):
        complaints.append(f"the dead letter queues are {put_in:+,} messages off")
    complaints += _named("lost", found.lost) + _named("there more than once", found.doubled)
    if not complaints:
        lines.append("Each message was followed by its id: none is lost, none doubled.")
    if sheltered:
        lines += _sheltered(sheltered, found.joined, last.would_be_destroyed)
    lines += [f"Destroyed {way}: {n:,}" for way, n in sorted(found.destroyed.items())]
    return Summary(lines, complaints)


def _from_start_to_end(found: Balance) -> str:
    """Where all messages came from, and where they are."""
    start, end = found.start, found.end
    dead_before, destroyed = start.dead.total(), found.destroyed.total()
    became = [f"{found.accepted:,} accepted by Moogsoft"]
    became += [f"{n:,} {reason}" for reason, n in sorted(end.dead.items())]
    if destroyed:
        became.append(f"{destroyed:,} destroyed by the pipeline itself")
    earlier = f" ({dead_before:,} of them dead before)" if dead_before else ""
    live = f" + {found.joined:,} live" if found.joined else ""
    elsewhere = f" + {found.elsewhere:,} put in from elsewhere" if found.elsewhere else ""
    return (
        f"{start.total:,} messages at the start{earlier}{live}{elsewhere} ="
        f" {' + '.join(became)} + {end.total - end.dead.total():,} still in queues"
    )


def of_configured_redis(first: Status, last: Status) -> Summary:
    """The sums of a run on somebody's own pipeline, where others put in and take out too."""
    set_aside = sum(last.quarantined.values())
    arrived = last.replayed + set_aside + last.waiting - first.waiting
    moved = f"{arrived:,} that arrived" if arrived >= 0 else f"({arrived:,}) that others took out"
    return Summary(
        [
            f"{first.waiting:,} in the dead letter queues + {moved} ="
            f" {last.replayed:,} replayed + {set_aside:,} set aside + {last.waiting:,} still there"
        ],
        [],
    )


def show(summary: Summary, elapsed: float) -> None:
    """Print it."""
    print(f"\nSummary after {clock(elapsed)}", flush=True)
    for line in summary.lines:
        # Each side of a sum on a line of its own fits the narrowest terminal.
        print("  " + line.replace(" = ", "\n    = ", 1), flush=True)
    for complaint in summary.complaints:
        print(f"  DOES NOT ADD UP: {complaint}", flush=True)


def _sheltered(times: int, live: int, saved: int | None) -> list[str]:
    """What shelter did, and what it saved where that can be reckoned."""
    lines = [
        f"Sheltered: {times:,} times an alert was moved aside from a forwarder that could not"
        " deliver, to come back by itself."
    ]
    if saved is not None:
        lines.append(
            f"Without shelter: about {saved:,} of the {live:,} live alerts would have been"
            " destroyed. Reckoned: the same arrivals and outage through a forwarder as fast as"
            " this one, replays left out."
        )
    return lines


def _named(what: str, names: list[bytes]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(repr(name[:60]) for name in names[:_SHOWN_IDS])
    more = ", …" if len(names) > _SHOWN_IDS else ""
    return [f"{len(names):,} {what}: {shown}{more}"]
