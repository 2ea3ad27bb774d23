"""The group of commands, which are loaded when they are asked for, and how they end."""

import errno
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from mutt_tasks import errors

DONE, FAILED, USAGE, CHANGED, REFUSED, AWAY, INTERRUPTED = 0, 1, 2, 3, 4, 6, 130

# Each command by the module that it is a function of.
_COMMANDS = {
    "status": "status",
    "list": "messages",
    "show": "messages",
    "groups": "messages",
    "plan": "actions",
    "replay": "actions",
    "requeue": "actions",
    "discard": "actions",
    "redirect": "actions",
    "edit": "edit",
    "undo": "jobs",
    "jobs": "jobs",
    "job": "jobs",
    "cancel": "jobs",
    "export": "exports",
    "import": "exports",
    "journal": "journal",
    "audit": "audit",
    "note": "notes",
    "ack": "notes",
    "notify": "notify",
    "pause": "switches",
    "resume": "switches",
    "run": "switches",
    "key": "keys",
    "slo": "slo",
}

# The first that fits counts.
_STATUS_OF: tuple[tuple[type[errors.MuttTasksError], int], ...] = (
    (errors.InvalidArgument, USAGE),
    (errors.PlaceLost, CHANGED),
    (errors.SetChanged, CHANGED),
    (errors.Refused, REFUSED),
    (errors.StoreUnavailable, AWAY),
    (errors.MuttTasksError, FAILED),
)


class Commands(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Their names, in the order in which `--help` shows them."""
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command with this name."""
        if name not in _COMMANDS:
            return None
        module = import_module(f"mutt_tasks.cli.{_COMMANDS[name]}")
        command: click.Command = getattr(module, f"{name}_command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that we can name ends it with one line and its exit status."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _end(INTERRUPTED, "interrupted")
        except click.Abort:
            # Somebody was asked and said no, or was interrupted before saying yes.
            _end(INTERRUPTED, "nothing was done")
        except click.ClickException:
            raise
        except errors.MuttTasksError as error:
            status = next(status for kind, status in _STATUS_OF if isinstance(error, kind))
            _end(status, str(error))
        except OSError as error:
            # Click ends quietly where a reader such as `head` has gone.
            if error.errno == errno.EPIPE:
                raise
            _end(FAILED, f"the output cannot be written ({error.strerror})")


def _end(status: int, text: str) -> NoReturn:
    click.echo(f"mutt-dlq: {text}", err=True)
    raise click.exceptions.Exit(status)


def _no_colour(ctx: click.Context, _parameter: click.Parameter, value: str) -> None:
    """https://no-color.org: any text but an empty one means no."""
    if value:
        ctx.color = False


@click.group("dlq", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--no-colour", envvar="NO_COLOR", hidden=True, expose_value=False, callback=_no_colour
)
def dlq() -> None:
    """Look into the dead letter queues, and act on what lies there.

    \b
    mutt-dlq status --watch          what is going on?
    mutt-dlq groups --route dead     what kinds of messages lie there?
    mutt-dlq list --where 'reason:poison host:rtr-7*'
    mutt-dlq show m-3f2a9c01d4e7     why is it here, what comes next?
    mutt-dlq replay --where group:s1-9f3a12cd4e5f --reason "mended" --wait
    mutt-dlq pause --for 1h --reason "change 4711"
    mutt-dlq audit --since 12h       who did what?
    mutt-dlq slo                     what is promised, and is it kept?

    The environment says where Redis is, as it does for the worker.

    \b
    Exit status: 0 done, 1 failed, 2 usage, 3 the list or the plan has changed,
    4 refused, 5 partly done, 6 Redis away, 124 --wait ran out, 130 interrupted.
    """


def main() -> None:
    """The script `mutt-dlq`."""
    sys.exit(dlq.main(prog_name="mutt-dlq"))
