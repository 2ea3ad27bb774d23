"""`export` and `import` as people and scripts use them."""

import gzip
import json
from pathlib import Path

import redis

from tests.acceptance.conftest import Run, of
from tests.pipeline import DEAD, DLQ, event, fill, lying_in

SECRET = "hunter2Zk4"
WHY = ("--reason", "ticket 812", "--actor", "ann")


def test_an_operator_keeps_messages_in_a_file_and_brings_them_back(
    client: redis.Redis, run: Run, tmp_path: Path
) -> None:
    messages = [event(1, api_key=SECRET), b"\xff\x1b[2J", event(2), event(2)]
    fill(client, DEAD, messages)
    kept = run("export", "--route", "dead", "--all", "--raw", *WHY)
    assert (kept.returncode, kept.stderr) == (0, "4 exported\n")
    plain, zipped, cut = (tmp_path / name for name in ("a.jsonl", "a.jsonl.gz", "cut.jsonl"))
    plain.write_text(kept.stdout)
    zipped.write_bytes(gzip.compress(kept.stdout.encode()))
    cut.write_text(kept.stdout[:-20])
    into = ("--route", "alerter", *WHY)

    refused = run("import", str(cut), *into, "--yes")
    assert (refused.returncode, lying_in(client, DLQ)) == (4, [])
    assert refused.stderr.startswith("mutt-dlq: nothing was imported: line 5: ")
    asked = run("import", str(plain), *into)
    assert (asked.returncode, lying_in(client, DLQ)) == (2, [])
    assert "--yes" in asked.stderr
    assert run("import", str(plain), "--route", "alerter", "--yes").returncode == 2

    told = run("import", str(plain), *into, "--yes", "-o", "json")
    assert of(told) == {"route": "alerter", "imported": 4}
    assert lying_in(client, DLQ) == messages
    told = run("import", str(zipped), *into, "--yes", "--skip", "3")
    assert told.stdout == "1 imported into alerter\n"
    assert lying_in(client, DLQ) == [*messages, messages[3]]
    audit = of(run("audit", "-o", "json"))
    assert [(each["verb"], each["outcome"][:7]) for each in reversed(audit)] == [
        ("export", "done"),
        ("import", "refused"),
        ("import", "refused"),
        ("import", "done"),
        ("import", "done"),
    ]


def test_what_is_exported_for_people_has_no_credentials(client: redis.Redis, run: Run) -> None:
    fill(client, DLQ, [event(1, api_key=SECRET, message="\x1b[2J up")])

    ended = run("export", "--where", "host:host-1")

    assert ended.returncode == 0
    assert SECRET not in ended.stdout
    assert "\x1b" not in ended.stdout
    line, seal = map(json.loads, ended.stdout.splitlines())
    assert line["redacted"] is True
    assert seal["messages"] == 1
    assert run("export").returncode == 2
    assert run("export", "--all", "--raw").returncode == 2


def test_a_zipped_file_that_was_cut_is_refused(
    client: redis.Redis, run: Run, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(1)])
    kept = run("export", "--all", "--raw", *WHY).stdout.encode()
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(kept)[:-9])

    ended = run("import", str(path), "--route", "dead", "--yes", *WHY)

    assert ended.returncode == 4
    assert "cannot be unzipped" in ended.stderr
    assert not client.exists(DEAD)
