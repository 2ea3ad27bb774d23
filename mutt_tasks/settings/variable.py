"""How one environment variable becomes a value: its names, secret files and error lines.

Which variables exist is said in `declared.py` and its neighbours; this module knows none of them.
"""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints
from urllib.parse import unquote, unquote_plus

from mutt_tasks.settings.parsers import Parser

T = TypeVar("T")

FILE_SUFFIX = "_FILE"
NOT_SHOWN = "a value that is not shown"


@dataclass(frozen=True)
class Variable:
    """One environment variable: name, default, parser, and what the documentation says of it."""

    name: str
    default: str
    parse: Parser[Any]
    unit: str
    meaning: str
    secret: bool = False
    group: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it can be given by, its own first."""
        return (self.name, *self.aliases)


def variable(
    name: str,
    default: str,
    parse: Parser[T],
    meaning: str,
    *,
    unit: str = "",
    secret: bool = False,
    aliases: tuple[str, ...] = (),
) -> T:
    """A dataclass field that is read from an environment variable.

    `default` is text, parsed like any other value; `unit` is what a number counts; `aliases` are
    other names for the same.
    A secret may also come from the file that `<name>_FILE` names, and is kept out of `repr`.
    A type checker sees a value of the type that `parse` gives, so that it can refuse a field that
    is annotated as something else.
    """
    spec = Variable(
        name, default, parse, unit=unit, meaning=meaning, secret=secret, aliases=aliases
    )
    return cast("T", dataclasses.field(metadata={"variable": spec}, repr=not secret))


def variables_of(settings: type) -> dict[str, Variable]:
    """Every variable of a class whose fields are groups of variables, in order of declaration.

    The keys are paths such as `pace.interval`. A group's `title` heads its variables in the
    documentation.
    """
    return {
        f"{name}.{field.name}": replace(field.metadata["variable"], group=group.title)
        for name, group in get_type_hints(settings).items()
        for field in dataclasses.fields(group)
    }


def read(specs: Mapping[str, Variable], env: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Parse every variable; returns the values by path, and one line for each bad one."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for path, spec in specs.items():
        try:
            text = _text_of(spec, env)
            values[path] = spec.parse(text)
        except _Problem as error:
            problems.append(str(error))
        except ValueError as error:
            problems.append(problem(spec, env, str(error)))
    return values, problems


def _text_of(spec: Variable, env: Mapping[str, str]) -> str:
    """The variable's text, by whichever of its names it is given."""
    given = {name: text for name in spec.names if (text := _given(spec, name, env))}
    first, *others = given or {spec.name: spec.default}
    for other in others:
        if given[other] != given[first]:
            got = [NOT_SHOWN if spec.secret else _shown(given[name]) for name in (first, other)]
            raise _Problem(
                f"{first}: got {got[0]}, and {other} {got[1]}; accepts one of the two, or the same"
                " value in both: they are two names of one setting"
            )
    return given.get(first, spec.default)


def _given(spec: Variable, name: str, env: Mapping[str, str]) -> str:
    """What a name says; an empty text counts as unset, as Compose passes `${X:-}`."""
    text = env.get(name, "").strip()
    path = env.get(name + FILE_SUFFIX, "").strip() if spec.secret else ""
    if not path:
        return text
    if text:
        raise _Problem(
            f"{name}: got {NOT_SHOWN}, accepts only one of {name} and {name}{FILE_SUFFIX}"
        )
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        # What is no absolute path may be the secret itself, given under the wrong name.
        got = _shown(path) if path.startswith("/") else NOT_SHOWN
        raise _Problem(
            f"{name}{FILE_SUFFIX}: got {got}, accepts the path of a readable text file"
        ) from None


class _Problem(ValueError):
    """A value cannot be used; the text is the whole line that says so."""


def given_names(spec: Variable, env: Mapping[str, str]) -> list[str]:
    """The names by which a variable is given."""
    forms = ("", FILE_SUFFIX) if spec.secret else ("",)
    names = [name + form for name in spec.names for form in forms]
    return [name for name in names if env.get(name, "").strip()]


def problem(spec: Variable, env: Mapping[str, str], accepted: str) -> str:
    """The line for a value that is not usable; it names the variable as it was given."""
    name = next((name for name in spec.names if env.get(name, "").strip()), spec.name)
    got = NOT_SHOWN if spec.secret else _shown(env.get(name, "").strip())
    return f"{name}: got {got}, accepts {accepted}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")


def known_names(specs: Iterable[Variable]) -> frozenset[str]:
    """Every name that means something, secret files included."""
    names: set[str] = set()
    for spec in specs:
        names.update(spec.names)
        if spec.secret:
            names.update(name + FILE_SUFFIX for name in spec.names)
    return frozenset(names)


def unknown_names(
    env: Mapping[str, str], known: frozenset[str], prefixes: tuple[str, ...]
) -> list[str]:
    """One warning for each variable that looks like ours and is not, with the nearest name."""
    warnings = []
    for name in sorted(env):
        if name.startswith(prefixes) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            warnings.append(f"{name} is not a variable of mutt_tasks and does nothing{hint}")
    return warnings


def secrets_in_url(url: str) -> set[str]:
    """The parts of an address that must not be shown either: password and query values.

    Accepts any text, Celery's lists of brokers included; each part as it stands and decoded.
    """
    found: set[str] = set()
    for each in re.split(r";(?=[a-z+]+://)", url):
        body, _, query = each.partition("://")[2].partition("#")[0].partition("?")
        login = body.partition("/")[0].rpartition("@")[0]
        found.add(login.partition(":")[2] if ":" in login else login)
        for pair in re.split("[&;]", query):
            name, _, value = pair.partition("=")
            if not name.startswith("ssl_") and name not in ("db", "virtual_host", "master_name"):
                found.add(value or name)
    return {form for part in found for form in (part, unquote(part), unquote_plus(part))} - {""}
