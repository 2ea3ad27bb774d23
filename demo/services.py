"""Celery's worker and beat, as anybody would start them."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stand_ins.processes import Child

GRACE = 15.0


@contextmanager
def worker_and_beat(env: Mapping[str, str], logs: Path | None) -> Iterator[list[Child]]:
    """Both while the context lasts; beat is asked to end first.

    Their lines go to `worker.log` and `beat.log` in the folder `logs`, or else to standard
    error.
    """
    celery = [sys.executable, "-m", "celery", "-A", "mutt_tasks", "--quiet"]
    # There is one worker: looking for others would only delay it.
    alone = ["--without-mingle", "--without-gossip"]
    roles = {
        "beat": [*celery, "beat"],
        "worker": [*celery, "worker", "-n", "remediation@%h", *alone],
    }
    children: list[Child] = []
    if logs:
        logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.callback(_stop_all, children)
        for name, argv in roles.items():
            log = stack.enter_context((logs / f"{name}.log").open("wb")) if logs else None
            # Killed at once when the demo is: their Redis goes away in the same moment, and
            # waiting for it would leave them behind. Every step they take survives that.
            children.append(Child(name, argv, dies_by=signal.SIGKILL, env=env, log=log))
        yield children


def _stop_all(children: list[Child]) -> None:
    for child in children:
        child.ask_to_end()
    for child in children:
        child.wait(GRACE)
