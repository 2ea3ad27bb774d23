"""Each alert once for real: the fault is made, the alert fires, people are told, and it ends.

`make alerts` runs it and writes docs/alerts.md.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mutt_tasks.store import keys
from mutt_tasks.store.counters import LAST_CYCLE_MS
from tests.drill import beside, mutt, queues, services
from tests.drill.page import PAGE, Row, severities, severity_of, versions, written
from tests.drill.record import Name, Record
from tests.drill.world import WORKER, Fault, World, world
from tests.monitoring.files import RECEIVERS, RULES, SLO_RULES, every_alert
from tests.monitoring.live import Told, Watch, watch
from tests.moogsoft_server import MoogsoftServer, metrics, status
from tests.pipeline import DLQ, consume, event, fill
from tests.redis_server import free_port

pytestmark = pytest.mark.alerts

Story = Callable[[World], AbstractContextManager[list[Fault]]]
# A drain goes on by itself at a rate of its own.
DRAINING = {
    "REMEDIATION_DRAIN": "true",
    "REMEDIATION_DRAIN_INTERVAL": 1,
    "REMEDIATION_MAX_RATE": "auto",
}


LIMITED = {
    "REMEDIATION_MAX_RATE": "auto",
    "MOOG_RATE_LIMIT": 5,
    "DYNAMIC_CONFIG_ENABLED": "true",
}


@dataclass
class Scene:
    """The faults of one world, and its settings; without a worker where there is none to be."""

    story: Story
    env: dict[str, object] = field(default_factory=dict)
    has_worker: bool = True


SCENES = {
    "unchecked": Scene(services.unchecked),
    "tampered": Scene(services.tampered),
    "held": Scene(
        queues.held, {"REMEDIATION_RETRY_BACKOFF": 3600, "DYNAMIC_CONFIG_ENABLED": "true"}
    ),
    "suspects": Scene(queues.suspects, DRAINING | {"REMEDIATION_SUSPECT_WAIT": 40}),
    "gone": Scene(services.gone),
    "beside": Scene(beside.beside, has_worker=False),
    "deep": Scene(queues.deep, {"SLO_RECOVERED_WITHIN": 5}),
    "away": Scene(queues.away, {"REMEDIATION_MAX_RATE": "auto"}),
    "slow": Scene(queues.slow, DRAINING | {"REMEDIATION_MAX_RATE": 0.5}),
    "full": Scene(queues.full, LIMITED),
    "dropping": Scene(queues.dropping, DRAINING),
    "poison": Scene(queues.poison, DRAINING | {"REMEDIATION_RETRY_BACKOFF": 1}),
    "mutt": Scene(mutt.mutt, has_worker=False),
}
# So many at a time.
SIDE_BY_SIDE = 6
SECONDS = 150


def name_of(alert: str, place: World) -> Name:
    """The alert of a fault in its world."""
    name, _, severity = alert.partition(" ")
    namespace = "" if place.name == "mutt" else place.name
    return Name(name, severity or severity_of(name), namespace)


def patiently(what: Callable[[], bool], hint: Callable[[], str]) -> None:
    """Wait until something is true, looking a few times a second."""
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline, hint()
        time.sleep(0.3)


def is_told_well(message: Told) -> None:
    """By the receiver of its severity, with what belongs to it, in words that are whole."""
    labels = message.labels
    assert message.receiver == RECEIVERS[labels["severity"]]
    grouped = ("namespace", "service", "route")
    assert message.group == {name: labels[name] for name in grouped if name in labels}
    assert not re.search(r"\{\{|no value|NaN|Inf|%!", message.description), message.description


def played(fault: Fault, place: World, record: Record) -> list[Row]:
    """Make a fault, wait until its alerts fire and are told, mend it, wait until they are over."""
    told = [name_of(alert, place) for alert in fault.alerts]
    hidden = [name_of(alert, place) for alert in fault.hidden]

    def hint() -> str:
        states = {name: record.of(name) for name in told + hidden}
        return f"{fault.what}: {states}\n"

    made = time.monotonic()
    fault.make()

    def fire() -> bool:
        fault.goes_on()
        return all(record.of(name).has_fired(made) for name in told + hidden) and all(
            record.of(name).told_since(made, "firing") for name in told
        )

    patiently(fire, hint)
    mended = time.monotonic()
    fault.mend()

    def are_over() -> bool:
        fault.repairs()
        return not any(record.of(name).is_firing for name in told + hidden) and all(
            record.of(name).is_told_over for name in told
        )

    patiently(are_over, hint)
    assert not any(record.of(name).told_since(made, "firing") for name in hidden), hint()
    for name in told:
        for _, message in record.of(name).told_since(made, "firing"):
            is_told_well(message)
    rows = [
        # As it is now: the same alert may fire again, of another fault.
        Row(fault, name, made, mended, deepcopy(record.of(name)), is_hidden=name in hidden)
        for name in told + hidden
    ]
    print("".join(" | ".join(row.cells) + "\n" for row in rows), flush=True)
    return rows


def staged(name: str, folder: Path, seen: Watch, record: Record) -> list[Row]:
    """One world from its start to its end."""
    scene = SCENES[name]
    with world(name, folder / name, seen, **scene.env) as place:
        if scene.has_worker:
            place.begin()
        with scene.story(place) as faults:
            return [row for fault in faults for row in played(fault, place, record)]


@dataclass
class Drill:
    """Everything that watches."""

    folder: Path
    seen: Watch
    record: Record


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    # Without any worker at all somebody would be told so.
    metric = "mutt_moog_rate_limit_hits_total"
    first = metrics(f"# TYPE {metric} counter\n{metric} 0\n".encode())
    with MoogsoftServer(status(200)) as inbox, MoogsoftServer(first) as exporter:
        targets = {WORKER: [int(exporter.host.partition(":")[2])]}
        with (
            watch(tmp_path, targets, inbox, RULES, SLO_RULES) as seen,
            Record(seen) as record,
        ):
            yield Drill(tmp_path, seen, record)


def calm(drill: Drill, is_over: threading.Event) -> list[Name]:
    """A world with two workers in which all is as usual; the alerts that fired in it."""
    env = {"REMEDIATION_INTERVAL": 5, "SLO_RECOVERED_WITHIN": 60}
    with world("calm", drill.folder / "calm", drill.seen, **env) as place:
        place.begin()
        other = free_port()
        place.running.worker(METRICS_PORT_REMEDIATION=other, HEALTH_PORT_REMEDIATION=free_port())
        place.scrape(**{WORKER: other})
        as_usual: tuple[Callable[[], object], ...] = (
            lambda: place.dlq("pause", "--for", "1h", "--reason", "change 4711"),
            lambda: place.dlq("resume"),
            lambda: fill(place.client, DLQ, [event(n, timestamp=place.now) for n in range(20)]),
            place.started_anew,
            # As when Redis is restored from a copy that is older than our counters.
            partial(begin_anew, place),
        )
        for act in as_usual:
            act()
            calmly(place, 10)
        while not is_over.is_set():
            calmly(place, 1)
        return [name for name in drill.record.names() if name.namespace == place.name]


def begin_anew(place: World) -> None:
    """All counters do; that there was a cycle is known all the same."""
    counters: Any = place.client.hkeys(keys.STATS)
    for name in counters:
        if name != LAST_CYCLE_MS.encode():
            place.client.hdel(keys.STATS, name.decode())


def calmly(place: World, seconds: float) -> None:
    """Time passes, and consumers take what is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        consume(place.client, place.store)
        time.sleep(0.1)


def test_every_alert_fires_is_told_and_ends_and_nothing_is_told_where_all_is_well(
    drill: Drill,
) -> None:
    chosen = os.environ.get("ALERTS", "").split() or list(SCENES)
    is_over = threading.Event()
    with ThreadPoolExecutor(SIDE_BY_SIDE + 1) as pool:
        quiet = pool.submit(calm, drill, is_over)
        playing = [
            pool.submit(staged, name, drill.folder, drill.seen, drill.record) for name in chosen
        ]
        wait(playing)
        is_over.set()
        print("where all is well:", quiet.result())
        for each in playing:
            if error := each.exception():
                print(error)
    rows = [row for each in playing for row in each.result()]
    assert quiet.result() == []
    if chosen == list(SCENES):
        assert {row.name.alert for row in rows} == every_alert()
        assert {(row.name.alert, row.name.severity) for row in rows} == severities()
        PAGE.write_text(written(rows, versions()))
