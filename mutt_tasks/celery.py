"""The Celery application, where `celery -A mutt_tasks …` looks for it.

Importing it reads nothing: the environment is read, once, when Celery's configuration or the
settings are first needed.
"""

import logging
import sys
from functools import cached_property
from typing import Any

from celery import Celery, signals

from mutt_tasks import broker, environment
from mutt_tasks.errors import ClusterUnsupported, StoreRefused, StoreUnavailable
from mutt_tasks.settings import Settings, warnings
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry import logs, tracing
from mutt_tasks.worker.audit_log import AuditLog
from mutt_tasks.worker.oversight import Oversight
from mutt_tasks.worker.serving import Serving
from mutt_tasks.worker.survival import Survival

logger = logging.getLogger(__name__)


class Application(Celery):
    """A Celery application that hands the settings of its process to whoever has the application.

    Tasks, the steps of the worker's start and `celeryconfig.py` all read this one value.
    """

    @cached_property
    def Worker(self) -> Any:  # Celery's name for what `celery worker` runs
        """A worker whose every line is JSON, when that is asked for."""
        if self.settings.process.log_json:
            return self.subclass_with_self("mutt_tasks.telemetry.announcing:LoggedWorker")
        return super().Worker

    @cached_property
    def Beat(self) -> Any:
        """The same for `celery beat`."""
        if self.settings.process.log_json:
            return self.subclass_with_self("mutt_tasks.telemetry.announcing:LoggedBeat")
        return super().Beat

    @property
    def settings(self) -> Settings:
        """The environment, read when first asked for; raises UnusableEnvironment."""
        return environment.settings()


app = Application("mutt_tasks")
app.config_from_object("celeryconfig")
app.steps["worker"].update({AuditLog, Oversight, Serving, Survival})


@app.on_after_configure.connect
def _guard_broker(**_: Any) -> None:
    """Before the first connection, which cannot be made without Celery's configuration."""
    settings = app.settings
    broker.guard("" if settings.redis.broker_url else settings.redis.address.next_password)


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    logs.configure(app.settings)


@signals.celeryd_after_setup.connect
@signals.beat_init.connect
def _check_surroundings(signal: Any, **_: Any) -> None:
    """Say at start what an operator should know, and refuse what can never work."""
    for line in warnings(app.settings, is_worker=signal is signals.celeryd_after_setup):
        logger.warning(line)
    address = app.settings.redis.address
    try:
        Store.at(address, timeout=2.0, retries=0).refuse_cluster()
    except StoreUnavailable:
        logger.warning("Redis at %s does not answer yet; going on trying", address.shown)
    except ClusterUnsupported as error:
        print(f"mutt_tasks: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except StoreRefused as error:
        logger.error("%s; going on trying", error)


@signals.worker_process_init.connect
@signals.beat_init.connect
def _set_up_tracing(signal: Any, **_: Any) -> None:
    if signal is signals.beat_init:
        # Before the instrumentation's own: each of beat's ticks begins a trace.
        signals.before_task_publish.connect(tracing.begin_anew)
    tracing.configure(app.settings)


@signals.worker_process_shutdown.connect
def _end_tracing(**_: Any) -> None:
    tracing.flush()
