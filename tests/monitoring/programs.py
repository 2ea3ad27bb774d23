"""Prometheus' own programs, which the tests run: found, started, and gone in the end."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


def program(*names: str) -> str:
    """The first of these that there is; without one the test is skipped, in CI it fails."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if not found:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say(f"there is no {names[0]}: tools/promtool.sh says how to get it")
    return str(found)


def run(name: str, *arguments: object) -> str:
    """Run one to a good end; what it printed."""
    command = [program(name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
