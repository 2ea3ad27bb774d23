"""How fast messages move from a dead letter queue to a queue, and what that costs Redis.

Beside ours, in the same run and on the same servers, what others would do: moving/movers.py has
them. Without options it writes docs/performance.md and its plot, in less than three minutes; with
--short it measures a little of everything, and only prints.

    .venv/bin/python benchmarks/moves.py [--short]
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.moving.measures import blocks, felt, peak_memory, speeds
from benchmarks.moving.page import Found, page, plot
from benchmarks.moving.servers import Kind, kinds, running
from benchmarks.moving.steps import steps
from benchmarks.moving.workers import HOLDS, end_to_end, hold

DOCS = Path(__file__).parent.parent / "docs"


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    `messages` of a drain, of which there are so many `runs`; `rounds` of a script; messages
    `waiting`, and `steps` beside twice as many; `seconds` of a hold after as many as it takes to
    `settle`; and `lengths` of queues whose drain's memory is measured.
    """

    messages: int
    runs: int
    rounds: int
    waiting: int
    steps: int
    settle: float
    seconds: float
    lengths: tuple[int, ...]


# A hold is measured for as long as it takes from one question to Moogsoft to the next.
WHOLE = Extent(10_000, 3, 60, 500_000, 500, 60.0, 27.5, (10_000, 100_000, 1_000_000))
SHORT = Extent(1000, 1, 3, 5000, 3, 2.0, 2.0, (1000,))


def measured(extent: Extent, servers: list[Kind]) -> Found:
    """Measure everything, on each of the servers what depends on it, the rest on the first."""
    first = servers[0]
    with ThreadPoolExecutor(len(HOLDS)) as pool:
        # They do next to nothing, so they are measured side by side, and memory meanwhile.
        settle, seconds = extent.settle, extent.seconds
        held = pool.map(partial(hold, first, settle=settle, seconds=seconds), HOLDS)
        with running(first) as server:
            memory = {length: peak_memory(server, length) for length in extent.lengths}
        holds = list(held)
    _tell("memory and holds")
    worker = end_to_end(first, 5 * extent.messages)
    _tell("end to end")
    found_speeds = [each for kind in servers for each in speeds(kind, extent.messages, extent.runs)]
    _tell("speeds")
    found_blocks = [
        each for kind in servers for each in blocks(kind, extent.rounds, extent.waiting)
    ]
    _tell("blocks")
    found_steps = steps(first, 2 * extent.waiting, extent.steps)
    _tell("steps beside a list")
    idle, drained = extent.seconds / 5, 3 * extent.messages
    found_felt = [each for kind in servers for each in felt(kind, idle, drained)]
    _tell("live client")
    return Found(
        *(found_speeds, found_blocks, found_steps, found_felt, holds, worker, memory),
        runs=extent.runs,
    )


_started = time.monotonic()


def _tell(part: str) -> None:
    print(f"{time.monotonic() - _started:6.1f} s  {part}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="a little of everything; only print")
    options = parser.parse_args()
    found = measured(SHORT if options.short else WHOLE, kinds())
    text = page(found)
    print(text)
    if not options.short:
        plot(found, DOCS / "performance.png")
        (DOCS / "performance.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
