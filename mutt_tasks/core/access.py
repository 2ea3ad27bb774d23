"""Who may do what: roles as sets of permissions, and the keys by which people are known."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

# What somebody may do. `view` is to see how things stand, `bodies` also what messages say.
VIEW, BODIES, NOTE, ACK = "view", "bodies", "note", "ack"
PLAN, CANCEL, PAUSE, UNDO = "plan", "cancel", "pause", "undo"
REPLAY, REQUEUE, DISCARD, REDIRECT = "replay", "requeue", "discard", "redirect"
EDIT = "edit"

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"

_OPERATORS = frozenset(
    {BODIES, NOTE, ACK, PLAN, CANCEL, PAUSE, UNDO, REPLAY, REQUEUE, DISCARD, EDIT},
)
# From the least to the most.
ROLES = {
    VIEWER: frozenset({VIEW}),
    OPERATOR: frozenset({VIEW}) | _OPERATORS,
    ADMIN: frozenset({VIEW, REDIRECT}) | _OPERATORS,
}
PERMISSIONS = ROLES[ADMIN]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SALT, _DIGEST = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")
_ACCEPTED = "accepts NAME ROLE[+PERMISSION…] SALT:HASH, as `mutt-dlq key new` writes it"


@dataclass(frozen=True)
class Identity:
    """Somebody who is known: by which name, how (`known_by`), and what that one may do."""

    name: str
    role: str
    permissions: frozenset[str]
    known_by: str

    def may(self, permission: str) -> bool:
        """Whether that is allowed."""
        return permission in self.permissions

    def why_not(self, permission: str) -> str:
        """Why something is not allowed, in one sentence; empty when it is."""
        if self.may(permission):
            return ""
        roles = " and ".join(name for name, allowed in ROLES.items() if permission in allowed)
        return f"the role {self.role} may not {_in_words(permission)}; {roles} may"


@dataclass(frozen=True)
class Key:
    """A key as it is kept: whose it is, what that one may do, and a hash of it with a salt.

    Keys hold 256 random bits, so that one round of HMAC-SHA256 keeps them as safe as many would.
    """

    name: str
    role: str
    more: frozenset[str]
    salt: str
    digest: str

    @classmethod
    def of(cls, secret: str, name: str, role: str, more: Iterable[str], salt: str) -> "Key":
        """What is kept of a secret."""
        return cls(name, role, frozenset(more), salt, _digest(secret, salt))

    def fits(self, secret: str) -> bool:
        """Whether this is its secret; takes as long whether it is or not."""
        return hmac.compare_digest(_digest(secret, self.salt), self.digest)

    def identity(self, known_by: str) -> Identity:
        """Who comes with it."""
        return Identity(self.name, self.role, ROLES[self.role] | self.more, known_by)

    def line(self) -> str:
        """As it stands in the file of keys."""
        role = "+".join((self.role, *sorted(self.more)))
        return f"{self.name} {role} {self.salt}:{self.digest}"


def key_of(line: str) -> Key:
    """The key that a line of the file tells; raises ValueError that says what is accepted."""
    parts = line.split()
    if len(parts) != 3:
        raise ValueError(_ACCEPTED)
    name, (role, *more) = checked_name(parts[0]), parts[1].split("+")
    salt, _, digest = parts[2].partition(":")
    if not _SALT.fullmatch(salt) or not _DIGEST.fullmatch(digest):
        raise ValueError(_ACCEPTED)
    return Key(name, checked_role(role), checked_permissions(more), salt, digest)


def checked_name(name: str) -> str:
    """A name that a key may have; raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError("a name accepts 1 to 64 letters, digits and ._@-")
    return name


def checked_role(role: str) -> str:
    """A role that there is; raises ValueError."""
    if role not in ROLES:
        raise ValueError(f"a role is one of {', '.join(ROLES)}")
    return role


def checked_permissions(more: Iterable[str]) -> frozenset[str]:
    """Permissions that there are; raises ValueError."""
    found = frozenset(more)
    if not found <= PERMISSIONS:
        raise ValueError(f"a permission is one of {', '.join(sorted(PERMISSIONS))}")
    return found


def highest(roles: Iterable[str]) -> str:
    """The role among these that may do most; a viewer's when there is none."""
    order = list(ROLES)
    return max(roles, key=order.index, default=VIEWER)


def _digest(secret: str, salt: str) -> str:
    text = secret.encode("utf-8", "surrogatepass")
    return hmac.new(bytes.fromhex(salt), text, hashlib.sha256).hexdigest()


def _in_words(permission: str) -> str:
    return "see what messages say" if permission == BODIES else permission
