"""`notify test`: whether notifications reach those who are to be told."""

import click

from mutt_tasks.cli import output
from mutt_tasks.cli.application import tried_targets
from mutt_tasks.cli.output import Column
from mutt_tasks.cli.waiting import FAILED, PARTLY

_COLUMNS = (Column("TARGET"), Column("SECONDS", is_number=True), Column("RESULT", is_wide=True))


@click.group("notify")
def notify_command() -> None:
    """Notifications, which the process mutt-notify sends to the targets in NOTIFY_URLS.

    \b
    mutt-dlq notify test
    """


@notify_command.command("test")
@output.form_option(output.TABLE, output.JSON)
def test_command(form: str) -> None:
    """Send a test message to each target, and say what each did with it.

    It needs neither mutt-notify nor Redis, and counts towards no limit. Exit status: 0 all took it,
    5 some did, 1 none did.

    \b
    mutt-dlq notify test
    """
    found = tried_targets()
    if form == output.JSON:
        output.as_json(
            [
                {
                    "target": each.target,
                    "outcome": "failed" if each.why else "sent",
                    "why": each.why,
                    "seconds": round(each.seconds, 1),
                }
                for each in found
            ]
        )
    else:
        rows = [
            [each.target, f"{each.seconds:.1f}", f"failed: {each.why}" if each.why else "sent"]
            for each in found
        ]
        output.table(_COLUMNS, rows)
    failed = [each for each in found if each.why]
    if failed:
        raise click.exceptions.Exit(PARTLY if len(failed) < len(found) else FAILED)
