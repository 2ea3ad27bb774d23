"""The settings of this process: its environment, read once, when they are first asked for."""

import sys
from functools import cache
from typing import IO, Any

import click

from mutt_tasks.errors import SettingsError
from mutt_tasks.settings import Settings, load


class UnusableEnvironment(SettingsError, click.ClickException):
    """A SettingsError that ends a command with its lines alone and exit status 1.

    Any other program may catch it.
    """

    def show(self, _file: IO[Any] | None = None) -> None:
        """Write one line for each bad variable to standard error."""
        for line in self.lines:
            print(f"mutt_tasks: {line}", file=sys.stderr)


@cache
def settings() -> Settings:
    """The environment as settings; raises UnusableEnvironment."""
    try:
        return load()
    except SettingsError as error:
        raise UnusableEnvironment(error.lines) from None
