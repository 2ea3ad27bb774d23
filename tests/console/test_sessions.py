"""Sessions end, and who fails often waits, by a clock that tests can put forward."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from mutt_tasks.console.sessions import MOST, SECONDS, Sessions
from mutt_tasks.console.throttle import Throttle
from mutt_tasks.operations.access import KeyFile, new_key


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    path = str(tmp_path / "keys")
    new_key(path, "ann", "operator")
    return KeyFile(path)


def test_a_session_lasts_a_shift(keys: KeyFile) -> None:
    clock = Clock()
    sessions = Sessions(keys, clock)
    token = sessions.begin(keys.in_force()[0])

    clock.now += SECONDS - 1
    assert sessions.who(token) is not None
    clock.now += 1
    assert sessions.who(token) is None


def test_a_session_has_the_role_that_its_key_has_now(keys: KeyFile) -> None:
    sessions = Sessions(keys, Clock())
    token = sessions.begin(keys.in_force()[0])
    path = Path(keys.path)

    path.write_text(path.read_text().replace("ann operator", "ann viewer"))

    found = sessions.who(token)
    assert found is not None
    assert found.role == "viewer"


def test_of_too_many_sessions_the_oldest_ends(keys: KeyFile) -> None:
    sessions = Sessions(keys, Clock())
    tokens = [sessions.begin(keys.in_force()[0]) for _ in range(MOST + 1)]

    assert sessions.who(tokens[0]) is None
    assert sessions.who(tokens[1]) is not None


def test_failures_are_forgotten_after_a_minute() -> None:
    clock = Clock()
    throttle = Throttle(clock, most=2)
    throttle.failed("192.0.2.1")
    clock.now += 20
    throttle.failed("192.0.2.1")

    assert (throttle.wait("192.0.2.1"), throttle.wait("192.0.2.2")) == (40, 0)
    clock.now += 40
    assert throttle.wait("192.0.2.1") == 0


def test_many_failures_from_everywhere_hold_everybody() -> None:
    clock = Clock()
    throttle = Throttle(clock, in_all=10)
    for number in range(10):
        throttle.failed(f"192.0.2.{number}")

    assert throttle.wait("198.51.100.1") == 60
