"""The language in which people say which messages they mean.

`host:rtr-7* age>2h reason:poison "link down"`: terms, joined by spaces, that must all hold.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from mutt_tasks.core.description import UNKNOWN, Description
from mutt_tasks.core.identity import JOB_PREFIX
from mutt_tasks.core.lanes import LANES
from mutt_tasks.core.needles import is_missing, needle_of
from mutt_tasks.core.policy import QUARANTINE_REASONS
from mutt_tasks.core.templates import VERSION

ACCEPTED = (
    "field:value with * as wildcard, age>2h, replays>=2, reason:…, lane:…, group:…, job:…,"
    " or words that the message contains; quotes keep spaces together"
)
# The usual short names of fields.
ALIASES = {
    "host": ("hostname",),
    "ip": ("source_ip",),
    "msg": ("message", "message_body"),
    "message": ("message", "message_body"),
    "prog": ("program",),
    "oid": ("trap_oid",),
    "severity": ("severity", "syslog_severity"),
    "sev": ("severity", "syslog_severity"),
    "team": ("team_assignment",),
    "correlation": ("_correlation_id",),
}
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(s|m|min|h|d|w)")
_COMPARED = re.compile(r"(age|replays)(<=|>=|<|>|=)(.*)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*):(.*)", re.DOTALL)
_TERM = re.compile(r'((?:[^\s"]|"(?:[^"\\]|\\.)*")+)|(\S)')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda found, wanted: found < wanted,
    "<=": lambda found, wanted: found <= wanted,
    ">": lambda found, wanted: found > wanted,
    ">=": lambda found, wanted: found >= wanted,
    "=": lambda found, wanted: found == wanted,
}


class Term(NamedTuple):
    """One term: whether it `holds` of a message, in which the `needle` then stands somewhere.

    `reads_body` says that it asks for what the message says, and not only for what is said of it.
    """

    holds: Callable[[Description], bool]
    needle: bytes = b""
    reads_body: bool = False


@dataclass(frozen=True)
class Filter:
    """Which messages are meant; `text` is what was written. Without terms all are."""

    text: str
    terms: tuple[Term, ...] = ()

    def matches(self, message: Description) -> bool:
        """Whether a message is meant."""
        return all(term.holds(message) for term in self.terms)

    def excludes(self, raw: bytes) -> bool:
        """Whether the bytes alone show that a message is not meant; most of them do."""
        return bool(self._needles) and is_missing(self._needles, raw)

    @property
    def reads_bodies(self) -> bool:
        """Whether what it finds tells what messages say."""
        return any(term.reads_body for term in self.terms)

    @cached_property
    def _needles(self) -> tuple[bytes, ...]:
        return tuple(term.needle for term in self.terms if term.needle)


def parse_filter(text: str, now: float, version: str = VERSION) -> Filter:
    """Read a filter; ages count from `now` (seconds since 1970), ids of groups have this version.

    Raises ValueError that says which term is wrong, and what is accepted.
    """
    return Filter(text, tuple(_term(written, now, version) for written in _split(text)))


def span_of(text: str) -> float:
    """A span such as `90s`, `10m`, `2h`, `7d`, in seconds; raises ValueError."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError("accepts a number with s, m, h, d or w behind it, as 90s, 10m or 2h")
    return float(found[1]) * _UNITS[found[2]]


def _split(text: str) -> list[str]:
    found = list(_TERM.finditer(text))
    for each in found:
        if each[2]:
            at = each.start() + 1
            raise ValueError(f"{each[2]!r} at character {at}: the quote has no end")
    return [each[1] for each in found]


