"""What the console works with: settings and store, and the application that is made of them."""

import time
from threading import Event

from fastapi import FastAPI

from mutt_tasks.console import picture
from mutt_tasks.console.app import app_of
from mutt_tasks.console.context import Console, Doors, Look
from mutt_tasks.console.hub import Hub
from mutt_tasks.console.scans import Scans
from mutt_tasks.console.sessions import Sessions
from mutt_tasks.console.throttle import Throttle
from mutt_tasks.core.redaction import Hints
from mutt_tasks.levels import report as service_levels
from mutt_tasks.operations import sources
from mutt_tasks.operations.access import KeyFile
from mutt_tasks.operations.looking import Looker, Progress, ignore
from mutt_tasks.operations.sparing import Time
from mutt_tasks.runtime_settings import RuntimeSettings
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store

# The picture is not waited for longer: within three seconds a page says that Redis is away.
PICTURE_SECONDS = 0.7
# People wait for the answer to a call, and would rather hear soon that there is none.
CALL_SECONDS = 1.3

_TIME = Time(time.monotonic, time.sleep)


def create_app(settings: Settings, store: Store, watched: Store | None = None) -> FastAPI:
    """The console on a store; its picture is read from `watched`, of the same Redis."""
    stopping = Event()
    keys = KeyFile(settings.console.keys_file)
    look = _look(settings, store)
    watched = watched or store
    see = _look(settings, watched)
    return app_of(
        Console(
            look=look,
            lists=sources.all_of(settings),
            levels=lambda: service_levels.report(settings, store),
            hub=Hub(
                lambda before, now: picture.read(see(), before, now), time.monotonic, watched.now
            ),
            keys=keys,
            sessions=Sessions(keys, time.monotonic),
            wrong_keys=Throttle(time.monotonic),
            wrong_logins=Throttle(time.monotonic),
            refusals=Throttle(time.monotonic, most=30, in_all=300),
            doors=_doors(settings),
            scans=Scans(stopping),
            stopping=stopping,
            clock=time.monotonic,
        )
    )


def opened(settings: Settings) -> FastAPI:
    """The console on the Redis that the settings name; it connects when first used."""
    address, hints = settings.redis.address, Hints.of(settings.secrets())
    watched = Store.at(address, timeout=PICTURE_SECONDS, retries=0, hints=hints)
    store = Store.at(address, timeout=CALL_SECONDS, retries=1, hints=hints)
    return create_app(settings, store, watched)


def _look(settings: Settings, store: Store) -> Look:
    in_force = RuntimeSettings(store, settings)

    def look(progress: Progress = ignore) -> Looker:
        return Looker(store, in_force.now(), _TIME, progress)

    return look


def _doors(settings: Settings) -> Doors:
    console = settings.console
    return Doors(
        hosts=console.hosts,
        proxies=console.trusted_proxies,
        user_header=console.user_header,
        groups_header=console.groups_header,
        roles=dict(console.roles),
    )
