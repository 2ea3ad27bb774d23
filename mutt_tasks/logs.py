"""Log lines: plain or JSON, one a cycle, and never a secret."""

import json
import logging
import re
import sys
from typing import Any
from urllib.parse import quote, quote_plus

from mutt_tasks.core.moments import iso
from mutt_tasks.replay.report import packed_cycle
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.settings import Settings

logger = logging.getLogger("mutt_tasks.cycle")
# Its lines are JSON, on standard output, whatever those of the others are.
_audit = logging.getLogger("mutt_tasks.audit")

# Celery says the same of every task in three lines; ours is one line a cycle.
_CHATTY = ("celery.app.trace", "celery.worker.strategy")
# These print addresses with their queries when asked for everything.
_INDISCREET = ("urllib3", "requests", "kombu", "amqp")

_stale_since = 0.0


class Redacting(logging.Formatter):
    """Turns a record into one line (JSON, or plain with any traceback below it) without secrets."""

    def __init__(self, secrets: frozenset[str], pod_name: str, as_json: bool) -> None:
        super().__init__()
        forms = {form for secret in secrets if len(secret) >= 3 for form in _forms(secret)}
        # An error's text often quotes a text that quoted the secret.
        forms |= {again for form in forms for again in _forms(form)}
        self._secrets = sorted(forms, key=len, reverse=True)
        self._pod_name = pod_name
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        fields: dict[str, Any] = self._clean(getattr(record, "fields", {}))
        # Before anything is escaped: behind it a secret may look different.
        text = self._clean(record.getMessage())
        trace = self._clean(self.formatException(record.exc_info)) if record.exc_info else ""
        if self._as_json:
            line = {
                "time": iso(record.created),
                "level": record.levelname,
                "logger": record.name,
                "pod": self._pod_name,
                "message": text,
                **fields,
                **({"traceback": trace} if trace else {}),
            }
            # ASCII, for there are line breaks beyond it that some readers heed.
            return json.dumps(line)
        pairs = "".join(f" {name}={_plain(value)}" for name, value in fields.items())
        start = f"{iso(record.created)} {record.levelname} {record.name}: "
        below = "".join(f"\n    {_unbroken(part)}" for part in trace.splitlines())
        return start + _unbroken(text) + pairs + below

    def _clean(self, value: Any) -> Any:
        """A value without secrets; those of mappings and lists too."""
        if isinstance(value, dict):
            return {name: self._clean(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(part) for part in value]
        if value is None or isinstance(value, int | float):
            return value
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _forms(secret: str) -> set[str]:
    """A secret as it stands, and as URLs, Python and JSON write it."""
    shown = {secret, repr(secret)[1:-1], repr(secret.encode())[2:-1], ascii(secret)[1:-1]}
    shown |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    lower = {re.sub("%..", lambda match: match[0].lower(), form) for form in quoted}
    return shown | quoted | lower


def configure(settings: Settings) -> None:
    """Send every logger's lines to standard error in our format, the audit's to standard output."""
    secrets, pod_name = settings.secrets(), settings.process.pod_name
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(secrets, pod_name, settings.process.log_json))
    out = logging.StreamHandler(sys.stdout)
    out.setFormatter(Redacting(secrets, pod_name, as_json=True))
    _audit.handlers, _audit.propagate = [out], False
    # A log that shows less must not leave out the audit.
    _audit.setLevel(logging.INFO)
    # A call with wrong arguments would be printed past the formatter, and so past the redaction.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.process.log_level)
    for name in _CHATTY if settings.process.log_level != "DEBUG" else ():
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_cycle(result: CycleResult) -> None:
    """Write a cycle's one line, and a warning when the forwarder drops what it is sent."""
    logger.info("cycle", extra={"fields": packed_cycle(result)})
    if result.dropped:
        logger.warning(
            "dropping: about %d replays did not reach the forwarder's limiter, which accepts about"
            " %d alerts a period; replays are held, and go on more slowly once a canary has passed."
            " Do MOOG_RATE_LIMIT, MOOG_RATE_PERIOD and MOOG_RATE_LIMIT_KEY match the forwarder's?",
            result.dropped,
            result.limiter_accepts,
        )


def log_stale_breaker(since: float) -> None:
    """Warn once that the forwarder's breaker was left open; 0 says that it is not."""
    global _stale_since
    if since and since != _stale_since:
        logger.warning(
            "the forwarder's breaker still says OPEN, but its time was over at %s and no forwarder"
            " looks at it: Moogsoft's probe decides (MOOG_BREAKER_TIMEOUT)",
            iso(since),
        )
    _stale_since = since


def log_control(result: dict[str, Any]) -> None:
    """One line for what an operator switched."""
    logger.info("operator", extra={"fields": result})


def log_audit(entry_id: str, fields: dict[str, str]) -> None:
    """One line of JSON for an entry of the audit."""
    _audit.info("audit", extra={"fields": {"id": entry_id, **fields}})


def log_audit_head(entries: int, newest: str, its_hash: str) -> None:
    """One line of JSON for the end of the audit's chain, so that another system anchors it."""
    _audit.info(
        "audit head", extra={"fields": {"entries": entries, "id": newest, "hash": its_hash}}
    )


def log_failure(task: str, error: Exception) -> None:
    """One line for a task that failed in a way that it can name."""
    logger.warning("%s failed: %s", task, error, extra={"fields": {"outcome": "failed"}})


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + " ".join(f"{name}={_plain(part)}" for name, part in value.items()) + "}"
    text = str(value)
    return text if re.fullmatch(r'[^\s"=\\]+', text) and text.isprintable() else json.dumps(text)


def _unbroken(text: str) -> str:
    """Text that no terminal and no reader of lines takes for another line of ours."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()
