"""What a variable accepts: text in, value out; a ValueError says what is accepted."""

import math
import os
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar
from urllib.parse import urlsplit

from mutt_tasks.core.access import ROLES
from mutt_tasks.core.templates import Masks, parse_masks

T = TypeVar("T")
Parser = Callable[[str], T]
Network = IPv4Network | IPv6Network


def boolean(text: str) -> bool:
    """`true` or `false`, in the spellings that Compose and Kubernetes users write."""
    word = text.lower()
    if word in ("true", "1", "yes", "on"):
        return True
    if word in ("false", "0", "no", "off"):
        return False
    raise ValueError("true or false")


def whole(low: int, high: int) -> Parser[int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def number(low: float, high: float) -> Parser[float]:
    """A decimal number from `low` to `high`."""

    def parse(text: str) -> float:
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return value

    return parse


def rate(text: str) -> float | None:
    """Messages per second; None stands for `auto`."""
    if text.lower() == "auto":
        return None
    try:
        value = number(0, 1_000_000)(text)
    except ValueError:
        raise ValueError("auto, or a number from 0 (no limit) to 1000000") from None
    return value


def choice(*words: str) -> Parser[str]:
    """One of a few words, whatever its case."""

    def parse(text: str) -> str:
        for word in words:
            if text.lower() == word.lower():
                return word
        raise ValueError("one of " + ", ".join(words))

    return parse


def optional(parse: Parser[str]) -> Parser[str]:
    """What another parser accepts; empty means unset."""
    return lambda text: parse(text) if text else ""


def subset(*words: str) -> Parser[tuple[str, ...]]:
    """A comma-separated list of some of a few words, each at most once."""

    def parse(text: str) -> tuple[str, ...]:
        parts = [part.strip().lower() for part in text.split(",")]
        if not set(parts) <= set(words) or len(set(parts)) != len(parts):
            raise ValueError(f"a comma-separated list of {', '.join(words)}, each at most once")
        return tuple(parts)

    return parse


def statuses(low: int, high: int) -> Parser[frozenset[int]]:
    """A comma-separated list of HTTP statuses from `low` to `high`."""
    one = whole(low, high)

    def parse(text: str) -> frozenset[int]:
        try:
            return frozenset(one(part.strip()) for part in text.split(","))
        except ValueError:
            raise ValueError(
                f"a comma-separated list of HTTP statuses from {low} to {high}"
            ) from None

    return parse


def text(value: str) -> str:
    """Any text; empty means unset."""
    return value


def printable(value: str) -> str:
    """Text without white space or control characters: a key's or a header's name."""
    if not re.fullmatch(r"[!-~]{1,512}", value):
        raise ValueError("1 to 512 printable ASCII characters without spaces")
    return value


def names(value: str) -> tuple[str, ...]:
    """Names of keys with commas between them; empty means none."""
    parts = [part.strip() for part in value.split(",")] if value else []
    if not all(re.fullmatch(r"[!-+\--~]{1,512}", part) for part in parts):
        raise ValueError("names of Redis lists with commas between them, without spaces in them")
    return tuple(dict.fromkeys(parts))


def masks(value: str) -> Masks:
    """Masks of texts: names and regular expressions; empty means none but ours."""
    return parse_masks(value)


def hosts(value: str) -> tuple[str, ...]:
    """Names of hosts with commas between them, without ports; empty means any."""
    parts = [part.strip().lower() for part in value.split(",")] if value else []
    if not all(re.fullmatch(r"[a-z0-9._-]{1,253}|\[[0-9a-f:]{2,45}\]", part) for part in parts):
        raise ValueError("host names with commas between them, without ports")
    return tuple(dict.fromkeys(parts))


def networks(value: str) -> tuple[Network, ...]:
    """Addresses or networks with commas between them; empty means none."""
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",")) if value else ()
    except ValueError:
        raise ValueError(
            "addresses or networks with commas between them, such as 10.0.0.7,10.1.0.0/16"
        ) from None


def roles(value: str) -> Mapping[str, str]:
    """Groups and the role of each; empty means none."""
    found = {}
    for part in value.split(",") if value else ():
        group, _, role = (each.strip() for each in part.partition("="))
        if not group or role not in ROLES:
            raise ValueError(
                f"group=role with commas between them; a role is one of {', '.join(ROLES)}"
            )
        found[group] = role
    return found


def header_name(value: str) -> str:
    """The name of an HTTP header (RFC 9110, a token)."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", value):
        raise ValueError("the name of an HTTP header, such as Authorization or apiKey")
    return value


def header_text(value: str) -> str:
    """A value that can stand in an HTTP header."""
    if value and not re.fullmatch(r"[ -~]{1,8192}", value):
        raise ValueError("printable ASCII characters, as an HTTP header can carry")
    return value


def header_pairs(value: str) -> str:
    """Headers as OpenTelemetry writes them; empty means none."""
    pairs = [pair for pair in value.split(",") if pair.strip()]
    if not all(re.fullmatch(r"\s*[!#-+\--<>-~]+\s*=[ -~]*", pair) for pair in pairs):
        raise ValueError("pairs such as name=value, with commas between them")
    return value


def existing_file(value: str) -> str:
    """The path of a readable file; empty means unset."""
    if value and not (os.path.isfile(value) and os.access(value, os.R_OK)):
        raise ValueError("the path of a readable file")
    return value


def http_url(value: str) -> str:
    """An http or https address; empty means unset."""
    if not value:
        return value
    accepted = "an http:// or https:// address with a host"
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(accepted) from None
    printable_only = re.fullmatch(r"[!-~]+", value) is not None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(accepted)
    if not (port_is_valid and printable_only):
        raise ValueError(accepted)
    return value


def public_url(value: str) -> str:
    """An http or https address that may be shown: without a log-in."""
    if "@" in http_url(value):
        raise ValueError("an http:// or https:// address with a host and without a log-in")
    return value


def broker_url(value: str) -> str:
    """An address, or several with semicolons between them, as Celery takes them; empty: unset."""
    accepted = "one or more addresses such as redis://host:6379/0, with semicolons between them"
    for each in value.split(";") if value else ():
        try:
            parts = urlsplit(each)
            is_address = bool(parts.scheme and (parts.netloc or parts.path))
            is_address = is_address and "://" in each and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError(accepted)
    return value
