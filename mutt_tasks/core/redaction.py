"""What people may see of a message: everything but what is, or looks like, a credential.

Values are hidden by their key (`api_key`, `password`, …) at any depth, and inside of texts by
their shape (`token=…`, `Bearer …`, `user:password@`, configuration lines of routers). Where the end
of a secret is not certain, more is hidden.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mutt_tasks.core.kinds import REMEMBERED, kind_of

HIDDEN = "***"

_SHORTEST = 3
# `AKIA` and twelve more are the shortest shape that can stand in one word.
_SHORTEST_SHAPE = 16

_WORDS = (
    r"(?:api|access|private|session|signing)[ ._-]?key|passw(?:or)?d|passphrase|pwd|secret"
    r"|token|authorization|credentials?|cookie|community|session[ ._-]?id"
)
_SECRET_KEY = re.compile(rf"{_WORDS}|(?:\A|[_ .-])(?:auth|pass)\Z", re.IGNORECASE)
# Each text with a credential by name or shape holds one of these; nearly all others hold none, and
# are done with a search for them.
_PARTS = (
    *("key", "pass", "pwd", "secret", "token", "auth", "credential", "cookie", "community"),
    *("session", "bearer", "basic", "://", "akia", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "xox"),
    *("eyj", "sk_live", "-----begin", "\\u00"),
)
# A value behind its name: quoted, perhaps with the backslashes of JSON within JSON, or one word. A
# quote without an end, or an object, hides all the rest.
_NAMED = re.compile(
    rf"""(?P<name>(?:(?:{_WORDS})[\w.-]{{0,20}}|(?<=["'_.-])(?:auth|pass)|(?<![a-z])pass)"""
    r"""[\\"']{0,8}\s{0,8}[:=]\s{0,8})"""
    r"""(?:(?P<quote>\\{0,8}["'])(?P<quoted>.*?)(?:(?<!\\)(?P=quote)|\Z)|[{\[].*"""
    r"""|(?:(?:bearer|basic|digest|negotiate)\s+)?[^\s,;&"'\\<>(){}\[\]]+)""",
    re.IGNORECASE | re.DOTALL,
)
_SHAPES = (
    (re.compile(r"://[^\s:@/]{0,200}:[^\s@]{1,400}@"), f"://{HIDDEN}@"),
    (
        re.compile(r"\b((?i:bearer|basic))\s+(?=\S*[0-9=A-Z])[A-Za-z0-9+/=._~-]{8,}"),
        rf"\1 {HIDDEN}",
    ),
    # `password 7 0822455D0A16`, `snmp-server community s3cret RO`, `key-string s3cret`
    (re.compile(r"\b(password|secret)(\s+[0-9])\s+\S+", re.IGNORECASE), rf"\1\2 {HIDDEN}"),
    (re.compile(r"\b(snmp-server\s+community|key-string)\s+\S+", re.I), rf"\1 {HIDDEN}"),
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*", re.DOTALL), HIDDEN),
    (
        re.compile(
            r"\b(?:AKIA[0-9A-Z]{12,}|gh[opsur]_[A-Za-z0-9]{16,}|xox[a-z]-[\w-]{8,}|sk_live_\w{8,}"
            r"|eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?)"
        ),
        HIDDEN,
    ),
)
# JSON may write a letter as its number, also within a text; a key must not hide behind that.
_WRITTEN_LETTER = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\s+', re.DOTALL)
_OPENING, _CLOSING = frozenset("{["), frozenset("}]")
_BETWEEN = frozenset(":,")
# Longer texts are seldom of one kind, and would take room.
_LONGEST_OF_KIND = 500
_NOTHING = frozenset({'""', "null", "true", "false"})


@lru_cache(4096)
def is_secret_key(key: str) -> bool:
    """Whether what stands under this key is hidden."""
    return _SECRET_KEY.search(key) is not None


@dataclass(frozen=True)
class Hints:
    """What is looked for: parts of names and shapes of credentials, and secrets that are known."""

    known: tuple[str, ...] = ()
    parts: tuple[str, ...] = _PARTS

    @classmethod
    def of(cls, known: Iterable[str]) -> "Hints":
        """Hints of all credentials and these secrets; very short ones would hide half of a text."""
        long_enough = {secret for secret in known if len(secret) >= _SHORTEST}
        # A secret may be a part of another: that one goes first, as a whole.
        return cls(tuple(sorted(long_enough, key=lambda secret: (-len(secret), secret))))

    def within(self, text: str) -> "Hints":
        """What of it can be in the members of JSON that is written like this: mostly nothing."""
        if "\\" in text:
            # An escape can hide a letter from this search.
            return self
        lower = text.lower()
        return Hints(
            tuple(secret for secret in self.known if secret in text),
            tuple(part for part in self.parts if part in lower),
        )


ALL = Hints()
NONE = Hints(parts=())


def text_redacted(text: str, hints: Hints = ALL) -> str:
    """A text without what looks like a credential, and without the known secrets."""
    for secret in hints.known:
        text = text.replace(secret, HIDDEN)
    lower = text.lower()
    for part in hints.parts:
        if part in lower:
            break
    else:
        return text
    is_kind_known = len(text) <= _LONGEST_OF_KIND and "\\" not in text
    return text if is_kind_known and _is_clean(kind_of(text)) else _without_shapes(text)


@lru_cache(REMEMBERED)
def _is_clean(kind: str) -> bool:
    """Whether no text of a kind looks like a credential: no shape tells a digit from another."""
    return _without_shapes(kind) == kind


def _without_shapes(text: str) -> str:
    text = _WRITTEN_LETTER.sub(_letter, text)
    text = _NAMED.sub(_named_hidden, text)
    for shape, hidden in _SHAPES:
        text = shape.sub(hidden, text)
    return text


def redacted(value: Any, hints: Hints = ALL) -> Any:
    """A decoded JSON value without credentials. Raises RecursionError where it is too deep."""
    if isinstance(value, str):
        return text_redacted(value, hints)
    if isinstance(value, dict):
        return {
            key_redacted(key, hints): member_redacted(key, part, hints)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [redacted(part, hints) for part in value]
    is_known = hints.known and any(secret in str(value) for secret in hints.known)
    return HIDDEN if is_known else value


def member_redacted(key: str, value: Any, hints: Hints) -> Any:
    """What stands under a key, without credentials."""
    if is_secret_key(key) and not _is_nothing(value):
        return HIDDEN
    return redacted(value, hints)


def key_redacted(key: str, hints: Hints) -> str:
    """A key as it is shown. A short plain one is too short to be a credential by its shape."""
    if len(key) < _SHORTEST_SHAPE and key.isidentifier() and not hints.known:
        return key
    return text_redacted(key, hints)


def raw_redacted(raw: bytes, hints: Hints = ALL) -> str:
    """A message as it lies in its list, as text; bytes that are no UTF-8 are written as `\\xff`."""
    try:
        text = raw.decode("utf-8")
        json.loads(text, parse_int=str)
    except (ValueError, RecursionError):
        return text_redacted(raw.decode("utf-8", "backslashreplace"), hints)
    return "".join(shown for _, shown in _parts_redacted(text, hints.within(text)))


def hidden_parts(raw: bytes, hints: Hints = ALL) -> list[tuple[bytes, bool]]:
    """A message in pieces, and of each whether a credential is in it; together they are its bytes.

    Raises ValueError when there is one in bytes that are no JSON, where no piece can be told apart.
    """
    try:
        text = raw.decode("utf-8")
        json.loads(text, parse_int=str)
    except (ValueError, RecursionError):
        shown = raw.decode("utf-8", "backslashreplace")
        if text_redacted(shown, hints) != shown:
            raise ValueError("a credential is in bytes that are no JSON") from None
        return [(raw, False)]
    found: list[tuple[bytes, bool]] = []
    for part, redacted_part in _parts_redacted(text, hints.within(text)):
        is_hidden = part != redacted_part
        if found and not is_hidden and not found[-1][1]:
            found[-1] = (found[-1][0] + part.encode(), False)
        else:
            found.append((part.encode(), is_hidden))
    return found


def _parts_redacted(text: str, hints: Hints) -> Iterable[tuple[str, str]]:
    """The parts of well-formed JSON, one after the other, each with what is shown of it."""
    depth, hidden_to, is_secret, last = 0, -1, False, ""
    within: list[str] = []
    for part in _PART.findall(text):
        is_opening, is_closing = part in _OPENING, part in _CLOSING
        depth += is_opening - is_closing
        if hidden_to >= 0:
            # Inside of what stands under a secret key.
            within.append(part)
            if is_closing and depth == hidden_to:
                hidden_to = -1
                yield "".join(within), json.dumps(HIDDEN)
                within = []
        elif is_closing or part in _BETWEEN or part.isspace():
            if part == ":":
                is_secret = is_secret_key(json.loads(last, strict=False))
            yield part, part
        elif is_secret:
            is_secret = False
            if is_opening:
                hidden_to = depth - 1
                within.append(part)
            else:
                yield part, part if part in _NOTHING else json.dumps(HIDDEN)
        else:
            last = part
            yield part, part if is_opening else _string_redacted(part, hints)


def _string_redacted(part: str, hints: Hints) -> str:
    if not part.startswith('"'):
        is_known = any(secret in part for secret in hints.known)
        return json.dumps(HIDDEN) if is_known else part
    text = json.loads(part, strict=False)
    shown = text_redacted(text, hints)
    return part if shown == text else json.dumps(shown, ensure_ascii=False)


def _named_hidden(found: re.Match[str]) -> str:
    quote = found["quote"]
    if quote is None:
        return found["name"] + HIDDEN
    if not found["quoted"]:
        return found[0]
    return found["name"] + quote + HIDDEN + (quote if found.end() > found.end("quoted") else "")


def _letter(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter.isalnum() or letter in "_-." else found[0]


def _is_nothing(value: Any) -> bool:
    return value is None or value == "" or isinstance(value, bool)
