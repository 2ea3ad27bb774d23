"""The settings of this process: its environment, read once, when they are first asked for."""

import logging
import sys
from functools import cache
from typing import IO, Any

import click

from mutt_tasks.errors import SettingsError
from mutt_tasks.release import VERSION
from mutt_tasks.settings import Settings, load, of_the_log
from mutt_tasks.telemetry.log_lines import Origin, Redacting


class UnusableEnvironment(SettingsError, click.ClickException):
    """A SettingsError that ends a command with its lines alone and exit status 1.

    Any other program may catch it.
    """

    def show(self, _file: IO[Any] | None = None) -> None:
        """Write one line for each bad variable to standard error."""
        complain(*self.lines)


def complain(*lines: str, program: str = "mutt_tasks") -> None:
    """Write why a program cannot start to standard error, as its log would be: plain or JSON.

    For what is wrong before the log can be configured.
    """
    as_json, service, pod_name = of_the_log()
    # A value that may be secret is in no such line.
    written = Redacting(frozenset(), Origin(service, VERSION, pod_name), as_json=True)
    named = {"name": __name__, "levelname": "CRITICAL", "levelno": logging.CRITICAL}
    for line in lines:
        text = f"{program}: {line}"
        if as_json:
            text = written.format(logging.makeLogRecord({**named, "msg": line}))
        print(text, file=sys.stderr)


@cache
def settings() -> Settings:
    """The environment as settings; raises UnusableEnvironment."""
    try:
        return load()
    except SettingsError as error:
        raise UnusableEnvironment(error.lines) from None
