"""The settings in force now: the environment's, as the pipeline's runtime configuration has them.

With `DYNAMIC_CONFIG_ENABLED` the Redis strings `mutt:config:*` of RUNTIME_KEYS override theirs.
"""

import logging
from collections.abc import Mapping

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.redaction import text_redacted
from mutt_tasks.errors import StoreError
from mutt_tasks.settings import RUNTIME_KEYS, Settings, overridden
from mutt_tasks.store import keys
from mutt_tasks.store.readings import LIMIT_NAMES
from mutt_tasks.store.store import Store

logger = logging.getLogger(__name__)

# Values that we obey are short; of others so many characters are shown.
_SHOWN = 60


def in_force(store: Store, settings: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The settings in force now, and one line for each runtime value that is bad and ignored."""
    return _in_force(settings, store.pipeline.runtime_config(_obeyed(settings)))


def _obeyed(settings: Settings) -> tuple[str, ...]:
    return tuple(RUNTIME_KEYS) if settings.process.dynamic_config else ()


def _in_force(settings: Settings, raw: Mapping[str, bytes]) -> tuple[Settings, tuple[str, ...]]:
    ours = {name: value for name, value in raw.items() if name in RUNTIME_KEYS}
    return overridden(settings, ours) if settings.process.dynamic_config else (settings, ())


class RuntimeSettings:
    """The settings in force, for a process that also says which runtime values are bad.

    It keeps what it has said: each bad value is reported once, and again only when it was mended
    in between. `is_audited` is for the worker, which also writes down what others have changed,
    before it goes by that; the limits that the pipeline's consumers obey count, too.
    """

    def __init__(self, store: Store, settings: Settings, *, is_audited: bool = False) -> None:
        self._store = store
        self._settings = settings
        self._is_audited = is_audited
        self._names = (*_obeyed(settings), *(LIMIT_NAMES if is_audited else ()))
        self._reported: frozenset[str] = frozenset()
        self._audited: Mapping[str, bytes] | None = None

    def now(self) -> Settings:
        """The settings in force now; raises StoreError when Redis cannot be asked."""
        raw = self._store.pipeline.runtime_config(self._names)
        found, problems = _in_force(self._settings, raw)
        if self._is_audited and raw != self._audited:
            problems += self._audit(raw, problems)
        for problem in sorted(set(problems) - self._reported):
            logger.warning(problem)
        self._reported = frozenset(problems)
        return found

    def _audit(self, raw: Mapping[str, bytes], problems: tuple[str, ...]) -> tuple[str, ...]:
        """Write down what differs from what the audit knows; returns why it could not."""
        try:
            seen = self._store.audit.seen()
            for name in self._names:
                before, now = seen.get(name, ""), _shown(raw.get(name))
                if now != before:
                    entry = _changed(name, before, now, _outcome(name, problems))
                    # Another worker may have done it since: then it is not done again.
                    self._store.audit.add_seen(entry, name, before, now)
        except StoreError as error:
            return (f"the audit has no entry of a changed runtime setting: {error}",)
        self._audited = raw
        return ()


def _changed(name: str, before: str, after: str, outcome: str) -> AuditEntry:
    return AuditEntry(
        verb="configure",
        actor="unknown",
        known_by="worker",
        role="",
        scope=keys.config(name),
        before=before or "not set",
        after=after or "not set",
        outcome=outcome,
    )


def _outcome(name: str, problems: tuple[str, ...]) -> str:
    if any(each.startswith(f"{keys.config(name)}:") for each in problems):
        return "ignored"
    return "in force" if name in RUNTIME_KEYS else "followed"


def _shown(raw: bytes | None) -> str:
    return text_redacted((raw or b"").decode("utf-8", "backslashreplace").strip())[:_SHOWN]
