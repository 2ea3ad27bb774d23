"""`mutt-dlq notify test`: one message to each target, all at once, each by a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from mutt_tasks.errors import MuttTasksError, SettingsError
from mutt_tasks.settings import Settings

# So long beyond its own time a process may take to start and to end, in seconds.
_GRACE = 20.0

Start = Callable[[str], subprocess.Popen[bytes]]


@dataclass(frozen=True)
class Tried:
    """What came of it: why the target did not take the message (empty: it did), in how long."""

    target: str
    why: str
    seconds: float


def tried(settings: Settings) -> list[Tried]:
    """What each target did with a test message.

    Raises SettingsError when there is nobody to tell, MuttTasksError without the extra.
    """
    if find_spec("apprise") is None:
        raise MuttTasksError("needs the extra `notify`: pip install 'mutt-tasks[notify]'")
    names = [each.name for each in settings.notify.addresses]
    if not names:
        raise SettingsError(["NOTIFY_URLS: not set, accepts the addresses of those who are told"])
    began = time.monotonic()
    running = {name: _start(name) for name in names}
    # One that is waited for longer does not make the others look slow.
    left, found = dict(running), {}
    deadline = began + settings.notify.timeout + _GRACE
    while left and time.monotonic() < deadline:
        for name, process in list(left.items()):
            if process.poll() is not None:
                found[name] = Tried(name, _why(left.pop(name)), time.monotonic() - began)
        time.sleep(0.02)
    for name, process in left.items():
        process.kill()
        process.communicate()
        found[name] = Tried(name, "no answer in time", time.monotonic() - began)
    return [found[name] for name in names]


def _start(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own module, and names from our settings
        [sys.executable, "-m", "mutt_tasks.notify.post", "--test", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _why(process: subprocess.Popen[bytes]) -> str:
    said, _ = process.communicate()
    try:
        return str(json.loads(said)["why"])
    except (ValueError, KeyError, TypeError):
        return "it was not sent"
