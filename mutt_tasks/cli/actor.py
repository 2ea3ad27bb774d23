"""Who asks: `--actor`, else `MUTT_ACTOR`, else the system's user."""

import getpass
import os
from collections.abc import Callable
from typing import Any

import click


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user that has no name.
        return f"uid-{os.getuid()}"


def actor_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--actor`."""
    return click.option(
        "--actor",
        envvar="MUTT_ACTOR",
        default=_system_user,
        show_default="MUTT_ACTOR, or the system's user",
        help="Who asks.",
    )(command)
