"""The Celery application, where `celery -A mutt_tasks …` looks for it."""

import logging
import socket
import sys
from dataclasses import replace
from typing import Any

from celery import Celery, signals

from mutt_tasks import broker, logs, tracing
from mutt_tasks.errors import ClusterUnsupported, SettingsError, StoreRefused, StoreUnavailable
from mutt_tasks.serving import Serving
from mutt_tasks.settings import Settings, load, warnings
from mutt_tasks.store.store import Store
from mutt_tasks.survival import Survival

logger = logging.getLogger(__name__)


def _settings_or_exit() -> Settings:
    """The settings; a bad environment ends the process with one line for each bad variable."""
    try:
        settings = load()
    except SettingsError as error:
        for line in error.lines:
            print(f"mutt_tasks: {line}", file=sys.stderr)
        raise SystemExit(1) from None
    return replace(settings, pod_name=settings.process.pod_name or socket.gethostname())


settings = _settings_or_exit()
broker.guard("" if settings.redis.broker_url else settings.redis.address.next_password)
app = Celery("mutt_tasks")
app.config_from_object("celeryconfig")
app.steps["worker"].update({Serving, Survival})


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    logs.configure(settings)


@signals.celeryd_after_setup.connect
@signals.beat_init.connect
def _check_surroundings(signal: Any, **_: Any) -> None:
    """Say at start what an operator should know, and refuse what can never work."""
    for line in warnings(settings, is_worker=signal is signals.celeryd_after_setup):
        logger.warning(line)
    try:
        Store.at(settings.redis.address, timeout=2.0, retries=0).refuse_cluster()
    except StoreUnavailable:
        logger.warning(
            "Redis at %s does not answer yet; going on trying", settings.redis.address.shown
        )
    except ClusterUnsupported as error:
        print(f"mutt_tasks: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except StoreRefused as error:
        logger.error("%s; going on trying", error)


@signals.worker_process_init.connect
@signals.beat_init.connect
def _set_up_tracing(**_: Any) -> None:
    tracing.configure(settings)
