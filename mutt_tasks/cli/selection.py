"""What commands that act let a person say: which messages, why, and how far."""

import sys
from collections.abc import Callable
from typing import Any

import click

from mutt_tasks.cli import output
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import job_view, planning
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.planning import Selection
from mutt_tasks.operations.status import span

# The number of more messages than this has to be typed.
_MANY = 1000


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which messages: ids, a filter, or all; of which lists."""
    route = click.option(
        "--route",
        "routes",
        multiple=True,
        metavar="NAME",
        help="Only of this list: `alerter`, `moog` or `dead`; may be repeated.",
    )
    every = click.option("--all", "is_all", is_flag=True, help="Every message.")
    where = click.option(
        "--where", default="", metavar="FILTER", help="Those that match (`list --help`)."
    )
    options: tuple[Callable[[Any], Any], ...] = (route, every, where)
    for option in options:
        command = option(command)
    return command


def plan_of(looks: Looker, verb: Verb, named: tuple[str, ...], given: Selection) -> Plan:
    """The plan that is named, or one that is made now; raises InvalidArgument."""
    plans = [name for name in named if name.startswith("p-")]
    if not plans:
        return planning.make(looks, given)
    if len(named) > 1 or given.where or given.is_all or given.routes or given.destination:
        raise InvalidArgument("a plan says all: accepts it alone, without a selection beside it")
    plan = planning.find(looks, plans[0])
    if plan.verb is not verb:
        raise InvalidArgument(f"{plan.id} is a plan to {plan.verb.value}, not to {verb.value}")
    return plan


def show_plan(
    looks: Looker, plan: Plan, most: int | None = None, *, is_paced: bool = False
) -> None:
    """A plan, on standard error; `most` of its messages will be done (None: all).

    `is_paced` says that the job gets a rate of its own.
    """
    shown = job_view.plan(looks, plan)
    lists = ", ".join(f"{count:,} in {name}" for name, count in shown["routes"].items())
    output.say(f"{plan.id}: {plan.verb.value} {lists or 'nothing'}")
    for why, count in shown["skipped"].items():
        output.say(f"  left out: {count:,} {why}")
    if plan.sample:
        output.say(f"  such as {', '.join(plan.sample)}")
    if shown["is_drained_too"] and (most is not None or is_paced):
        output.say("  left to the drain: it sends them too, and keeps to no limit of this job")
    if plan.count:
        seconds = shown["expected_seconds"] * _done(plan, most) / plan.count
        output.say(f"  takes about {span(max(1.0, seconds))} at best")


def ask(question: str, *, is_sure: bool) -> None:
    """Raise Abort unless the person says yes, and InvalidArgument where nobody can be asked."""
    if not is_sure:
        check_somebody_is_there()
        if not _answer(lambda: click.confirm(question, err=True)):
            raise click.Abort


def check_somebody_is_there() -> None:
    """Raise InvalidArgument where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidArgument("nobody can be asked here: accepts --yes")


def agree(looks: Looker, plan: Plan, most: int | None, *, is_sure: bool) -> None:
    """Raise Abort unless the person says yes to `most` messages of a plan (None: to all)."""
    if is_sure:
        return
    count = _done(plan, most)
    names = list(plan.sources)
    lengths = looks.store.listings.lengths(
        [source.parts for source in planning.lists_of(looks.settings, names)]
    )
    planned = f" of {plan.count:,} planned," if count < plan.count else ""
    where = f"{sum(lengths):,} messages in {', '.join(names)}"
    question = f"{plan.verb.value} {count:,}{planned} of {where}?"
    if count <= _MANY:
        ask(question, is_sure=False)
        return
    text = f"{question} Type the number to go on"
    typed = _answer(lambda: click.prompt(text, err=True, default="", show_default=False))
    if str(typed).replace(",", "").strip() != str(count):
        raise click.Abort


def _answer(ask: Callable[[], Any]) -> Any:
    """What somebody answers; raises Abort where the question is interrupted."""
    try:
        return ask()
    except click.Abort:
        output.say("")  # the cursor stands behind the question
        raise


def _done(plan: Plan, most: int | None) -> int:
    """How many messages of a plan will be done at most."""
    return plan.count if most is None else min(most, plan.count)
