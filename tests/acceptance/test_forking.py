"""A fork that tests start in the stead of a program differs in nothing that they look at."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forking
from tests.services import ROOT, until

ENV = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "PYTHONPATH": str(ROOT)}
AWAY = ENV | {"REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("mutt-dlq", "list"),
        ("celery", "-A", "mutt_tasks", "dlq", "status", "--nosuch"),
    ],
    ids=" ".join,
)
def test_it_says_the_same_on_the_same_streams_and_ends_with_the_same_status(
    arguments: tuple[str, ...],
) -> None:
    program = [str(Path(sys.executable).with_name(arguments[0]))]
    if arguments[0] == "celery":
        program = [sys.executable, "-m", "celery"]
    executed = subprocess.run(
        [*program, *arguments[1:]], env=AWAY, cwd=ROOT, capture_output=True, text=True, check=False
    )
    forked = forking.run(arguments, AWAY)
    assert forked.returncode == executed.returncode != 0
    assert (forked.stdout, forked.stderr) == (executed.stdout, executed.stderr)


def test_what_ends_it_is_told_once_and_for_all(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        file = log.fileno()
        beat = ("celery", "-A", "mutt_tasks", "beat")
        process = forking.Process(beat, AWAY, file, file, start_new_session=True)
    assert process.poll() is None
    assert os.getpgid(process.pid) == process.pid
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    until(lambda: (tmp_path / "log").read_bytes())
    process.kill()
    assert (process.wait(10), process.poll(), process.wait()) == (-signal.SIGKILL,) * 2 + (-9,)
    until(lambda: not Path(f"/proc/{process.pid}").exists())
    process.terminate()  # nobody is hit by it any more


def test_a_fork_that_nobody_waits_for_disturbs_no_other() -> None:
    with Path(os.devnull).open("wb") as nothing:
        file = nothing.fileno()
        forgotten = forking.Process(("mutt-dlq", "list"), AWAY, file, file)
    forgotten._line.close()
    until(lambda: not Path(f"/proc/{forgotten.pid}").exists())
    assert forking.run(("mutt-dlq", "--help"), AWAY).returncode == 0


def test_forks_share_nothing_that_one_of_them_changes() -> None:
    ended = [
        forking.run(("mutt-dlq", "list"), AWAY | {"REDIS_PORT": port})
        for port in ("0", "6379", "none")
    ]
    assert [each.returncode for each in ended] == [1, 6, 1]
    assert ["REDIS_PORT" in each.stderr for each in ended] == [True, False, True]
