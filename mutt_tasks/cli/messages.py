"""`list`, `show` and `groups`: what lies in the lists."""

import json
from typing import Any

import click

from mutt_tasks.cli import output, remarks
from mutt_tasks.cli.actor import actor_option, known_by
from mutt_tasks.cli.application import looker
from mutt_tasks.cli.output import Column
from mutt_tasks.core.lanes import FAILED
from mutt_tasks.errors import NotFound
from mutt_tasks.operations import grouping, looking, notes, shown
from mutt_tasks.operations.looking import Page, Wanted

_route = click.option(
    "--route",
    "routes",
    multiple=True,
    metavar="NAME",
    help="`alerter`, `moog`, `dead` (the dead letter list) or `trash`; may be repeated."
    "  [default: all but the trash]",
)
_where = click.option(
    "--where", default="", metavar="FILTER", help="Only messages that match (`list --help`)."
)

_LIST = (
    Column("ID"),
    Column("ROUTE"),
    Column("AGE", is_number=True),
    Column("TRIES", is_number=True),
    Column("REASON"),
    Column("GROUP", from_width=110),
    Column("MESSAGE", is_wide=True),
)
_GROUPS = (
    Column("GROUP"),
    Column("COUNT", is_number=True),
    Column("OLDEST", is_number=True),
    Column("REPLAYS", is_number=True, from_width=100),
    Column("ROUTES", from_width=100),
    Column("REASON"),
    Column("TEMPLATE", is_wide=True),
)


@click.command("list")
@_route
@_where
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True)
@click.option("--newest", is_flag=True, help="The newest first; else those that go next.")
@click.option("--cursor", default="", help="Go on where an earlier page ended.")
@output.form_option(*output.FORMS)
def list_command(
    routes: tuple[str, ...], where: str, limit: int, newest: bool, cursor: str, form: str
) -> None:
    """List messages, oldest first; credentials are hidden.

    FILTER is terms joined by spaces, all of which must hold: FIELD:VALUE with * as wildcard (host,
    ip, prog, sev, oid and msg are short names), age>2h, replays>=2, reason:poison,
    lane:shed, group:s1-9f3a, job:j-3f2a (the job that sent it last, or threw it away), or words
    that a message contains; quotes keep spaces together.

    \b
    mutt-dlq list --route dead --newest
    mutt-dlq list --where 'host:rtr-7* age>2h "link down"' -o jsonl
    """
    looks = looker(output.progress())
    wanted = Wanted(routes, where, limit, is_newest_first=newest, cursor=cursor)
    page = looking.page(looks, wanted)
    now = looks.store.now()
    messages = [shown.message(entry, now) for entry in page.entries]
    if form != output.IDS:
        messages = notes.beside(looks, messages, "id", "group")
    if form == output.TABLE:
        _show_messages(page, messages)
    else:
        output.show_all(form, messages)
    if page.cursor is not None:
        output.say(f"more: the same with --cursor {page.cursor}")


@click.command("show")
@click.argument("message_id", metavar="ID")
@_route
@click.option("--raw", is_flag=True, help="Its bytes, too; the audit then says who looked.")
@actor_option
@output.form_option(output.TABLE, output.JSON)
def show_command(
    message_id: str, routes: tuple[str, ...], raw: bool, actor: str, form: str
) -> None:
    """Show one message: why it is here, and what comes next.

    Its fields, its header and what the journal knows of it follow. Credentials are hidden, in its
    bytes as well.

    \b
    mutt-dlq show m-3f2a9c01d4e7
    mutt-dlq show m-3f2a9c01d4e7 --raw -o json
    """
    looks = looker(output.progress())
    entry = looking.find(looks, message_id, routes)
    if entry is None:
        raise NotFound(shown.gone(looks, message_id))
    (found,) = notes.beside(looks, [shown.whole_message(looks, entry)], "id", "group")
    if raw:
        found["raw"] = shown.raw(looks, entry, actor, known_by())
    if form == output.JSON:
        output.as_json(found)
    else:
        _show_message(found)


