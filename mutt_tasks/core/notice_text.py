"""What a notification says: what, how many, since when, the consequence, and the next step.

Texts are made of facts, never of messages: of these no more than their group is named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mutt_tasks.core.causes import Cause, Kind
from mutt_tasks.core.moments import iso
from mutt_tasks.core.telling import Message

# So many causes are told one by one; the rest is a number.
_MOST_LINES = 10

_START = "MUTT remediation: "
_REASONS = {
    "poison": "every replay failed",
    "malformed": "not a JSON object",
    "incomplete": "a field that the alerter requires is missing",
    "stale": "older than REMEDIATION_MAX_AGE",
    "suspect": "failed alone, and waited too long for quiet traffic",
}


class Severity(StrEnum):
    """How bad it is, in apprise's words."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Notice:
    """A notification: title, text, how bad it is, and the key of its incident where one is kept.

    `is_over` ends that incident.
    """

    title: str
    body: str
    severity: Severity
    key: str
    is_over: bool = False


def notice(
    message: Message, causes: Mapping[str, Cause], told: frozenset[str], console_url: str = ""
) -> Notice:
    """What a message says of its causes; `told` are the keys of those that were told before."""
    parts = [_part(kind, message, causes, told, console_url) for kind in message.kinds]
    order = list(Severity)
    severity = max((each.severity for each in parts), key=order.index)
    if not message.is_digest:
        title, body = parts[0].title, parts[0].body
    else:
        title = "digest: " + "; ".join(part.title for part in parts)
        lead = "The hourly limit of messages was reached; this is what it held back."
        body = "\n\n".join([lead, *(f"{part.title}\n{part.body}" for part in parts)])
    first = min(message.kinds, key=list(Kind).index)
    return Notice(
        _START + title, body, severity, f"mutt-remediation-{first.value}", message.is_over
    )


def trial_notice(name: str) -> Notice:
    """What `mutt-dlq notify test` sends to the target of this name."""
    return Notice(
        f"{_START}test",
        f"This is a test of the target {name}: nothing has happened, and nothing is to be done.",
        Severity.INFO,
        "mutt-remediation-test",
    )


@dataclass(frozen=True)
class _Part:
    title: str
    body: str
    severity: Severity


def _part(
    kind: Kind,
    message: Message,
    causes: Mapping[str, Cause],
    told: frozenset[str],
    console_url: str,
) -> _Part:
    """What is told of one kind."""
    new = [causes[key] for key in message.causes if causes[key].kind is kind]
    over = [causes[key] for key in message.ends if causes[key].kind is kind]
    write = _WRITERS[kind]
    if not new:
        title = _OVER[kind].format(n=len(over), s="" if len(over) == 1 else "s")
        return _Part(title, _lines([_name(each) for each in over]), Severity.SUCCESS)
    part = write(new, all(each.key in told for each in new), console_url)
    ended = ["Over by now: " + ", ".join(map(_name, over))] if over else []
    return _Part(part.title, "\n".join([part.body, *ended]), part.severity)


def _dead(causes: list[Cause], is_repeated: bool, console_url: str) -> _Part:
    count = sum(each.count for each in causes)
    kinds = f" of {len(causes)} kinds" if len(causes) > 1 else ""
    word = "still" if is_repeated else "new"
    lines = [
        f"{_name(each)}: {_messages(each.count)}{_reason(each)}{_more(each)},"
        f" since {_when(each.facts.get('since') or iso(each.at))}"
        for each in causes
    ]
    group = _name(causes[0])
    step = f"mutt-dlq list --route dead --where group:{group}"
    if console_url:
        step = _link(console_url, f"messages?where=group:{group}" if not kinds else "dead")
    return _Part(
        f"{word} in the dead letter list: {_messages(count)}{kinds}",
        f"{_lines(lines)}\n"
        "They are not tried again by themselves: until somebody puts them back, Moogsoft does not"
        f" hear of them.\nNext: {step}\n"
        f'Then mutt-dlq requeue --where group:{group} --reason "…", or to hear no more of it for a'
        f' while mutt-dlq ack {group} --for 4h --reason "…"',
        Severity.WARNING,
    )


