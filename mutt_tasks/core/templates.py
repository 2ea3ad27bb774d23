"""Messages that look alike: a text with everything variable masked, and the id of its group.

Nothing is learned or kept: the same text has the same template and id on every machine, for ever. A
change of the masks, or of what is hidden in texts, changes VERSION, and so do masks of one's own.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mutt_tasks.core.kinds import REMEMBERED, kind_of

VERSION = "s1"
DIGITS = 12
# What reads like a group's id, of any version.
GROUP_ID = rf"s[0-9]{{1,4}}(?:c[0-9a-f]{{4}})?-[0-9a-f]{{{DIGITS}}}"

# What stands further behind says no more about the kind of a message.
_LONGEST = 2000

_OCTETS = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAY = r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_PORTS = (
    r"(?:(?:Ten|Forty|Hundred|TwentyFive)?Gig(?:abit)?E(?:thernet)?|FastEthernet|Ethernet"
    r"|Port-channel|Loopback|Tunnel|Vlan|Serial|bond|vlan|wlan|eth|ens|eno|enp|Twe|Gi|Te|Fa|Fo|Hu"
    r"|Eth|Et|Po|Vl|Lo|Tu|Se|(?:ge|xe|et|ae|so|fe)-?)"
)
# In the order in which they are tried at each place. `keep` is a code that names the kind of a
# message, as %LINK-3-UPDOWN or %ASA-4-106023; it stays as it is.
_MASKS = {
    "keep": r"%[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+){1,4}",
    "uuid": r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])",
    "mac": r"(?<![0-9A-Fa-f:.-])(?:(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"
    r"|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![0-9A-Fa-f])",
    "date": rf"(?<![0-9A-Za-z])(?:{_DAY}(?:[T ]{_TIME}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
    rf"|(?:{_MONTHS}) {{1,2}}[0-9]{{1,2}}(?: [0-9]{{4}})? {_TIME}|{_TIME})(?![0-9])",
    "ip": rf"(?<![0-9.]){_OCTETS}(?:[:/][0-9]{{1,5}})?(?![0-9]|\.[0-9])"
    r"|(?<![0-9A-Za-z:])(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)(?:[0-9A-Fa-f]{0,4}:){2,8}"
    r"[0-9A-Fa-f]{0,4}(?:%[0-9a-z]{1,15})?(?:/[0-9]{1,3})?(?![0-9A-Za-z:])",
    "oid": r"(?<![0-9A-Za-z.])\.?[0-9]{1,10}(?:\.[0-9]{1,10}){4,}(?![0-9])",
    "if": rf"(?<![0-9A-Za-z]){_PORTS}[0-9]{{1,4}}(?:[/.:][0-9]{{1,4}}){{0,5}}(?![0-9A-Za-z])",
    "path": r"(?<![0-9A-Za-z<>/])(?:/[A-Za-z0-9_.@+~-]{1,100}){1,20}/?|[A-Z]:\\[^\s\"',;]+",
    "hex": r"(?<![0-9A-Za-z])(?:0[xX][0-9A-Fa-f]+|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{6,})"
    r"(?![0-9A-Za-z])",
    # Digits that begin a word, with or without a unit behind them, or that end one.
    "n": r"(?<![0-9A-Za-z_])[0-9]+(?:[.,][0-9]+)*|(?<=[A-Za-z_])[0-9]+(?![0-9A-Za-z_]|-[A-Za-z])",
    "quoted": r"\"[^\"]{0,1000}\"|(?<![0-9A-Za-z])'[^']{0,1000}'(?![0-9A-Za-z])",
}
_VARIABLE = re.compile("|".join(f"(?P<{name}>{mask})" for name, mask in _MASKS.items()), re.ASCII)
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]+", re.ASCII)


_OWN = re.compile(r"([a-z][a-z0-9_]{0,15})=(\S{1,500})")
_ACCEPTED = (
    "masks with spaces between them, such as ticket=CHG[0-9]+: a name, and a regular expression"
    " without spaces that does not match an empty text"
)


@dataclass(frozen=True)
class Masks:
    """What is masked in texts: before all else, in their order, the `own` masks of an operator.

    These are pairs of a name and a regular expression.
    """

    own: tuple[tuple[str, str], ...] = ()

    @cached_property
    def version(self) -> str:
        """What ids of groups begin with."""
        if not self.own:
            return VERSION
        return f"{VERSION}c{hashlib.sha256(repr(self.own).encode()).hexdigest()[:4]}"

    def template(self, text: str) -> str:
        """The text with everything variable masked, on one line."""
        text = text[:_LONGEST]
        if not text.isprintable() or "  " in text:
            text = _SPACES.sub(" ", text)
        text = text.strip(" ")
        for name, mask in self.own:
            text = re.sub(mask, f"<{name}>", text, flags=re.ASCII)
        # No other mask tells one digit from another.
        if "0x" in text or "0X" in text:
            return _VARIABLE.sub(_masked, text)
        parts = _parts(kind_of(text))
        return "".join([part if isinstance(part, str) else text[part] for part in parts])

    def group_id(self, lane: str, reason: str, program: str, its_template: str) -> str:
        """The id of the group of messages that look like this.

        `program` is the syslog program or the trap's OID.
        """
        return f"{self.version}-{_digest(lane, reason, program, its_template)}"


def parse_masks(text: str) -> Masks:
    """The masks that a text writes; raises ValueError that says what is accepted."""
    own = []
    for written in text.split():
        found = _OWN.fullmatch(written)
        try:
            is_one = found is not None and not re.compile(found[2], re.ASCII).search("")
        except (re.error, RecursionError, OverflowError):
            is_one = False
        if found is None or not is_one:
            raise ValueError(_ACCEPTED)
        own.append((found[1], found[2]))
    return Masks(tuple(own))


@lru_cache(REMEMBERED)
def _parts(kind: str) -> tuple[str | slice, ...]:
    """The template of texts of this kind: its parts, or where they stand in the text.

    Only what holds digits, and is not masked, has to be looked up in the text itself.
    """
    parts: list[str | slice] = [""]
    kept_from = 0

    def keep(end: int) -> None:
        text = kind[kept_from:end]
        if "1" in text:
            parts.extend((slice(kept_from, end), ""))
        else:
            parts[-1] = f"{parts[-1]}{text}"

    for found in _VARIABLE.finditer(kind):
        if found.lastgroup != "keep":
            keep(found.start())
            kept_from = found.end()
            parts[-1] = f"{parts[-1]}<{found.lastgroup}>"
    keep(len(kind))
    return tuple(parts)


@lru_cache(REMEMBERED)
def _digest(*parts: str) -> str:
    written = b"".join(b"%d:%s" % (len(part), part) for part in map(_bytes_of, parts))
    return hashlib.sha256(written).hexdigest()[:DIGITS]


def _masked(found: re.Match[str]) -> str:
    return found[0] if found.lastgroup == "keep" else f"<{found.lastgroup}>"


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
