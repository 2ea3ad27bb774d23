"""What is installed: the program, and nothing of demo, stand-ins or tests."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.shipping.files import ROOT

# Everything beside it in the repository is given to the build, and must be left out by it.
SOURCES = ("pyproject.toml", "README.md", "celeryconfig.py")
FOLDERS = ("mutt_tasks", "demo", "stand_ins", "benchmarks", "tests", "tools")


def test_the_wheel_holds_the_program_alone(tmp_path: Path) -> None:
    # A copy, for a build leaves files beside its sources, and finds those of the last one.
    source = tmp_path / "source"
    source.mkdir()
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "wheel"]
    options = ["--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(source)]
    subprocess.run([*pip, *options], check=True, cwd=tmp_path, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    (entry_points,) = (name for name in names if name.name == "entry_points.txt")
    told = zipfile.ZipFile(wheel).read(str(entry_points)).decode()
    assert "[celery.commands]\ndlq = mutt_tasks.cli.group:dlq\n" in told
    for script in ("mutt-console = mutt_tasks.console.__main__", "mutt-dlq = mutt_tasks.cli.group"):
        assert f"\n{script}:main\n" in told
    tops = {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")}
    assert tops == {"mutt_tasks", "celeryconfig.py"}
    assert Path("mutt_tasks/store/lua/commit.lua") in names
    assert not any(part in ("demo", "stand_ins") for name in names for part in name.parts)
