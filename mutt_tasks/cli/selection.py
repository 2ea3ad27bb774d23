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


def show_plan(looks: Looker, plan: Plan) -> None:
    """A plan, on standard error."""
    shown = job_view.plan(looks, plan)
    lists = ", ".join(f"{count:,} in {name}" for name, count in shown["routes"].items())
    output.say(f"{plan.id}: {plan.verb.value} {lists or 'nothing'}")
    for why, count in shown["skipped"].items():
        output.say(f"  left out: {count:,} {why}")
    if plan.sample:
        output.say(f"  such as {', '.join(plan.sample)}")
    if plan.count:
        output.say(f"  takes about {span(max(1.0, shown['expected_seconds']))} at best")


def ask(question: str, *, is_sure: bool) -> bool:
    """Whether the person says yes; raises InvalidArgument where nobody can be asked."""
    if is_sure:
        return True
    _check_somebody_is_there()
    return click.confirm(question, err=True)


def _check_somebody_is_there() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidArgument("nobody can be asked here: accepts --yes")


def agrees(looks: Looker, plan: Plan, *, is_sure: bool) -> bool:
    """Whether the person says yes to a plan; raises InvalidArgument where nobody can be asked."""
    if is_sure:
        return True
    _check_somebody_is_there()
    names = list(plan.sources)
    lengths = looks.store.listings.lengths(
        [source.key for source in planning.lists_of(looks.settings, names)]
    )
    where = f"{sum(lengths):,} messages in {', '.join(names)}"
    question = f"{plan.verb.value} {plan.count:,} of {where}?"
    if plan.count <= _MANY:
        return click.confirm(question, err=True)
    typed = click.prompt(f"{question} Type the number to go on", err=True, default="")
    return str(typed).replace(",", "").strip() == str(plan.count)
