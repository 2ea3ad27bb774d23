"""The starter of real servers, and the processes that it starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from stand_ins.processes import Child
from stand_ins.redis_server import NoServerError, RedisServer
from tests.redis_server import free_port
from tests.services import ROOT, until


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("kind", ["port", "socket"])
def test_it_listens_where_it_was_told_to_and_is_gone_when_killed(tmp_path: Path, kind: str) -> None:
    server = RedisServer(tmp_path, free_port() if kind == "port" else tmp_path / "s")
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert client.info("server")["process_id"] == server.pid
    server.kill()
    assert server.child.ended().endswith("SIGKILL")


def test_after_an_orderly_end_it_starts_again_with_what_it_held(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, tmp_path / "s", "--appendonly", "yes")
    with redis.Redis.from_url(server.url) as client:
        for found in (None, b"1"):
            server.start()
            assert client.get("kept") == found
            client.set("kept", 1)
            server.stop()


def test_a_server_that_refuses_to_start_is_told(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, tmp_path / "s", "--no-such-option", "1")
    with (
        (tmp_path / "log").open("wb") as log,
        pytest.raises(NoServerError, match="ended by itself with exit status 1"),
    ):
        server.start(log)
    assert b"no-such-option" in (tmp_path / "log").read_bytes()
    with pytest.raises(NoServerError, match="not started"):
        _ = RedisServer(tmp_path, 1).pid


@pytest.mark.skipif(sys.platform != "linux", reason="a killed parent is noticed on Linux only")
def test_it_ends_with_a_killed_parent_wherever_that_one_works(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from stand_ins.redis_server import RedisServer\n"
        "here = Path(sys.argv[1]); server = RedisServer(here, here / 's'); server.start()\n"
        "print(server.pid, flush=True); os.chdir('/'); os.kill(os.getpid(), 9)\n"
    )
    left = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    until(lambda: is_gone(int(left.stdout)), seconds=10)


def test_a_child_that_does_not_heed_is_killed_with_all_of_its_session() -> None:
    script = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True)\n"
        "time.sleep(60)\n"
    )
    read, write = os.pipe()
    with os.fdopen(write, "wb") as log:
        argv = [sys.executable, "-c", script]
        child = Child("deaf", argv, dies_by=signal.SIGKILL, log=log)
    with os.fdopen(read, "rb") as said:
        grandchild = int(said.readline())
        assert child.ended() == ""
        child.stop(grace=0.1)
    assert child.ended() == "deaf was ended by SIGKILL"
    until(lambda: is_gone(grandchild))
