"""Wait for a job's end and tell how it ended, in words and as an exit status."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.application import start_cycle
from mutt_tasks.core.filters import span_of
from mutt_tasks.core.jobs import ACTIVE, Job, State
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.plan import Verb
from mutt_tasks.errors import InvalidArgument, StoreUnavailable
from mutt_tasks.operations import job_view
from mutt_tasks.operations.looking import Looker

DONE, FAILED, PARTLY, RAN_OUT, INTERRUPTED = 0, 1, 5, 124, 130

_FOR_EVER = float("inf")
_LOOK_SECONDS = 0.25
_ASKED = "mutt_tasks.cli.waiting"


@dataclass(frozen=True)
class Wait:
    """How long somebody waits (seconds; None: not at all), and whether until it is all settled.

    That is when what a job sent has stuck or come back.
    """

    seconds: float | None = None
    until_settled: bool = False

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody waits at all."""
        return self.seconds is not None or self.until_settled

    def is_over(self, job: Mapping[str, Any]) -> bool:
        """Whether a job, as faces show it, is as it is waited for."""
        is_open = self.until_settled and job["counts"]["under_way"]
        return State(job["state"]) not in ACTIVE and not is_open


def _seconds(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    try:
        ctx.meta[f"{_ASKED}.seconds"] = span_of(value) if value else _FOR_EVER
    except ValueError as accepted:
        raise InvalidArgument(f"--wait: got {value!r:.60}, {accepted}") from None


def _settled(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    ctx.meta[f"{_ASKED}.settled"] = value


def wait_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options `--wait`, with or without a span, and `--settled`; `tell` keeps to them."""
    settled = click.option(
        "--settled",
        is_flag=True,
        expose_value=False,
        callback=_settled,
        help="Wait until what was sent has stuck or come back, too (two minutes more).",
    )
    wait = click.option(
        "--wait",
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[SPAN]",
        expose_value=False,
        callback=_seconds,
        help="Until the job has ended, or for so long (as 90s, 10m).",
    )
    return wait(settled(command))


def asked() -> Wait:
    """How long the person who gave the command that runs wants to wait."""
    meta = click.get_current_context().meta
    return Wait(meta.get(f"{_ASKED}.seconds"), meta.get(f"{_ASKED}.settled", False))


def tell(looks: Looker, job: Job, form: str) -> None:
    """Show a job, when it is as it is waited for, and end with the exit status that it gives."""
    wait = asked()
    shown = job_view.job(looks, job)
    if wait.is_asked_for:
        shown = _waited(looks, job, shown, wait)
    if form == output.JSON:
        output.as_json(shown)
    elif form == output.IDS:
        output.show(job.id)
    else:
        show_job(shown)
    status = status_of(shown, wait)
    if status:
        raise click.exceptions.Exit(status)


def _waited(looks: Looker, job: Job, shown: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """The job when the wait is over, or as it is when time has run out.

    An interrupt ends the command and not the job.
    """
    clock, last, has_asked = looks.time, "", False
    late_at = clock.monotonic() + (_FOR_EVER if wait.seconds is None else wait.seconds)
    try:
        while not wait.is_over(shown) and clock.monotonic() < late_at:
            clock.wait(_LOOK_SECONDS)
            shown = job_view.job(looks, job)
            told = f"{job.id}: {job_view.in_words(shown['counts'])}"
            told += f"; waits: {shown['held_because']}" if shown["held_because"] else ""
            if told != last:
                output.say(told)
            last = told
            if not has_asked and _is_to_be_looked_at(looks, shown):
                has_asked = True
                _ask_for_a_cycle()
    except KeyboardInterrupt:
        output.say(f"interrupted; {job.id} goes on: `mutt-dlq job {job.id}` shows it")
        raise click.exceptions.Exit(INTERRUPTED) from None
    return shown


def _is_to_be_looked_at(looks: Looker, shown: Mapping[str, Any]) -> bool:
    """Whether it could be known what came back, if only a cycle looked."""
    known_at = moment_of(shown["known_at"])
    is_ended = State(shown["state"]) not in ACTIVE
    return is_ended and known_at is not None and looks.store.now() > known_at


def _ask_for_a_cycle() -> None:
    try:
        start_cycle()
    except StoreUnavailable as away:
        output.say(f"{away}: the next cycle will see what came back")


def show_job(shown: Mapping[str, Any]) -> None:
    """A job for people."""
    lists = ", ".join(f"{name} {count:,}" for name, count in shown["routes"].items())
    output.show(f"{shown['id']}  {shown['verb']} {lists}: {shown['state']}", is_bold=True)
    output.show(f"  {job_view.in_words(shown['counts'])}")
    if shown["stop_after"] is not None and shown["counts"]["left"]:
        output.show(f"  to stop after {shown['stop_after']:,}")
    if shown["rate"]:
        output.show(f"  at most {shown['rate']:g}/s")
    for line in _remarks(shown):
        for part in output.wrapped("  ", line):
            output.show(part)
    output.show(f"  by {shown['actor']}, {shown['created_at']}: {shown['reason']}")


def _remarks(shown: Mapping[str, Any]) -> list[str]:
    """What else there is to say of a job."""
    counts, found = shown["counts"], []
    if shown["held_because"]:
        found.append(f"waits: {shown['held_because']}")
    if shown["why"]:
        found.append(shown["why"])
    if counts["under_way"]:
        found.append(f"what is under way has stuck if it is not back at {shown['known_at']}")
    if counts["came_back"]:
        found.append(f"what came back: mutt-dlq list --where job:{shown['id']}")
    if counts["gone"] and shown["verb"] == Verb.REPLAY:
        found.append("gone: the drain has sent them, or somebody has taken them")
    return found


def status_of(job: Mapping[str, Any], wait: Wait) -> int:
    """The exit status of a command that ends with a job, as faces show it."""
    counts, state = job["counts"], State(job["state"])
    if not wait.is_over(job):
        return RAN_OUT if wait.is_asked_for else DONE
    if state is State.FAILED:
        return FAILED
    is_whole = counts["done"] == counts["planned"]
    is_stopped = job["stop_after"] is not None and counts["done"] >= job["stop_after"]
    is_as_asked = state is State.DONE and (is_stopped or is_whole) and not counts["came_back"]
    return DONE if is_as_asked else PARTLY
