"""Who has logged in: a random token for each, known here by its hash, until it ends."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from mutt_tasks.core.access import Identity, Key
from mutt_tasks.operations.access import KeyFile

# A shift; then one logs in again.
SECONDS = 12 * 3600.0
# More than these are nobody's: the oldest end.
MOST = 1000
KNOWN_BY = "console session"

COOKIE = "mutt_console"
# With this prefix a browser takes it from the host itself over TLS alone.
SECURE_COOKIE = f"__Host-{COOKIE}"


@dataclass(frozen=True)
class Session:
    """A login with a key (by its digest), which ends at a moment of this process' clock."""

    digest: str
    ends_at: float


@dataclass
class Sessions:
    """The sessions of this process; a restart ends all of them."""

    keys: KeyFile
    clock: Callable[[], float]
    _open: dict[str, Session] = field(default_factory=dict)

    def begin(self, key: Key) -> str:
        """Log in; returns the token."""
        token = secrets.token_urlsafe(32)
        self._open[_hash(token)] = Session(key.digest, self.clock() + SECONDS)
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]
        return token

    def who(self, token: str) -> Identity | None:
        """Whose session it is, with what the key allows now; None when it is over."""
        session = self._open.get(_hash(token))
        if session is None:
            return None
        key = next((key for key in self.keys.in_force() if key.digest == session.digest), None)
        if key is None or self.clock() >= session.ends_at:
            self.end(token)
            return None
        return key.identity(KNOWN_BY)

    def end(self, token: str) -> None:
        """Log out."""
        self._open.pop(_hash(token), None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
