"""What commands work with: settings and store; the Celery application where it is needed."""

import sys
import time
from collections.abc import Callable

from mutt_tasks import environment
from mutt_tasks.core.redaction import Hints
from mutt_tasks.errors import StoreUnavailable
from mutt_tasks.levels import report as service_levels
from mutt_tasks.notify.trial import Tried, tried
from mutt_tasks.operations.looking import Looker, ignore
from mutt_tasks.operations.slo import Report
from mutt_tasks.operations.sparing import Time
from mutt_tasks.runtime_settings import in_force
from mutt_tasks.store.store import Store


def looker(progress: Callable[[int, int], None] = ignore) -> Looker:
    """The lists as the settings in force name them; raises SettingsError and StoreError."""
    given = environment.settings()
    store = Store.at(given.redis.address, hints=Hints.of(given.secrets()))
    settings, problems = in_force(store, given)
    for problem in problems:
        print(f"mutt-dlq: {problem}", file=sys.stderr)
    return Looker(store, settings, Time(time.monotonic, time.sleep), progress)


def keys_file() -> str:
    """Where the keys of the console are; raises SettingsError."""
    return environment.settings().console.keys_file


def slo_report() -> Report:
    """Every service level; raises SettingsError, InvalidArgument, ExtraMissing and StoreError."""
    given = environment.settings()
    return service_levels.report(given, Store.at(given.redis.address))


def slo_rules() -> str:
    """Prometheus' rules for the objectives; raises as above."""
    return service_levels.rules(environment.settings())


def tried_targets() -> list[Tried]:
    """What each target of notifications did with a test; raises SettingsError and so on."""
    return tried(environment.settings())


def start_cycle() -> str:
    """Ask the worker for a cycle, as a call by hand does; returns the task's id.

    Raises StoreUnavailable when the broker cannot be reached.
    """
    # Commands that only look start in half the time without Celery.
    from kombu.exceptions import OperationalError

    from mutt_tasks.celery import app

    try:
        return str(app.send_task("mutt_tasks.remediate", retry=False).id)
    except OperationalError as error:
        raise StoreUnavailable(f"the broker cannot be reached ({type(error).__name__})") from None
