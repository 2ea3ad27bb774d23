"""What people may see of a message: everything but what is, or looks like, a credential.

Values are hidden by their key (`api_key`, `password`, …) at any depth, and inside of texts by
their shape (`token=…`, `Bearer …`, `user:password@`, configuration lines of routers). Where the end
of a secret is not certain, more is hidden.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

HIDDEN = "***"

# A known secret that is shorter would hide half of every text.
_SHORTEST = 3

_WORDS = (
    r"(?:api|access|private|session|signing)[ ._-]?key|passw(?:or)?d|passphrase|pwd|secret"
    r"|token|authorization|credentials?|cookie|community|session[ ._-]?id"
)
_SECRET_KEY = re.compile(rf"{_WORDS}|(?:\A|[_ .-])(?:auth|pass)\Z", re.IGNORECASE)
# Each text with a credential by name or shape holds one of these; nearly all others hold none, and
# are done with a search for them.
_HINTS = (
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
_NOTHING = frozenset({'""', "null", "true", "false"})


@lru_cache(4096)
def is_secret_key(key: str) -> bool:
    """Whether what stands under this key is hidden."""
    return _SECRET_KEY.search(key) is not None


def may_hold_secret(text: str, known: Iterable[str] = ()) -> bool:
    """Whether a text, or JSON without escapes, has to be looked at closely."""
    lower = text.lower()
    return any(hint in lower for hint in _HINTS) or any(secret in text for secret in known)


def text_redacted(text: str, known: Iterable[str] = ()) -> str:
    """A text without what looks like a credential, and without the `known` secrets."""
    for secret in known:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
    if not may_hold_secret(text):
        return text
    text = _WRITTEN_LETTER.sub(_letter, text)
    text = _NAMED.sub(_named_hidden, text)
    for shape, hidden in _SHAPES:
        text = shape.sub(hidden, text)
    return text


def redacted(value: Any, known: Iterable[str] = ()) -> Any:
    """A decoded JSON value without credentials. Raises RecursionError where it is too deep."""
    if isinstance(value, str):
        return text_redacted(value, known)
    if isinstance(value, dict):
        return {
            text_redacted(key, known): HIDDEN
            if is_secret_key(key) and not _is_nothing(part)
            else redacted(part, known)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [redacted(part, known) for part in value]
    return value


def raw_redacted(raw: bytes, known: Iterable[str] = ()) -> str:
    """A message as it lies in its list, as text; bytes that are no UTF-8 are written as `\\xff`."""
    known = tuple(known)
    try:
        text = raw.decode("utf-8")
        json.loads(text, parse_int=str)
    except (ValueError, RecursionError):
        return text_redacted(raw.decode("utf-8", "backslashreplace"), known)
    return "".join(_parts_redacted(text, known))


def _parts_redacted(text: str, known: tuple[str, ...]) -> Iterable[str]:
    """The parts of well-formed JSON, one after the other, without credentials."""
    depth, hidden_to, is_secret, last = 0, -1, False, ""
    for part in _PART.findall(text):
        is_opening, is_closing = part in _OPENING, part in _CLOSING
        depth += is_opening - is_closing
        if hidden_to >= 0:
            # Inside of what stands under a secret key.
            if is_closing and depth == hidden_to:
                hidden_to = -1
        elif is_closing or part in _BETWEEN or part.isspace():
            if part == ":":
                is_secret = is_secret_key(json.loads(last, strict=False))
            yield part
        elif is_secret:
            is_secret = False
            if is_opening:
                hidden_to = depth - 1
            yield part if part in _NOTHING else json.dumps(HIDDEN)
        else:
            last = part
            yield part if is_opening else _string_redacted(part, known)


def _string_redacted(part: str, known: tuple[str, ...]) -> str:
    if not part.startswith('"'):
        return part
    text = json.loads(part, strict=False)
    shown = text_redacted(text, known)
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
