"""Old dead letters stand in a file before they are removed, byte for byte."""

import gzip
import logging
from pathlib import Path

import pytest
import redis

from mutt_tasks.core.exports import messages_of
from mutt_tasks.core.moments import iso
from mutt_tasks.cycle import Trigger
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.pipeline import DEAD, begin, counters, event, fill, lying_in, now_of, settings_of

DAY = 86_400


def settings(folder: Path) -> Settings:
    """Dead letters are kept for a week; nothing is replayed."""
    return settings_of(
        REMEDIATION_DEAD_RETENTION=7, REMEDIATION_EXPORT_FOLDER=folder, REMEDIATION_ENABLED="false"
    )


def letter(store: Store, number: int, days: float) -> bytes:
    """One that was set aside so many days ago."""
    header = {"replays": 3, "reason": "poison", "dead_at": iso(now_of(store) - days * DAY)}
    return event(number, _remediation=header, api_key="k\u00e9y")


def a_tick(client: redis.Redis, store: Store, folder: Path) -> None:
    """Beat sends one."""
    client.delete("mutt:remediation:tick", "mutt:remediation:lease")
    begin(store, settings(folder), new_id(), Trigger.BEAT)


def exported(folder: Path) -> list[bytes]:
    """The messages of all exports."""
    found = []
    for path in sorted(folder.iterdir()):
        with gzip.open(path) as lines:
            found += list(messages_of(lines))
    return found


def test_what_is_old_is_exported_and_removed_and_the_rest_stays(
    client: redis.Redis, store: Store, tmp_path: Path
) -> None:
    old = [letter(store, 1, 9), b"{garbage \xff", letter(store, 2, 8)]
    young = [letter(store, 3, 6), b"undated"]
    fill(client, DEAD, [*old, *young])
    a_tick(client, store, tmp_path)
    assert exported(tmp_path) == old
    assert lying_in(client, DEAD) == young
    assert counters(client)["expired:dead"] == 3
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    (entry,) = (each for _, each in store.audit.page().entries if each["verb"] == "retire")
    assert (entry["count"], entry["after"]) == ("3", path.name)
    a_tick(client, store, tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_many_are_removed_in_parts(client: redis.Redis, store: Store, tmp_path: Path) -> None:
    old = [letter(store, n, 30) for n in range(1200)]
    fill(client, DEAD, old)
    a_tick(client, store, tmp_path)
    assert exported(tmp_path) == old
    assert not client.llen(DEAD)


def test_nothing_is_removed_that_cannot_be_written(
    client: redis.Redis, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = [letter(store, 1, 9)]
    fill(client, DEAD, old)
    with caplog.at_level(logging.WARNING):
        a_tick(client, store, tmp_path / "missing")
    assert lying_in(client, DEAD) == old
    assert "no dead letter is removed" in caplog.text


def test_without_a_date_nothing_is_old(client: redis.Redis, store: Store, tmp_path: Path) -> None:
    fill(client, DEAD, [b"{garbage", b"[1]"])
    a_tick(client, store, tmp_path)
    assert client.llen(DEAD) == 2
    assert exported(tmp_path) == []
