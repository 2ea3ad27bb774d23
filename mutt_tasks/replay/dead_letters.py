"""Old dead letters are exported, and then removed.

Nothing is removed that does not stand in a file: it is whole on its disk before the step that
removes, and that step does nothing if they are not the same messages any more.
"""

import gzip
import os
from pathlib import Path

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.dead_age import retired
from mutt_tasks.core.exports import line_of, sealed
from mutt_tasks.core.identity import Numbering, digest
from mutt_tasks.core.moments import iso
from mutt_tasks.core.policy import Action, Decision
from mutt_tasks.core.routes import Route
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.job_steps import DEAD
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.queues import MOST_BYTES, MOST_MESSAGES, RETIRE, Commit, JobStep

_DAY = 86_400.0
_WAITS, _REMOVES = Decision(Action.WAIT), Decision(Action.REMOVE)


def retire(context: CycleContext, now: float) -> bool:
    """Export and remove some dead letters that are old enough; False when there are none.

    Raises OSError when the file cannot be written: then nothing is removed.
    """
    lists = context.settings.lists
    if not lists.dead_retention:
        return False
    dead = lists.dead_letter_queue
    page = context.store.queues.look(dead, 0, MOST_MESSAGES, MOST_BYTES)
    goes = retired(page, now - lists.dead_retention * _DAY)
    if not any(goes):
        return False
    leaving = [raw for raw, is_old in zip(page, goes, strict=True) if is_old]
    path = _exported(Path(lists.export_folder), leaving, context.surroundings.now())
    moved = context.store.queues.commit(
        Commit(
            token=context.token,
            id=f"{context.token}:retire:{path.name}",
            cycle=context.cycle,
            route=Route(DEAD, dead, dead, dead, reset_fields=()),
            batch=Batch(0, page, [_REMOVES if is_old else _WAITS for is_old in goes]),
            verb=RETIRE,
            job=_step(context, len(leaving), path.name),
        )
    )
    if moved is None:
        path.unlink()  # the list has changed since the look: they are looked at anew
    return True


def _step(context: CycleContext, count: int, file: str) -> JobStep:
    """What the audit has of it."""
    days = context.settings.lists.dead_retention
    audit = AuditEntry(
        verb="retire",
        actor="the worker",
        known_by="worker",
        scope=DEAD,
        reason=f"older than {days:g} days, exported to {file}",
        count=count,
        before=DEAD,
        after=file,
        cycle=context.cycle,
    )
    return JobStep("retention", DEAD, "retire", audit)


def _exported(folder: Path, messages: list[bytes], now: float) -> Path:
    """The file that holds these messages: as `mutt-dlq import` takes it, and on its disk."""
    numbering = Numbering()
    lines = [line_of(str(numbering.id_of(raw)), DEAD, raw) for raw in messages]
    moment = iso(now).replace(":", "").replace("-", "")
    path = folder / f"mutt-dead-{moment}-{digest(b''.join(messages))[:8]}.jsonl.gz"
    # Credentials are in it: nobody else is to read it.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as zipped:
            zipped.writelines(sealed(lines))
        file.flush()
        os.fsync(file.fileno())
    return path
