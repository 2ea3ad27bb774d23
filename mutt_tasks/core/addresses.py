"""Where notifications go: addresses as apprise takes them, each with a name that may be shown."""

import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

# What a token looks like. A word of letters alone (`alerts`) is none: it stands everywhere.
_TOKEN = re.compile(r"(?=.*[0-9]|.*[a-z].*[A-Z]|.*[A-Z].*[a-z]).{8,}", re.DOTALL)
# Here what stands for the host is one; elsewhere (`slack://token/…`) it is a token.
_WITH_HOST = frozenset(
    {"mailto", "mailtos", "json", "jsons", "xml", "xmls", "form", "forms", "apprise", "apprises"}
)
_BEGINS = r"(?:[A-Za-z0-9_-]+=)?[A-Za-z][A-Za-z0-9+.-]*://"
_SEPARATOR = re.compile(rf"[\s,]+(?={_BEGINS})")
_WRITTEN = re.compile(r"(?:([a-z0-9][a-z0-9_-]{0,30})=)?(([a-z][a-z0-9+.-]{0,30})://\S+)")
ACCEPTED = (
    "addresses as apprise takes them (mailto://…, slack://…, json://…), with spaces or new lines"
    " between them, each with a name in front if wanted, as ops=mailto://…, and no name twice"
)


@dataclass(frozen=True)
class Address:
    """One target: its name, and its address, which is a secret as a whole."""

    name: str
    url: str = field(repr=False)

    @property
    def scheme(self) -> str:
        """The word in front of its `://`."""
        return self.url.partition("://")[0]


def parse_addresses(text: str) -> tuple[Address, ...]:
    """The targets that a text lists; those without a name are called `mailto-1`, `mailto-2`.

    Lines that begin with `#` are passed over. Raises ValueError that says what is accepted.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    parts = [part for part in _SEPARATOR.split("\n".join(lines).strip()) if part]
    found: list[Address] = []
    numbers: Counter[str] = Counter()
    for part in parts:
        written = _WRITTEN.fullmatch(part.strip())
        if written is None:
            raise ValueError(ACCEPTED)
        name, url, scheme = written.groups()
        numbers[scheme] += not name
        found.append(Address(name or f"{scheme}-{numbers[scheme]}", url))
    if len({each.name for each in found}) != len(found):
        raise ValueError(ACCEPTED)
    return tuple(found)


def secrets_of(address: Address) -> set[str]:
    """The texts of an address that must not be shown: all of it, and its parts but for hosts."""
    parts = urlsplit(address.url)
    login, _, host = parts.netloc.rpartition("@")
    within = [login, *login.split(":"), *parts.path.split("/"), *re.split("[&=;]", parts.query)]
    if address.scheme not in _WITH_HOST:
        within += [host, *host.split(":")]
    # A password is one whatever it looks like.
    found = {login.partition(":")[2], *(part for part in within if _TOKEN.fullmatch(part))}
    return {address.url} | {form for part in found for form in (part, unquote(part))} - {""}