def _pause(causes: list[Cause], _is_repeated: bool, console_url: str) -> _Part:
    last = causes[-1]
    waits = "waits" if last.count == 1 else "wait"
    waiting = f"{_messages(last.count)} {waits}" if last.count else "no message waits now"
    step = (
        f"{console_url.rstrip('/')}/pause"
        if console_url
        else 'mutt-dlq pause --for 1h --reason "…"'
    )
    return _Part(
        f"the pause of {last.facts['by']} ends at {_when(last.facts['until'])}",
        f"Paused since {_when(last.facts['since'])}: {last.facts['why']}\n"
        f"Then replays go on by themselves: {waiting}.\n"
        f"Next: nothing, if that is meant; to hold them longer {step}",
        Severity.WARNING,
    )


def _recovered(causes: list[Cause], _is_repeated: bool, console_url: str) -> _Part:
    lines = [
        f"{each.facts['what']}, from {_when(each.facts['from'])} to {_when(iso(each.at))}"
        + (f"; held meanwhile: {each.facts['held']}" if each.facts.get("held") else "")
        for each in causes
    ]
    is_any_dead = any(each.facts.get("dead", "0") != "0" for each in causes)
    step = _link(console_url, "dead") if console_url else "mutt-dlq groups --route dead"
    what_next = (
        f"Next: {step}" if is_any_dead else "Next: nothing, unless you wonder: mutt-dlq journal"
    )
    several = f" ({len(causes)} times)" if len(causes) > 1 else ""
    return _Part(
        f"recovered: {causes[-1].facts['what']}{several}",
        f"{_lines(lines)}\nNothing waits in the dead letter queues any more.\n{what_next}",
        Severity.SUCCESS,
    )


def _job(causes: list[Cause], _is_repeated: bool, console_url: str) -> _Part:
    lines = [
        f"{_name(each)}: {each.facts['verb']} by {each.facts['by']} ({each.facts['why']}):"
        f" {each.facts['state']}, {each.facts['did']}, in {each.facts['took']}"
        for each in causes
    ]
    first = causes[0]
    name = _name(first)
    step = _link(console_url, f"jobs/{name}") if console_url else f"mutt-dlq job {name}"
    discards = [_name(each) for each in causes if each.facts["verb"] == "discard"]
    undo = [f'\nFor 7 days: mutt-dlq undo {name} --reason "…"' for name in discards[:1]]
    is_failed = any(each.facts["state"] == "failed" for each in causes)
    title = f"the {first.facts['verb']} {name} is over: {first.facts['state']}"
    return _Part(
        title if len(causes) == 1 else f"{len(causes)} jobs are over",
        f"{_lines(lines)}\nWhat is left lies where it was, and is not done by itself.\n"
        f"Next: {step}{''.join(undo)}",
        Severity.FAILURE if is_failed else Severity.INFO,
    )


_Writer = Callable[[list[Cause], bool, str], _Part]
_WRITERS: dict[Kind, _Writer] = {
    Kind.DEAD: _dead,
    Kind.PAUSE: _pause,
    Kind.RECOVERED: _recovered,
    Kind.JOB: _job,
}
_OVER = {
    Kind.DEAD: "gone from the dead letter list: {n} kind{s} of messages",
    Kind.PAUSE: "the pause is over",
    Kind.RECOVERED: "recovered",
    Kind.JOB: "{n} job{s} ended",
}


def _name(cause: Cause) -> str:
    """What people call a cause: the group's id, the job's."""
    return cause.facts.get("name", cause.key)


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"


def _reason(cause: Cause) -> str:
    reason = cause.facts.get("reason", "")
    meaning = f" ({_REASONS[reason]})" if reason in _REASONS else ""
    return f", {reason}{meaning}" if reason else ""


def _more(cause: Cause) -> str:
    found = [
        f"{name} {cause.facts[name]}" for name in ("route", "program") if cause.facts.get(name)
    ]
    return "".join(f", {each}" for each in found)


def _when(moment: str) -> str:
    """A moment in ISO 8601 as people read it."""
    return f"{moment[:19].replace('T', ' ')} UTC"


def _link(console_url: str, path: str) -> str:
    return f"{console_url.rstrip('/')}/{path}"


def _lines(lines: list[str]) -> str:
    rest = [f"and {len(lines) - _MOST_LINES:,} more"] if len(lines) > _MOST_LINES else []
    return "\n".join(f"- {line}" for line in (*lines[:_MOST_LINES], *rest))
