"""What every request of the console works with, as one value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from threading import Event
from typing import Protocol

from fastapi import Request

from mutt_tasks.console.hub import Hub
from mutt_tasks.console.scans import Scans
from mutt_tasks.console.sessions import Sessions
from mutt_tasks.console.throttle import Throttle
from mutt_tasks.operations.access import KeyFile
from mutt_tasks.operations.looking import Looker, Progress, ignore
from mutt_tasks.operations.slo import Report
from mutt_tasks.operations.sources import Source


class Look(Protocol):
    """Makes what a look needs, with the settings in force now. Raises StoreError."""

    def __call__(self, progress: Progress = ignore) -> Looker: ...


@dataclass(frozen=True)
class Doors:
    """Who gets in over what: see the variables `CONSOLE_…` of the settings."""

    hosts: tuple[str, ...] = ()
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    user_header: str = "Remote-User"
    groups_header: str = "Remote-Groups"
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Console:
    """The `lists`, how to look at them, their shared picture (`hub`), and who gets in."""

    look: Look
    lists: tuple[Source, ...]
    levels: Callable[[], Report]
    hub: Hub
    keys: KeyFile
    sessions: Sessions
    wrong_keys: Throttle
    wrong_logins: Throttle
    refusals: Throttle
    doors: Doors
    scans: Scans
    stopping: Event
    clock: Callable[[], float]


def console_of(request: Request) -> Console:
    """The console that a request came to."""
    found: Console = request.app.state.console
    return found
