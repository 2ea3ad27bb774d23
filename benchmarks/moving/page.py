"""docs/performance.md and its plot."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from benchmarks.moving.measures import Blocks, Felt, Speed
from benchmarks.moving.movers import PREDECESSOR, RETRY_JOBS, WITH_JOBS
from benchmarks.moving.steps import Step
from benchmarks.moving.workers import EndToEnd, Hold
from mutt_tasks.replay.beside import STEP
from mutt_tasks.store.queues import MOST_BYTES, MOST_MESSAGES

TOP = """# Performance

Written by `make bench`; every figure is from one run, on {processors} processors that other
programs may have used as well. Ratios hold elsewhere, absolute figures do not. Events have about
450 bytes unless a row says otherwise; speeds are medians of {runs} runs.

![Speeds, and how long commits hold the server](performance.png)
"""

SPEEDS = """## Speeds

*Ours* looks, decides, stamps, counts and journals, and loses nothing at any moment. The
predecessor's loop loses what is under way; BullMQ's `retryJobs` moves ids and looks at nothing;
blind moves look at nothing either. What is not installed is not here. µs are processor time a
message, of the process that moves and of the server.
"""

BLOCKS = """## How long a script holds the server

While a script runs the server does nothing else. No commit and no look holds more than
{messages:,} messages and {kib} KiB, but a single message of any size. Median and 99th percentile,
in ms; for commits the longest one too. What other programs on the machine took is in them.

Two cases take longer:

