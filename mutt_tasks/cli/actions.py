"""`plan`, `replay`, `requeue`, `discard` and `redirect`: exactly these messages, and no others."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import uuid4

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.actor import actor_option, known_by, reason_option
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.selection import (
    agree,
    check_somebody_is_there,
    plan_of,
    selection_options,
    show_plan,
)
from mutt_tasks.cli.waiting import tell, wait_options
from mutt_tasks.core.plan import PLANNED, Verb
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import job_view, jobs, planning
from mutt_tasks.operations.attempts import attempted
from mutt_tasks.operations.jobs import Order
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.planning import Selection

_to = click.option("--to", "destination", default="", metavar="QUEUE", help="Where to redirect.")


def order_of(actor: str, reason: str, **limits: Any) -> Order:
    """What the person wants, for the command that runs; raises InvalidArgument without a reason."""
    if not reason:
        raise InvalidArgument("every change wants a reason: accepts --reason TEXT")
    return Order(actor, known_by(), reason, uuid4().hex, **limits)


@click.command("plan")
@click.argument("verb", type=click.Choice([verb.value for verb in PLANNED]))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@selection_options
@_to
@output.form_option(output.TABLE, output.JSON, output.IDS)
def plan_command(
    verb: str,
    ids: tuple[str, ...],
    where: str,
    is_all: bool,
    routes: tuple[str, ...],
    destination: str,
    form: str,
) -> None:
    """Freeze a selection: exactly these messages, none that arrives later.

    It lives for 15 minutes; `replay`, `requeue`, `discard` and `redirect` take its id.

    \b
    mutt-dlq plan replay --where 'group:s1-9f3a* age>1h'
    mutt-dlq plan discard --route dead --all -o json
    """
    looks = looker(output.progress())
    chosen = Selection(Verb(verb), ids, where, is_all, routes, destination=destination)
    plan = planning.make(looks, chosen)
    if form == output.JSON:
        output.as_json(job_view.plan(looks, plan))
        return
    if form == output.TABLE:
        show_plan(looks, plan)
    output.show(plan.id)


def _acting(verb: Verb, help_text: str) -> click.Command:
    """The command that does a verb."""

    def act(**given: Any) -> None:
        _act(verb, given)

    act.__doc__ = help_text
    options: list[Callable[[Any], Any]] = [
        click.argument("named", nargs=-1, metavar="[PLAN | ID...]"),
        selection_options,
        click.option("--dry-run", is_flag=True, help="Only say what would be done."),
        click.option("--stop-after", type=click.IntRange(1), help="End after so many messages."),
        reason_option,
        click.option("--yes", is_flag=True, help="Do not ask."),
        wait_options,
        actor_option,
        output.form_option(output.TABLE, output.JSON, output.IDS),
    ]
    if verb in (Verb.REPLAY, Verb.REQUEUE):
        a_second = click.FloatRange(0.01, 1e6)
        options.append(click.option("--rate", type=a_second, help="At most so many a second."))
    if verb is Verb.REDIRECT:
        options.append(_to)
    command: Any = act
    for option in reversed(options):
        command = option(command)
    return click.command(verb.value)(command)


def _act(verb: Verb, given: dict[str, Any]) -> None:
    """Make or take a plan, show it, ask, and submit it."""
    named, form, is_sure = given["named"], given["form"], given["yes"]
    order = None
    if not given["dry_run"]:
        limits = {"stop_after": given["stop_after"], "rate": given.get("rate")}
        order = order_of(given["actor"], given["reason"], **limits).checked()
    looks = looker(output.progress())
    chosen = Selection(
        verb,
        named,
        given["where"],
        given["is_all"],
        given["routes"],
        destination=given.get("destination", ""),
    )
    with _attempted(looks, verb, named, order):
        if order is not None and not is_sure:
            check_somebody_is_there()  # a plan can take minutes
        plan = plan_of(looks, verb, named, chosen)
        if order is not None:
            planning.check_possible(plan, is_named=bool(chosen.ids))
    if form == output.TABLE or not is_sure:
        show_plan(looks, plan, given["stop_after"], is_paced=given.get("rate") is not None)
    if order is None:
        if form == output.JSON:
            output.as_json(job_view.plan(looks, plan))
    elif not plan.count:
        output.say("nothing to do")
        if form == output.JSON:
            output.as_json(job_view.nothing(looks, plan, order))
    else:
        agree(looks, plan, given["stop_after"], is_sure=is_sure)
        tell(looks, jobs.submit(looks.store, plan, order), form)


def _attempted(
    looks: Looker, verb: Verb, named: tuple[str, ...], order: Order | None
) -> AbstractContextManager[None]:
    """What is refused before a job is submitted was an attempt, too, unless it is a dry run."""
    if order is None:
        return nullcontext()
    return attempted(looks.store, order.to(f"submit {verb.value}", " ".join(named)))


replay_command = _acting(
    Verb.REPLAY,
    """Put messages of the dead letter queues back, before all others.

    They go through the gate and at the pace that the pipeline can carry, a canary first; only
    their own backoff does not keep them.

    \b
    mutt-dlq replay --where group:s1-9f3a12cd4e5f --stop-after 10 --reason "try ten" --wait
    mutt-dlq replay p-3f2a9c01d4e7 --reason "the database is mended" --yes
    """,
)
requeue_command = _acting(
    Verb.REQUEUE,
    """Give messages of the dead letter list a fresh start in their own route.

    Their header is renewed (the old one stays in it as `before`), and the pipeline's counters are
    set to 0. What no consumer can decode cannot be requeued: edit, redirect or discard it.

    \b
    mutt-dlq requeue --where 'reason:poison host:rtr-7*' --reason "rule 12 is mended"
    """,
)
discard_command = _acting(
    Verb.DISCARD,
    """Throw messages into the trash, from where `undo` brings them back for 7 days.

    \b
    mutt-dlq discard --route dead --where 'group:s1-9f3a* age>7d' --reason "old, ticket 812"
    """,
)
redirect_command = _acting(
    Verb.REDIRECT,
    """Move messages, as they lie, to a list that REMEDIATION_REDIRECT_QUEUES names.

    \b
    mutt-dlq redirect --to lab:queue --where prog:test --reason "for the lab"
    """,
)
