"""When each alert fires and when it does not, as promtool says; `*.yml` beside this file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.monitoring.files import PROMETHEUS, TESTS

BIN = Path(sys.executable).parent


def promtool(*arguments: object) -> None:
    """Run promtool to a good end; without one the test is skipped, in CI it fails."""
    found = shutil.which("promtool", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if not found:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say("there is no promtool: tools/promtool.sh says how to get it")
    done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration_and_the_rules() -> None:
    promtool("check", "config", PROMETHEUS)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    promtool("test", "rules", file)