@click.command("groups")
@_route
@_where
@click.option("--exact", is_flag=True, help="Look at every message; else long lists are sampled.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True)
@output.form_option(*output.FORMS)
def groups_command(routes: tuple[str, ...], where: str, exact: bool, limit: int, form: str) -> None:
    """Show which kinds of messages there are.

    The most frequent come first. A count with ≈ is an estimate from a sample; `--exact` takes
    half a minute or more for a million messages, and at most a twentieth of Redis' time.

    \b
    mutt-dlq groups --route dead
    mutt-dlq list --where group:s1-9f3a12cd4e5f
    """
    looks = looker(output.progress())
    found = grouping.groups(looks, routes, where, is_exact=exact)
    now = looks.store.now()
    kept = [shown.group(each, now, is_exact=found.is_exact) for each in found.groups[:limit]]
    if form != output.IDS:
        kept = notes.beside(looks, kept, "id")
    if form != output.TABLE:
        output.show_all(form, kept)
        return
    if not kept:
        output.say(_nothing(where, found.seen))
        return
    remarks.table(_GROUPS, [_group_row(each) for each in kept], kept)
    total, more = sum(group.count for group in found.groups), len(found.groups) - limit
    mark = "" if found.is_exact else "≈ "
    kinds = "1 group" if len(found.groups) == 1 else f"{len(found.groups):,} groups"
    output.say(f"{mark}{total:,.0f} message{'' if total == 1 else 's'} in {kinds}")
    if more > 0:
        output.say(f"{more:,} smaller groups are not shown; --limit shows more")
    if found.twice:
        output.say(f"≈ up to {found.twice:,} were brought before older ones and may count twice")
    elif not found.is_exact:
        output.say(f"≈ from {found.seen:,} of {found.length:,} messages; --exact counts all")


def _show_messages(page: Page, messages: list[dict[str, Any]]) -> None:
    if not messages:
        output.say("nothing here" if not page.length else f"none of {page.seen:,} matches")
        return
    rows = [
        [
            each["id"],
            each["route"],
            output.age(each["age_seconds"]),
            str(each["replays"]),
            each["reason"],
            each["group"],
            shown.headline(entry.description),
        ]
        for each, entry in zip(messages, page.entries, strict=True)
    ]
    remarks.table(_LIST, rows, messages)


def _show_message(found: dict[str, Any]) -> None:
    output.show(f"{found['id']}  in {found['list']}, {found['older']:,} older", is_bold=True)
    for label, text in (("why", found["why"]), ("next", found["next"]["sentence"])):
        for line in output.wrapped(f"  {label:5}  ", text):
            output.show(line)
    happened = f", of {found['happened_at']}" if found["happened_at"] else ""
    output.show(f"  age    {output.age(found['age_seconds'])}{happened}")
    replays = found["replays"]
    output.show(f"  tries  {replays} replay{'' if replays == 1 else 's'}; lane {found['lane']}")
    output.show(f"  group  {found['group']}")
    if found["job"]:
        output.show(f"  job    {found['job']}")
    remarks.show(found)
    output.show(f"  bytes  {found['bytes']:,}, SHA-1 {found['digest']}")
    for title, value in (("header", found["header"]), ("fields", _fields(found))):
        if value:
            _show_fields(title, value)
    if found["history"]:
        output.show("history", is_bold=True)
    for each in found["history"]:
        output.show(f"  {each['at']}  {each['event']}  {each['sentence']}")
    if "raw" in found:
        output.show("raw", is_bold=True)
        output.show(found["raw"])
    elif not found["fields"]:
        output.show("text", is_bold=True)
        output.show(found["text"])


def _fields(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found["fields"].items() if name != "_remediation"}


def _show_fields(title: str, fields: dict[str, Any]) -> None:
    output.show(title, is_bold=True)
    width = max(map(output.width_of, fields))
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        output.show(f"  {name:{width}}  {text}")


def _group_row(group: dict[str, Any]) -> list[str]:
    mark = "" if group["is_exact"] else "≈ "
    return [
        group["id"],
        f"{mark}{group['count']:,}",
        output.age(group["oldest_age_seconds"]),
        f"{mark}{group['replays']:,}",
        " ".join(group["routes"]),
        _kind(group),
        group["template"],
    ]


def _kind(group: dict[str, Any]) -> str:
    """Why the messages lie there, and how they came unless that is the usual way."""
    reason, lane = group["reason"], group["lane"]
    return reason if lane in (reason, FAILED) else f"{reason}, {lane}"


def _nothing(where: str, seen: int) -> str:
    return f"none of {seen:,} matches" if where and seen else "nothing here"
