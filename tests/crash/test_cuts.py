"""A cycle of every kind, killed before, within and after each single Redis command that it sends.

The commands are recorded from an uncut run, so one that is added later is cut too. After each
cut everything must be in exactly one place and counted exactly, and a fresh process must finish
the work, once for all cuts that leave the same behind.
"""

import json
from collections import Counter
from typing import Any

import pytest
import redis

from mutt_tasks.core.policy import QUARANTINE_REASONS
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from tests.crash.conftest import ENV, Victim
from tests.crash.scenarios import DEAD_EVENT, SCENARIOS, Scenario
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    counters,
    drain,
    header_of,
    journal,
    lying_in,
    numbers_in,
    settings_of,
)

LEASE = "mutt:remediation:lease"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_cycle_cut_at_any_command_loses_doubles_and_miscounts_nothing(
    client: redis.Redis, victim: Victim, scenario: str
) -> None:
    expected = SCENARIOS[scenario]
    settings = settings_of(**ENV)
    cuts = victim.cuts(scenario, client, lambda: expected.prepare(client))
    assert {"EVALSHA", "MULTI", "LPUSH"} <= set(cuts.commands)
    for cut in cuts:
        check_books(client, expected, cut.at)
        check_lease(client)
        if cut.leaves_new:
            take_over(client, settings)
            check_end(client, expected, cut.at)


def test_a_requeue_cut_at_any_command_is_done_once_or_not_at_all(
    client: redis.Redis, victim: Victim
) -> None:
    def put_dead_event() -> None:
        client.lpush(DEAD, b"garbage", DEAD_EVENT, b"garbage")

    cuts = victim.cuts("requeue", client, put_dead_event)
    assert "EVALSHA" in cuts.commands
    for cut in cuts:
        check_requeued(client, int(client.llen(DLQ)), cut.at)
        if cut.leaves_new:
            assert victim.run("requeue")["ended"] == "exit 0", cut.at
            check_requeued(client, 1, cut.at)


def check_requeued(client: redis.Redis, times: int, at: str) -> None:
    """The dead event was put back so often (at most once), counted and journalled with it."""
    assert times in (0, 1), at
    assert numbers_in(client, DLQ) == [9] * times, at
    assert lying_in(client, DEAD).count(DEAD_EVENT) == 1 - times, at
    assert client.llen(DEAD) == 3 - times, at
    assert counters(client).get("requeued:alerter", 0) == times, at
    assert len(journal(client, "requeued")) == times, at


def check_lease(client: redis.Redis) -> None:
    """It runs out by itself, and soon."""
    lifetime: Any = client.pttl(LEASE)
    assert lifetime == -2 or 0 < lifetime <= 10_000 + 10_000


def take_over(client: redis.Redis, settings: Settings) -> None:
    """As in production: the lease runs out, and the next tick finds a fresh worker."""
    client.delete(LEASE)
    drain(Store(client), settings)


def books(client: redis.Redis) -> dict[str, int]:
    counted = counters(client)
    kinds = ("replayed", *QUARANTINE_REASONS)
    return {kind: counted.get(f"{kind}:alerter", 0) for kind in kinds}


def check_books(client: redis.Redis, scenario: Scenario, at: str) -> None:
    """Counters and journal say exactly what the lists hold."""
    counted = books(client)
    entries = journal(client, "moved")
    for kind, number in counted.items():
        assert sum(int(entry[kind]) for entry in entries) == number, at
    dead = lying_in(client, DEAD)
    assert counted["replayed"] == client.llen(INGEST), at
    for reason in QUARANTINE_REASONS:
        assert counted[reason] == len(of_reason(reason, dead, scenario)), at
    everything = len(dead) + int(client.llen(INGEST)) + int(client.llen(DLQ))
    numbered = scenario.replayed + scenario.poisoned + scenario.incomplete + scenario.waiting
    all_there = len(numbered + scenario.dead)
    assert all_there <= everything <= all_there + scenario.removed, at


def check_end(client: redis.Redis, scenario: Scenario, at: str) -> None:
    """All work is done, once, in order."""
    replayed = numbers_in(client, INGEST)
    # Cut before the operator came, the oldest message is still there and is replayed as well.
    extra = (0,) if scenario.removed and replayed[:1] == [0] else ()
    assert tuple(replayed) == extra + scenario.replayed, at
    assert tuple(numbers_in(client, DLQ)) == scenario.waiting, at
    dead = lying_in(client, DEAD)
    assert Counter(m for m in dead if m in scenario.dead) == Counter(scenario.dead), at
    for reason, numbers in (("poison", scenario.poisoned), ("incomplete", scenario.incomplete)):
        found = of_reason(reason, dead, scenario)
        assert tuple(json.loads(message)["number"] for message in found) == numbers, at
    counted = books(client)
    assert counted["replayed"] == len(replayed), at
    assert counted["malformed"] == len(scenario.dead), at
    assert counted["poison"] == len(scenario.poisoned), at
    assert counted["incomplete"] == len(scenario.incomplete), at


def of_reason(reason: str, dead: list[bytes], scenario: Scenario) -> list[bytes]:
    """Those of the dead messages that were set aside for this reason."""
    malformed = [message for message in dead if message in scenario.dead]
    if reason == "malformed":
        return malformed
    rest = [message for message in dead if message not in scenario.dead]
    return [message for message in rest if header_of(message)["reason"] == reason]
