"""When each alert fires and when it does not, as promtool says; `*.yml` beside this file."""

from pathlib import Path

import pytest

from tests.monitoring.files import PROMETHEUS, TESTS
from tests.monitoring.programs import run


def test_prometheus_takes_its_configuration_and_the_rules() -> None:
    run("promtool", "check", "config", PROMETHEUS)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    run("promtool", "test", "rules", file)
