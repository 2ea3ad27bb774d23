"""The console of a run: keys for its roles, made anew each time, and its process."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from mutt_tasks.core.access import OPERATOR, VIEWER
from mutt_tasks.operations.access import new_key
from mutt_tasks.settings import Settings
from stand_ins.processes import Child

GRACE = 5.0
KEYS, ADDRESS = "CONSOLE_KEYS_FILE", "CONSOLE_ADDRESS"


@dataclass(frozen=True)
class Doors:
    """Who gets into the console: `env` says where the keys are, `keys` are those made for a run."""

    env: Mapping[str, str]
    keys: Mapping[str, str]

    def rows(self, settings: Settings) -> list[tuple[str, str]]:
        """What the demo says of it."""
        if not find_spec("fastapi"):
            return [("Console", "not installed: pip install 'mutt-tasks[console]'")]
        where = f"http://localhost:{settings.console.port}/"
        return [("Console", where), *((f"  {role}", key) for role, key in self.keys.items())]


@contextmanager
def doors(env: Mapping[str, str]) -> Iterator[Doors]:
    """Keys for a viewer and an operator while the context lasts, unless there are configured ones.

    The console of the demo is for this host alone, unless an address is configured.
    """
    address = env.get(ADDRESS, "").strip() or "127.0.0.1"
    if env.get(KEYS, "").strip():
        yield Doors({ADDRESS: address}, {})
        return
    with TemporaryDirectory(prefix="mutt-console-") as folder:
        path = f"{folder}/keys"
        keys = {role: new_key(path, role, role) for role in (VIEWER, OPERATOR)}
        yield Doors({ADDRESS: address, KEYS: path}, keys)


@contextmanager
def console(env: Mapping[str, str], logs: Path | None) -> Iterator[None]:
    """Its process while the context lasts; the run goes on where it cannot start.

    Its lines go to `console.log` in the folder `logs`, or else to standard error.
    """
    if not find_spec("fastapi"):
        yield
        return
    if logs:
        logs.mkdir(parents=True, exist_ok=True)
    log = (logs / "console.log").open("wb") if logs else None
    argv = [sys.executable, "-m", "mutt_tasks.console"]
    child = Child("console", argv, dies_by=signal.SIGTERM, env=env, log=log)
    try:
        yield
    finally:
        child.stop(GRACE)
        if log:
            log.close()
