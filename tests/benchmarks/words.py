"""Words for tests of the recovery model."""

from dataclasses import replace
from typing import Any

from benchmarks.recovery_model.scenario import EVEN, Scenario


def even(**changes: Any) -> Scenario:
    """A scenario whose live events come at even distances."""
    return replace(Scenario("test", live_pattern=EVEN), **changes)
