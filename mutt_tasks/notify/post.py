"""`python -m mutt_tasks.notify.post TARGET ID`: send one message, and note what came of it.

A process of its own for each message: one that hangs is ended without harm to others, and one that
is on its way arrives and is noted also when the notifier is killed meanwhile. What is sent lies in
Redis, the address in the environment, so that `ps` shows neither.
"""

import json
import signal
import sys
import time
import uuid
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from mutt_tasks import environment
from mutt_tasks.core.addresses import Address
from mutt_tasks.core.notice_text import Notice, Severity, trial_notice
from mutt_tasks.errors import MuttTasksError, StoreError
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store

# A message that was sent is noted as sent even if Redis is away for so many seconds.
NOTE_SECONDS = 60.0
TAKEN, REFUSED = "taken", "refused"
_NO_ANSWER = "no answer in time"

# Prepares a message, within so many seconds for each answer; what it returns sends it, and returns
# why the target did not take it (empty: it did).
Prepare = Callable[[Address, Notice, float], Callable[[], str]]


class TimeIsUp(BaseException):
    """All the time that a target has is up; nothing that catches errors may catch this."""


def bounded(send: Callable[[], str], seconds: float) -> str:
    """Send within so many seconds, all in all; returns why the target did not take it."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise TimeIsUp

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return send()
    except TimeIsUp:
        return _NO_ANSWER
    except Exception as error:  # noqa: BLE001  # its text might show the address
        return f"it was not sent ({type(error).__name__})"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def deliver(store: Store, settings: Settings, target: str, its_id: str, prepare: Prepare) -> bool:
    """Send the message with this id that waits for a target; False when it is not ours to send."""
    seconds = settings.notify.timeout
    address = next((each for each in settings.notify.addresses if each.name == target), None)
    message = store.notices.message(target)
    if address is None or message.get("id") != its_id:
        return False
    # Whatever takes time is done before it is claimed: from then on nobody else sends it.
    send = prepare(address, notice_of(message), seconds)
    token, now = uuid.uuid4().hex, f"{store.now():.3f}"
    if not store.notices.mark(target, its_id, "claimed", token, claimed_at=now):
        return False
    why = bounded(send, seconds)
    _note(store, target, its_id, why)
    return True


def fields_of(its_id: str, notice: Notice) -> dict[str, str]:
    """A message as it waits to be sent."""
    return {
        "id": its_id,
        "title": notice.title,
        "body": notice.body,
        "severity": notice.severity.value,
        "key": notice.key,
        "is_over": "1" if notice.is_over else "",
    }


def notice_of(fields: dict[str, str]) -> Notice:
    """The notification that was kept; raises ValueError and KeyError for what is none."""
    severity = Severity(fields["severity"])
    is_over = fields["is_over"] == "1"
    return Notice(fields["title"], fields["body"], severity, fields["key"], is_over)


def _note(store: Store, target: str, its_id: str, why: str) -> None:
    """Note what came of it, once Redis can be reached."""
    outcome = REFUSED if why else TAKEN
    deadline = time.monotonic() + NOTE_SECONDS
    is_noted = False
    while not is_noted:
        try:
            now = f"{store.now():.3f}"
            store.notices.mark(target, its_id, "outcome", outcome, ended_at=now, why=why)
            is_noted = True
        except StoreError:
            if time.monotonic() > deadline:
                return
            time.sleep(1)


def main() -> None:
    """Send the message that is named, or with `--test` one that says that it is a test."""
    from mutt_tasks.notify import targets

    first, second = sys.argv[1:3]
    try:
        settings = environment.settings()
        if first == "--test":
            address = next(each for each in settings.notify.addresses if each.name == second)
            seconds = settings.notify.timeout
            why = bounded(targets.prepared(address, trial_notice(second), seconds), seconds)
            print(json.dumps({"why": why}))
            return
        store = Store.at(settings.redis.address)
        deliver(store, settings, first, second, targets.prepared)
    except MuttTasksError:
        # Whoever started this sees that nothing was noted.
        sys.exit(1)


if __name__ == "__main__":
    main()
