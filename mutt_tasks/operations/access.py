"""The file of keys: one line for each person or program that may use the console and its API.

It holds hashes. Whoever may write it decides who gets in; it is read again when it has changed.
"""

import logging
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from mutt_tasks.core.access import (
    Identity,
    Key,
    checked_name,
    checked_permissions,
    checked_role,
    key_of,
)
from mutt_tasks.errors import InvalidArgument, NotFound, Refused

logger = logging.getLogger(__name__)

# So that a key is known for one where it turns up in a log or a repository.
KEY_PREFIX = "mutt-"
_KEY_BYTES, _SALT_BYTES = 32, 16
_HEAD = (
    "# Who may use the console: `mutt-dlq key new` adds a line, and without it one is locked out.\n"
)


@dataclass
class KeyFile:
    """The keys of a file, as they are now; an empty `path` names none."""

    path: str
    _seen: tuple[int, ...] = field(default=(), repr=False)
    _keys: tuple[Key, ...] = field(default=(), repr=False)
    _is_open: bool = field(default=True, repr=False)

    def is_open(self) -> bool:
        """Whether no key is configured: no file, or nothing in it."""
        self.in_force()
        return self._is_open

    def in_force(self) -> tuple[Key, ...]:
        """The keys in force. A line that cannot be used lets nobody in, and is logged."""
        seen = _stamp(self.path) if self.path else ()
        if seen != self._seen:
            lines = self._lines()
            self._keys, self._is_open, self._seen = self._read(lines), not lines, seen
        return self._keys

    def who(self, secret: str, known_by: str) -> Identity | None:
        """Whose key this is; every key is compared, so that time tells nothing."""
        fitting = [key for key in self.in_force() if key.fits(secret)]
        return fitting[0].identity(known_by) if fitting else None

    def named(self, name: str) -> Key | None:
        """The key with this name, if it is in force."""
        return next((key for key in self.in_force() if key.name == name), None)

    def _lines(self) -> list[str]:
        try:
            text = Path(self.path).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            logger.error("%s: cannot be read (%s); nobody gets in", self.path, error.strerror)
            return ["?"]
        return [line for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]

    def _read(self, lines: list[str]) -> tuple[Key, ...]:
        found: dict[str, Key] = {}
        for number, line in enumerate(lines, 1):
            try:
                key = key_of(line)
            except ValueError as accepted:
                logger.error("%s: key %d is ignored: %s", self.path, number, accepted)
                continue
            if key.name in found:
                logger.error("%s: key %d is ignored: %s has one", self.path, number, key.name)
                continue
            found[key.name] = key
        logger.info("%s: %d keys (%s)", self.path, len(found), ", ".join(found) or "nobody")
        return tuple(found.values())


def new_key(path: str, name: str, role: str, more: tuple[str, ...] = ()) -> str:
    """Add a key to the file; returns the key itself, which is kept nowhere.

    Raises InvalidArgument, and Refused when the name has one, or the file cannot be written.
    """
    try:
        checked_name(name), checked_role(role), checked_permissions(more)
    except ValueError as accepted:
        raise InvalidArgument(str(accepted)) from None
    lines = _lines(path)
    if any(line.split()[:1] == [name] for line in lines):
        raise Refused(f"{name} has a key in {path}: remove that one first")
    secret = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    key = Key.of(secret, name, role, more, secrets.token_hex(_SALT_BYTES))
    _write(path, [*(lines or [_HEAD]), f"{key.line()}\n"])
    return secret


def remove_key(path: str, name: str) -> None:
    """Remove a key from the file; who comes with it is locked out at once.

    Raises NotFound, and Refused when the file cannot be written.
    """
    lines = _lines(path)
    kept = [line for line in lines if line.split()[:1] != [name]]
    if len(kept) == len(lines):
        raise NotFound(f"{path} has no key of {name!r:.80}")
    _write(path, kept)


def _lines(path: str) -> list[str]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {error}") from None
    return [f"{line}\n" for line in text.splitlines()]


def _write(path: str, lines: list[str]) -> None:
    """All at once: who reads the file meanwhile sees it before or after."""
    place = Path(path)
    try:
        mode = place.stat().st_mode & 0o777 if place.exists() else 0o600
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(lines)
        Path(name).chmod(mode)
        Path(name).replace(place)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None


def _stamp(path: str) -> tuple[int, ...]:
    """What changes when a file does; nothing that a file that is there has without one."""
    try:
        found = os.stat(path)
    except OSError:
        return (0,)
    return found.st_mtime_ns, found.st_size, found.st_ino
