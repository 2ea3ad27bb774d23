"""How a log record becomes a line: plain or one JSON object, and never with a secret in it."""

import json
import logging
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from mutt_tasks.core.moments import iso
from mutt_tasks.telemetry import tracing
from mutt_tasks.telemetry.known_secrets import KnownSecrets

# The cycle that is under way where a line is written; empty outside of one.
current_cycle: ContextVar[str] = ContextVar("current_cycle", default="")


@dataclass(frozen=True)
class Origin:
    """Who writes: the service's and the process' name, and the release."""

    service: str
    version: str
    pod_name: str


class Redacting(logging.Formatter):
    """Turns a record into one line (JSON, or plain with any traceback below it) without secrets."""

    def __init__(self, secrets: frozenset[str], origin: Origin, as_json: bool) -> None:
        super().__init__()
        self._hidden_in = KnownSecrets(secrets).hidden_in
        self._origin = origin
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        fields: dict[str, Any] = self._hidden_in(getattr(record, "fields", {}))
        if cycle := current_cycle.get():
            fields.setdefault("cycle", cycle)
        # Before anything is escaped: behind it a secret may look different.
        text = self._hidden_in(record.getMessage())
        trace = self._hidden_in(self.formatException(record.exc_info)) if record.exc_info else ""
        if self._as_json:
            return self._json(record, text, fields, trace)
        pairs = "".join(f" {name}={_plain(value)}" for name, value in fields.items())
        start = f"{iso(record.created)} {record.levelname} {record.name}: "
        below = "".join(f"\n    {_unbroken(part)}" for part in trace.splitlines())
        return start + _unbroken(text) + pairs + below

    def _json(
        self, record: logging.LogRecord, text: str, fields: dict[str, Any], trace: str
    ) -> str:
        line = {
            "timestamp": iso(record.created),
            "level": record.levelname,
            "message": text,
            "logger": record.name,
            "service": self._origin.service,
            "version": self._origin.version,
            "pod_name": self._origin.pod_name,
            **tracing.current_ids(),
            **fields,
            **({"traceback": trace} if trace else {}),
        }
        # ASCII, for there are line breaks beyond it that some readers heed.
        return json.dumps(line)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + " ".join(f"{name}={_plain(part)}" for name, part in value.items()) + "}"
    text = str(value)
    return text if re.fullmatch(r'[^\s"=\\]+', text) and text.isprintable() else json.dumps(text)


def _unbroken(text: str) -> str:
    """Text that no terminal and no reader of lines takes for another line of ours."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()
