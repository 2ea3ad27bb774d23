"""The systemd units start what is installed, stop as the worker needs it, and may do little."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import celeryconfig
from tests.shipping.files import ROOT

FOLDER = ROOT / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
BIN = "/opt/mutt-remediation/bin/"

# What `systemd-analyze security` may give a unit: 0 is a service that can do nothing, 10 one that
# may do everything. Those that need a network cannot come below 1.
MOST_EXPOSED = 1.5

on_units = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


def lines_of(unit: Path) -> list[str]:
    return [line for line in unit.read_text().splitlines() if line and not line.startswith("#")]


def options(unit: Path, section: str) -> list[tuple[str, str]]:
    """The options of a section, in their order; some are given twice."""
    text = "\n".join(lines_of(unit))
    (body,) = re.findall(rf"^\[{section}\]\n((?:[^\[].*\n?)*)", text, re.MULTILINE)
    return [(name, value) for name, _, value in (x.partition("=") for x in body.splitlines())]


def service(name: str) -> dict[str, str]:
    return dict(options(FOLDER / f"mutt-remediation-{name}.service", "Service"))


def seconds(text: str) -> int:
    assert text.isdigit()
    return int(text)


def hardening(unit: Path) -> list[str]:
    """The part that is about what a process may do."""
    return re.search(r"^# Hardened:.*?\n(.*?)\n\[", unit.read_text(), re.M | re.S)[1].splitlines()  # type: ignore[index]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as on a machine where everything that they start is there."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for unit in UNITS:
        program = programs / dict(options(unit, "Service"))["ExecStart"].split()[0].split("/")[-1]
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        (tmp_path / unit.name).write_text(unit.read_text().replace(BIN, f"{programs}/"))
    return tmp_path


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_there_is_a_unit_for_each_process() -> None:
    assert [unit.stem for unit in UNITS] == [
        f"mutt-remediation-{name}" for name in ("beat", "console", "notify", "worker")
    ]


@needs_systemd
def test_systemd_finds_nothing_wrong_with_any(installed: Path) -> None:
    found = analyzed("verify", *(str(installed / unit.name) for unit in UNITS))

    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@needs_systemd
@on_units
def test_systemd_finds_it_hardly_exposed(installed: Path, unit: Path) -> None:
    found = analyzed("security", "--offline=true", "--no-pager", str(installed / unit.name))

    (level,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", found.stdout)
    assert float(level) <= MOST_EXPOSED


@on_units
def test_all_are_hardened_alike(unit: Path) -> None:
    given = dict(options(unit, "Service"))

    assert hardening(unit) == hardening(UNITS[0])
    assert (given["User"], given["ProtectSystem"], given["NoNewPrivileges"]) == (
        "mutt",
        "strict",
        "yes",
    )
    assert given["CapabilityBoundingSet"] == ""


@on_units
def test_it_reads_the_one_environment_file_and_comes_back_whatever_happens(unit: Path) -> None:
    given = dict(options(unit, "Service"))

    assert given["EnvironmentFile"] == "/etc/mutt/remediation.env"
    assert given["Restart"] == "always"
    assert ("StartLimitIntervalSec", "0") in options(unit, "Unit")
    assert ("WantedBy", "multi-user.target") in options(unit, "Install")


def test_the_worker_may_end_the_step_that_is_under_way() -> None:
    """SIGTERM to the whole group would kill the pool's child in the middle of one."""
    worker = service("worker")

    assert (worker["KillMode"], worker["KillSignal"]) == ("mixed", "SIGTERM")
    assert seconds(worker["TimeoutStopSec"]) > celeryconfig.task_time_limit + 10


def test_worker_and_beat_are_started_as_in_the_image() -> None:
    assert service("worker")["ExecStart"] == (
        f"{BIN}celery -A mutt_tasks worker -Q {celeryconfig.QUEUE} -c 1"
    )
    assert service("beat")["ExecStart"] == f"{BIN}celery -A mutt_tasks beat"


def test_the_worker_brings_beat_and_replaces_mutts_own_service() -> None:
    unit = dict(options(FOLDER / "mutt-remediation-worker.service", "Unit"))

    assert "mutt-remediation-beat.service" in unit["Wants"].split()
    assert unit["Conflicts"] == "mutt-remediation.service"
