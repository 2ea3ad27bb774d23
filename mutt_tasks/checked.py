"""The kinds of tasks: their arguments are checked when they run, steps of a cycle are watched."""

import re
from collections.abc import Mapping, Sequence
from inspect import Parameter, signature
from typing import Any

from celery import Task, signals

from mutt_tasks.errors import InvalidArgument
from mutt_tasks.telemetry import tracing
from mutt_tasks.telemetry.log_lines import current_cycle

_CYCLE = re.compile(r"[0-9a-f]{32}")


class Checked(Task):
    """A task whose arguments are checked when it runs: the caller's Celery knows no signature."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it; raises InvalidArgument that names what is missing, unknown, and accepted."""
        parameters = signature(self.run).parameters
        try:
            signature(self.run).bind(*args, **kwargs)
        except TypeError:
            raise InvalidArgument(_misfit(parameters, args, kwargs)) from None
        current_cycle.set(_cycle_in(kwargs))
        return super().__call__(*args, **kwargs)


class CycleStep(Checked):
    """A step of a cycle: its span has what it returns. What operators type is in no span."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, and note how it ended."""
        try:
            result = super().__call__(*args, **kwargs)
        except Exception as error:
            tracing.note({"outcome": tracing.FAILED, "error": type(error).__name__})
            raise
        tracing.note(result)
        return result


def _misfit(
    parameters: Mapping[str, Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    given = {*tuple(parameters)[: len(args)], *kwargs}
    missing = [name for name, p in parameters.items() if p.default is p.empty and name not in given]
    unknown = [f"{name!r:.60}" for name in kwargs if name not in parameters]
    twice = [name for name in tuple(parameters)[: len(args)] if name in kwargs]
    wrong = [
        f"{words} {', '.join(names)}"
        for words, names in (("missing", missing), ("unknown", unknown), ("given twice", twice))
        if names
    ]
    if len(args) > len(parameters):
        wrong.append(f"{len(args)} arguments are too many")
    accepted = [
        name if p.default is p.empty else f"{name} (default {p.default!r})"
        for name, p in parameters.items()
    ]
    return f"{'; '.join(wrong)}; accepts {', '.join(accepted)}"


@signals.task_postrun.connect
def _leave_cycle(**_: Any) -> None:
    """Behind the task's last line, Celery's traceback included."""
    current_cycle.set("")


def _cycle_in(arguments: Mapping[str, Any]) -> str:
    """The id of the cycle that a task's arguments name; empty when it is none."""
    value = arguments.get("cycle")
    return value if isinstance(value, str) and _CYCLE.fullmatch(value) else ""


def cycle_id(value: object) -> str:
    """A cycle's id as it was given; raises InvalidArgument where it is none."""
    if not isinstance(value, str) or not _CYCLE.fullmatch(value):
        raise InvalidArgument("cycle: accepts the 32 hexadecimal digits of a cycle's id")
    return value
