"""Who asks, and why: `--actor`, else `MUTT_ACTOR`, else the system's user; `--reason`."""

import getpass
import os
from collections.abc import Callable
from typing import Any

import click

_KNOWN_BY = {"COMMANDLINE": "--actor", "ENVIRONMENT": "MUTT_ACTOR"}


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user that has no name.
        return f"uid-{os.getuid()}"


def known_by() -> str:
    """How the command that runs knows who asks."""
    context = click.get_current_context()
    source = context.get_parameter_source("actor")
    return _KNOWN_BY.get(source.name if source else "", "system user")


def actor_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--actor`."""
    return click.option(
        "--actor",
        envvar="MUTT_ACTOR",
        default=_system_user,
        show_default="MUTT_ACTOR, or the system's user",
        help="Who asks.",
    )(command)


def reason_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--reason`."""
    return click.option("--reason", default="", help="Why; the audit keeps it.")(command)


def yes_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--yes`, for a command that asks nothing: scripts give it to every change."""
    return click.option(
        "--yes", is_flag=True, expose_value=False, help="As elsewhere; nothing is asked here."
    )(command)
