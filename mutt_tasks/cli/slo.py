"""`slo`: what is promised, and whether it is kept."""

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.application import slo_report, slo_rules
from mutt_tasks.cli.output import Column
from mutt_tasks.core.slo import HOUR, Level, State
from mutt_tasks.core.slo_queries import duration
from mutt_tasks.operations.slo import PROMETHEUS, Report
from mutt_tasks.operations.status import span

# The exit status where `--fail-on` says so.
_FAILED = 1

_COLUMNS = (
    Column("OBJECTIVE"),
    Column("PROMISED", is_number=True),
    Column("ACTUAL", is_number=True),
    Column("BUDGET LEFT", is_number=True),
    Column("BURN 1H", is_number=True),
    Column("OF"),
    Column("STATE"),
    Column("WHY", is_wide=True),
)


@click.command("slo")
@click.option(
    "--fail-on",
    type=click.Choice([State.WARNING.value, State.CRITICAL.value]),
    help="End with status 1 when an objective is in this state, or in a worse one.",
)
@click.option("--rules", is_flag=True, help="Print Prometheus' rules for these objectives instead.")
@output.form_option(output.TABLE, output.JSON, output.JSONL)
@click.pass_context
def slo_command(ctx: click.Context, fail_on: str | None, rules: bool, form: str) -> None:
    """Say which objectives are kept, and how fast their error budgets are used up.

    From Prometheus where PROMETHEUS_URL is set, else from what Redis holds. What there is no data
    of is neither kept nor missed.

    \b
    mutt-dlq slo
    mutt-dlq slo --fail-on critical && ./deploy
    mutt-dlq slo -o json | jq '.objectives[] | select(.state != "ok")'
    mutt-dlq slo --rules > slo-rules.yml
    """
    if rules:
        click.echo(slo_rules(), nl=False)
        return
    found = slo_report()
    _show(found, form)
    if fail_on and found.reaches(State(fail_on)):
        ctx.exit(_FAILED)


def _show(found: Report, form: str) -> None:
    if form == output.JSON:
        output.as_json(found.as_json())
    elif form == output.JSONL:
        for level in found.as_json()["objectives"]:
            output.as_json(level, is_line=True)
    else:
        output.table(_COLUMNS, [_row(level) for level in found.levels])
        output.say(f"from {'Prometheus' if found.source == PROMETHEUS else 'Redis'}")


def _row(level: Level) -> list[str]:
    objective = level.objective
    burn = level.stretches.get(HOUR)
    return [
        objective.name,
        f"{objective.target * 100:.6g} %",
        "-" if level.actual is None else f"{level.actual * 100:.6g} %",
        "-" if level.budget_left is None else f"{level.budget_left * 100:.0f} %",
        "-" if burn is None else f"{burn:.1f}",
        _window(level),
        level.state.value,
        level.why or objective.title,
    ]


def _window(level: Level) -> str:
    """The window, and what of it there are data of, where that is less."""
    window = level.objective.window
    covered = level.measured.covered if level.measured else None
    if covered is None or covered >= 0.99 * window:
        return duration(window)
    return f"{span(covered)} of {duration(window)}"
