"""What the demo says first: what is real, what stands in, and which pace it chose."""

import socket
import textwrap
from dataclasses import dataclass
from pathlib import Path

from demo.backlog import Backlog
from demo.choices import Choices
from demo.console import Doors
from demo.live import EVENTS_PER_SECOND
from demo.outage import Outage
from demo.status import Status
from mutt_tasks.settings import Settings
from stand_ins.moogsoft import Moogsoft


@dataclass(frozen=True)
class Parts:
    """What the demo runs; `backlog` is None when it put in no sample."""

    choices: Choices
    moogsoft: Moogsoft
    backlog: Backlog | None
    outage: Outage
    doors: Doors


def show(settings: Settings, parts: Parts, first: Status, data: Path, logs: Path | None) -> None:
    """Print it; addresses without their credentials."""
    rows = _surroundings(settings, parts, first, data)
    choices = parts.choices
    if choices.pace:
        rows.append(("Demo pace", "chosen here, not the program's defaults:"))
        pace = " ".join(f"{name}={value}" for name, value in choices.pace.items())
        rows += [("", line) for line in textwrap.wrap(pace, 64)]
    rows.append(("Metrics", f"http://localhost:{settings.process.metrics_port}/metrics"))
    rows.append(("Health", f"http://localhost:{settings.process.health_port}/health and /ready"))
    rows += parts.doors.rows(settings)
    if logs:
        rows.append(("Logs", f"{logs}/worker.log, {logs}/beat.log, {logs}/console.log"))
    for port in (settings.process.metrics_port, settings.process.health_port):
        if _is_taken(settings.process.listen_address, port):
            rows.append(("Note", f"port {port} is taken; the worker tries again every 5 s"))
    if _is_taken(settings.console.address, settings.console.port):
        rows.append(("Note", f"port {settings.console.port} is taken; there is no console"))
    print("mutt_tasks: worker and beat, with stand-ins for what is not configured", flush=True)
    for name, text in rows:
        print(f"  {name:<10} {text}", flush=True)
    print(flush=True)


def _surroundings(
    settings: Settings, parts: Parts, first: Status, data: Path
) -> list[tuple[str, str]]:
    choices, moogsoft, outage = parts.choices, parts.moogsoft, parts.outage
    if choices.stands_in_for_moogsoft:
        down = f", goes down once for {outage.seconds:g} s" if outage.seconds else ""
        asked = f"stand-in, {moogsoft.url}{down}"
    else:
        asked = "configured; it is probed"
    shown = settings.redis.address.shown
    if not choices.embeds_redis:
        configured = f"configured, {shown}; no sample, no stand-in consumers"
        return [("Redis", configured), ("Moogsoft", asked)]
    live = [("Live", f"{EVENTS_PER_SECOND:g} events/s until the outage is over")]
    return [
        ("Redis", f"embedded, {shown}, kept in {data}/"),
        ("Moogsoft", asked),
        ("Pipeline", f"stand-in alerter and forwarder; alerts go to {moogsoft.url}"),
        ("Backlog", _backlog(parts.backlog, first, data)),
        *(live if outage.seconds else []),
    ]


def _backlog(backlog: Backlog | None, first: Status, data: Path) -> str:
    if backlog is not None:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(backlog.kinds.items()))
        return f"{len(backlog):,} sample messages: {kinds}"
    return f"{first.waiting:,} messages from an earlier run; remove {data}/ for a new sample"


def _is_taken(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False