- *A large message*: the last row of each server. It goes alone, once.
- *Messages deep inside*: the rows with 500,000 that wait are single commits of 500 messages there.
  A drain makes none of these: it brings what can go to the old end first
  ([design.md](design.md#the-move)).
"""

STEPS = """*Deep inside a long list* a job or a drain works beside what is older: {calls:,} steps of
{step} messages from the old end of a million to the middle and back, looks at both parts, and, in
turn with them, a script that only moves as many. *Worked* is the server's processor time as the
kernel counts it; *held* is how long the script ran, with the time in which the server waited for a
processor. In ms: median / 99th percentile / longest.
"""

FELT = """## What a live client feels

The time in ms that a client waits for the answer to an `LPUSH`, hundreds of them a second, while
nothing else happens and while a drain runs at full speed.
"""

HOLDS = """## A worker that has nothing to send

With the usual settings: commands a second that clients send (a script is one of them; Celery's own
are among them), commands that the server runs (those that scripts call, too), and processor time of
worker and server.
"""

END = """## End to end

A real worker, every limit lifted, with a consumer beside it, drains {worker:,.0f} messages/s, and
uses {worker_us:.1f} µs of processor time a message, Celery's included. The core alone, in the run
above (batch 1,000, AOF off), {core:,.0f}/s and {core_us:.1f} µs.

## Memory

Peak resident memory of a process that drains a queue of so many messages, 10,000 at a time.
"""

# How a script is called in the table, and whether its longest run is told.
SHOWN = (("commit", True), ("look", False), ("landing", False), ("arrivals", False))


@dataclass(frozen=True)
class Found:
    """Everything that one run of the benchmark has measured."""

    speeds: Sequence[Speed]
    blocks: Sequence[Blocks]
    steps: Sequence[Step]
    felt: Sequence[Felt]
    holds: Sequence[Hold]
    end_to_end: EndToEnd
    memory: dict[int, int]
    runs: int


def page(found: Found) -> str:
    """The page."""
    core = next(each for each in found.speeds if each.name == "ours, batch 1,000")
    end = END.format(
        worker=found.end_to_end.rate,
        worker_us=found.end_to_end.own_us,
        core=core.rate,
        core_us=core.own_us,
    )
    parts = [
        TOP.format(processors=os.cpu_count(), runs=found.runs),
        SPEEDS,
        speeds_table(found.speeds),
        BLOCKS.format(messages=MOST_MESSAGES, kib=MOST_BYTES >> 10),
        blocks_table(found.blocks),
        STEPS.format(calls=found.steps[0].calls, step=STEP),
        steps_table(found.steps),
        FELT,
        _table(
            ("server", "meanwhile", "p50", "p99", "p99.9"),
            ((f.server, f.case, *map(_ms, (f.middle, f.p99, f.p999))) for f in found.felt),
        ),
        HOLDS,
        _table(
            ("held by", "sent/s", "run/s", "worker", "server"),
            (
                (h.name, f"{h.sent:.0f}", f"{h.run:.0f}", f"{h.own:.1f} %", f"{h.its:.1f} %")
                for h in found.holds
            ),
        ),
        end,
        _table(("messages", "MiB"), ((f"{n:,}", str(mib)) for n, mib in found.memory.items())),
    ]
    return "\n".join(parts)


def speeds_table(speeds: Sequence[Speed]) -> str:
    """Speeds, beside those of the predecessor's loop and of BullMQ on the same server."""
    rates = {(each.server, each.persistence, each.name): each.rate for each in speeds}
    rows = []
    for each in speeds:
        beside = [
            rates.get((each.server, each.persistence, other)) for other in (PREDECESSOR, RETRY_JOBS)
        ]
        ratios = [f"{each.rate / rate:.2f} ×" if rate else "–" for rate in beside]
        rows.append(
            (
                *(each.server, each.persistence, each.name, f"{each.rate:,.0f}/s", *ratios),
                *(["–"] * 2 if each.name in WITH_JOBS else map(_us, (each.own_us, each.server_us))),
            )
        )
    titles = ("server", "AOF", "way", "speed", f"of {PREDECESSOR}", f"of {RETRY_JOBS}")
    return _table((*titles, "own µs", "server µs"), rows)


def blocks_table(blocks: Sequence[Blocks]) -> str:
    """How long each script held each server, one row a case."""
    by_place = {(each.server, each.case, each.script): each for each in blocks}
    rows = []
    for server, case in dict.fromkeys((each.server, each.case) for each in blocks):
        row = [server, case]
        for script, tells_longest in SHOWN:
            each = by_place.get((server, case, script))
            times = () if each is None else (each.middle, each.p99, each.longest)
            row.append(" / ".join(map(_ms, times[: 3 if tells_longest else 2])) or "–")
        rows.append(row)
    return _table(("server", "case", *(f"`{script}`" for script, _ in SHOWN)), rows)


def steps_table(steps: Sequence[Step]) -> str:
    """What steps deep inside a list took, one row a kind of call."""
    rows = [
        (s.server, s.name, *(" / ".join(map(_ms, times)) for times in (s.worked, s.held)))
        for s in steps
    ]
    return _table(("server", "call", "worked", "held"), rows)


def _us(value: float) -> str:
    return f"{value:.1f}"


def _ms(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def plot(found: Found, path: Path) -> None:
    """Speeds on the first server, and how long the scripts hold it."""
    server, persistence = found.speeds[0].server, found.speeds[0].persistence
    here = [s for s in found.speeds if (s.server, s.persistence) == (server, persistence)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5))
    colors = ["#0072B2" if each.name.startswith("ours") else "#999999" for each in here]
    left.barh([each.name for each in here], [each.rate for each in here], color=colors)
    left.invert_yaxis()
    left.set_xscale("log")
    left.set_title(f"messages/s, {server}, {persistence}")
    commits = [b for b in found.blocks if b.script == "commit"]
    names = [f"{b.server}: {b.case}" for b in commits]
    right.barh(names, [b.p99 for b in commits], color="#E69F00", label="p99")
    right.barh(names, [b.middle for b in commits], color="#0072B2", label="median")
    right.invert_yaxis()
    right.set_xscale("log")
    right.axvline(5, color="#D55E00", linewidth=1)
    right.set_title("a commit holds the server, ms")
    right.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
