"""How long steps deep inside a long list hold a server, and how much of that is its own work.

On a machine that others use, too, a server waits for a processor, and its slow log counts that to
the script. So the kernel is asked, call by call, for how long the server has worked (`schedstat`);
and in turn with ours a script runs that does nothing but the moves.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

from benchmarks.moving.movers import fill
from benchmarks.moving.servers import Kind, Server, running
from mutt_tasks.replay.beside import STEP
from mutt_tasks.store import keys
from mutt_tasks.store.asides import Aside
from mutt_tasks.store.listing import MOST
from mutt_tasks.store.scripts import source
from mutt_tasks.store.store import Store
from stand_ins.facts import ALERTER_DLQ as DLQ

_BARE_TEXT = f"for _ = 1, {STEP} do redis.call('LMOVE', KEYS[1], KEYS[2], ARGV[1], ARGV[2]) end"
ASIDE, READ, BARE = f"{STEP} step aside, or back", "a look while they do", f"{STEP} `LMOVE`, bare"
_SCRIPTS = {ASIDE: source("aside"), READ: source("adjacent"), BARE: _BARE_TEXT}
# Commands that scripts call take less, and would fill the slow log.
_LEAST_US = 50
_TOKEN = "t" * 32

Times = tuple[float, float, float]


@dataclass(frozen=True)
class Step:
    """What one kind of call took in ms: the median, the 99th percentile and the longest.

    `worked` is the server's processor time, `held` how long the script ran, waiting included.
    """

    server: str
    name: str
    calls: int
    worked: Times
    held: Times


def steps(kind: Kind, length: int, count: int) -> list[Step]:
    """`count` steps from the old end of a list into it, and as many back; looks, and bare moves."""
    with running(kind, threshold_us=_LEAST_US) as server:
        fill(server.client, length)
        server.client.rpush("bare", *server.client.lrange(DLQ, 0, 2 * STEP))
        worked = _worked(server, count)
        held = _held(server)
        return [
            Step(server.version, name, len(times), _told(times), _told(held[name]))
            for name, times in worked.items()
        ]


def _worked(server: Server, count: int) -> dict[str, list[float]]:
    """The calls, in turn; for how long the server worked for each of them, in ms."""
    client, store, aside = server.client, Store(server.client), keys.aside("alerter")
    client.set(keys.LEASE, _TOKEN)
    bare = client.register_script(_BARE_TEXT)
    listing = store.listings.open(DLQ, aside)
    found: dict[str, list[float]] = defaultdict(list)

    def timed(name: str, call: Callable[[], object]) -> None:
        before = _worked_ms(server)
        call()
        found[name].append(_worked_ms(server) - before)

    server.forget()
    for number in range(2 * count):
        has = STEP * (number if number < count else 2 * count - number)
        wanted = has + STEP if number < count else has - STEP
        step = Aside("alerter", DLQ, aside, has, wanted)
        timed(ASIDE, lambda step=step: store.asides.step(_TOKEN, step))  # type: ignore[misc]
        ends = ("LEFT", "RIGHT") if number % 2 else ("RIGHT", "LEFT")
        lists = ("bared", "bare") if number % 2 else ("bare", "bared")
        timed(BARE, lambda ends=ends, lists=lists: bare(keys=lists, args=ends))  # type: ignore[misc]
        if wanted:
            timed(READ, lambda at=wanted: listing.read(at, MOST))  # type: ignore[misc]
    return found


def _worked_ms(server: Server) -> float:
    """Processor time of the server's main thread so far; 0 where the kernel does not tell."""
    try:
        return int(Path(f"/proc/{server.process.pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        return 0.0


def _held(server: Server) -> dict[str, list[float]]:
    """For how long each run of each script held the server, in ms."""
    names = {sha1(text.encode()).hexdigest().encode(): name for name, text in _SCRIPTS.items()}
    found: dict[str, list[float]] = defaultdict(list)
    entries: Any = server.client.slowlog_get(1_000_000)
    for entry in entries:
        words: list[bytes] = entry["command"].split(b" ", 2)
        if words[0] == b"EVALSHA" and words[1] in names:
            found[names[words[1]]].append(entry["duration"] / 1000)
    return found


def _told(times: Sequence[float]) -> Times:
    ordered = sorted(times) or [0.0]
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return statistics.median(ordered), p99, ordered[-1]