def _term(written: str, now: float, version: str) -> Term:
    compared = _COMPARED.fullmatch(written)
    if compared:
        name, sign, wanted = compared.groups()
        return (
            _age(written, sign, wanted, now) if name == "age" else _replays(written, sign, wanted)
        )
    # A quote in front makes any text a bare one.
    named = None if written.startswith('"') else _FIELD.fullmatch(written)
    if named is None:
        return _contains(written)
    name, value = named[1].lower(), _unquoted(named[2])
    if name in ("age", "replays"):
        raise ValueError(f"{written!r}: accepts {name} with <, <=, >, >= or = behind it")
    if not value:
        raise ValueError(f"{written!r}: accepts a value behind the colon ({name}:* for any)")
    if name == "group":
        return _group(written, value, version)
    if name == "job":
        return _job(written, value)
    if name in ("reason", "lane"):
        accepted = LANES if name == "lane" else (*QUARANTINE_REASONS, *LANES, UNKNOWN)
        return _named(written, name, value, tuple(dict.fromkeys(accepted)))
    return _field(named[1], value)


def _age(written: str, sign: str, wanted: str, now: float) -> Term:
    try:
        span = span_of(wanted)
    except ValueError as accepted:
        raise ValueError(f"{written!r}: age {accepted}") from None
    compare = _COMPARE[sign]

    def holds(message: Description) -> bool:
        age = message.age(now)
        return age is not None and compare(age, span)

    return Term(holds)


def _replays(written: str, sign: str, wanted: str) -> Term:
    if not re.fullmatch(r"[0-9]{1,9}", wanted):
        raise ValueError(f"{written!r}: replays accepts a whole number")
    compare, number = _COMPARE[sign], int(wanted)
    return Term(lambda message: compare(message.replays, number))


def _group(written: str, value: str, version: str) -> Term:
    if not re.fullmatch(rf"{version}-[0-9a-f*]*", value):
        raise ValueError(f"{written!r}: accepts {version}- and the first digits, as `groups` shows")
    start = value.rstrip("*")
    return Term(lambda message: message.group.startswith(start))


def _job(written: str, value: str) -> Term:
    if not re.fullmatch(rf"{JOB_PREFIX}[0-9a-f*]*", value):
        raise ValueError(f"{written!r}: accepts {JOB_PREFIX} and the first digits, as `jobs` shows")
    start = value.rstrip("*")
    return Term(lambda message: message.job.startswith(start))


def _named(written: str, name: str, value: str, accepted: tuple[str, ...]) -> Term:
    pattern = _pattern(value)
    if not any(pattern.fullmatch(word) for word in accepted):
        raise ValueError(f"{written!r}: {name} accepts {', '.join(accepted)}")
    return Term(lambda message: pattern.fullmatch(getattr(message, name)) is not None)


def _field(name: str, value: str) -> Term:
    pattern, names = _pattern(value), (name, *ALIASES.get(name.lower(), ()))

    def holds(message: Description) -> bool:
        return any(pattern.fullmatch(_written(each)) for each in message.values(names))

    return Term(holds, needle_of(value), reads_body=True)


def _contains(written: str) -> Term:
    wanted = _unquoted(written).casefold()
    if "*" in wanted and not written.startswith('"'):
        pattern = _pattern(f"*{wanted}*")
        return Term(
            lambda message: any(pattern.fullmatch(text) for text in _texts(message)),
            needle_of(wanted),
            reads_body=True,
        )
    return Term(
        lambda message: any(wanted in text.casefold() for text in _texts(message)),
        needle_of(wanted),
        reads_body=True,
    )


def _texts(message: Description) -> Iterator[str]:
    """Every value of the message as text; of what is no JSON object all of it."""
    if not message.fields:
        yield message.text
    waiting: list[Any] = [message.fields]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        else:
            yield _written(value)


def _written(value: Any) -> str:
    """A value as a person writes it; an object or array does not match by its text."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return "" if isinstance(value, dict | list) else str(value)


def _pattern(value: str) -> re.Pattern[str]:
    """What `*` stands for anything in; upper and lower case are the same.

    If there is a match, there is one with each part where it first stands behind the one before, so
    that nothing is tried twice: a filter with many `*` takes no longer than its text is long.
    """
    first, *rest = (re.escape(part) for part in value.split("*"))
    if not rest:
        return re.compile(f"(?s:{first})", re.IGNORECASE)
    *middle, last = rest
    steps = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"(?s:{first}{steps}.*{last})", re.IGNORECASE)


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda found: re.sub(r"\\(.)", r"\1", found[1]), text)
