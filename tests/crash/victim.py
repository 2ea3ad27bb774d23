"""A process that runs one cycle and is killed at a chosen Redis command. Run by `test_cuts.py`.

Reads one request a line from standard input, as JSON: `scenario`, `cut_at` (the number of
the command, -1 for none) and `side` (`before` it is sent, `within` its bytes, or `after` the
server answered it). Each request runs in a forked child that kills itself with SIGKILL, so no
`except` or `finally` runs. Answers with one JSON line: how it ended and, for an uncut run, the
commands.

Every command of the process counts, Celery's publishing included: the connection class below
all clients is what counts them.
"""

import gc
import json
import os
import select
import signal
import sys
from operator import attrgetter
from typing import Any

from redis.connection import AbstractConnection

from mutt_tasks import tasks
from tests.crash.scenarios import DEAD_EVENT, DRAIN_CYCLE, digest_of, operator_interferes


def install(cut_at: int, side: str) -> list[str]:
    """Count commands from now on; returns the growing list of them."""
    commands: list[str] = []
    original = AbstractConnection.send_packed_command

    def send(self: Any, command: Any, check_health: bool = True) -> None:
        packed = command if isinstance(command, list | tuple) else [command]
        words = b"".join(bytes(part) for part in packed)[:4000].split(b"\r\n")
        commands.append(words[2].decode(errors="replace") if len(words) > 2 else "?")
        number = len(commands) - 1
        if number == cut_at and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if number == cut_at and side == "within":
            half = b"".join(bytes(part) for part in packed)
            self._sock.sendall(half[: len(half) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        original(self, command, check_health)  # type: ignore[no-untyped-call]
        if number == cut_at and side == "after":
            select.select([self._sock], [], [], 10)
            os.kill(os.getpid(), signal.SIGKILL)

    AbstractConnection.send_packed_command = send  # type: ignore[method-assign]
    return commands


def run_cycle(scenario: str) -> None:
    """What a worker does for one cycle: the three tasks, with their real publishing."""
    if scenario == "requeue":
        tasks.requeue(digest=digest_of(DEAD_EVENT), actor="ann", reason="mended")
        return
    if scenario == "refused commit":
        operator_interferes(tasks.store())
    if scenario == "drain continuation":
        started = tasks.remediate(trigger="drain", cycle=DRAIN_CYCLE)
    else:
        started = tasks.remediate(trigger="beat")
    cycle = started["cycle"]
    health = tasks.check_moogsoft_health(cycle=cycle, trigger="beat")
    tasks.replay_dlq_batch(health, cycle=cycle)


def be_ready() -> None:
    """What a worker has long done before its first cycle, so that not every child does it anew.

    Nothing in it talks to Redis.
    """
    app: Any = tasks.remediate.app
    app.finalize()
    for part in ("amqp.router", "backend", "events.Dispatcher", "conf.broker_url"):
        attrgetter(part)(app)  # made when first asked for
    tasks.surroundings()
    gc.collect()
    gc.freeze()  # memory that is not touched is not copied
    gc.disable()


def main() -> None:
    """Serve requests until standard input ends."""
    be_ready()
    for line in sys.stdin:
        request = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            commands = install(request["cut_at"], request["side"])
            run_cycle(request["scenario"])
            os.write(writer, json.dumps(commands).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as answers:
            commands = json.loads(answers.read() or "[]")
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        ended = "killed" if killed else f"exit {os.waitstatus_to_exitcode(status)}"
        print(json.dumps({"ended": ended, "commands": commands}), flush=True)


if __name__ == "__main__":
    main()
