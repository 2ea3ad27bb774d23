"""Log lines: plain or JSON, one a cycle, and never a secret."""

import json
import logging
import sys
from typing import Any
from urllib.parse import quote

from mutt_tasks.core.moments import iso
from mutt_tasks.cycle import CycleResult, RouteResult
from mutt_tasks.settings import Settings

logger = logging.getLogger("mutt_tasks.cycle")

# Celery says the same of every task in three lines; ours is one line a cycle.
_CHATTY = ("celery.app.trace", "celery.worker.strategy")
# These print addresses with their queries when asked for everything.
_INDISCREET = ("urllib3", "requests", "kombu", "amqp")

_reported: set[str] = set()


class Redacting(logging.Formatter):
    """Turns a record into one line (JSON, or plain with any traceback below it) without secrets."""

    def __init__(self, secrets: frozenset[str], pod_name: str, as_json: bool) -> None:
        super().__init__()
        longest_first = sorted((s for s in secrets if len(s) >= 3), key=len, reverse=True)
        self._secrets = [form for s in longest_first for form in {s, quote(s, safe=""), repr(s)}]
        self._pod_name = pod_name
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        fields: dict[str, Any] = getattr(record, "fields", {})
        text = record.getMessage()
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if self._as_json:
            line = json.dumps(
                {
                    "time": iso(record.created),
                    "level": record.levelname,
                    "logger": record.name,
                    "pod": self._pod_name,
                    "message": text,
                    **fields,
                    **({"traceback": trace} if trace else {}),
                },
                ensure_ascii=False,
            )
        else:
            # A line break in a message must not look like a line of ours.
            text = (
                text.replace("\\", "\\\\").encode("unicode_escape").decode()
                if _breaks(text)
                else text
            )
            pairs = "".join(f" {name}={_plain(value)}" for name, value in fields.items())
            line = f"{iso(record.created)} {record.levelname} {record.name}: {text}{pairs}"
            line += f"\n{trace}" if trace else ""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


def configure(settings: Settings) -> None:
    """Send every logger's lines to standard error in our format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(settings.secrets(), settings.pod_name, settings.log_json))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _CHATTY if settings.log_level != "DEBUG" else ():
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_cycle(result: CycleResult) -> dict[str, Any]:
    """Write a cycle's one line; returns the same as the task's result."""
    packed: dict[str, Any] = {"outcome": result.outcome}
    if result.reason:
        packed["reason"] = result.reason
    packed["cycle"] = result.cycle
    if result.routes:
        packed["routes"] = {name: _packed(route) for name, route in result.routes.items()}
        packed["seconds"] = round(result.seconds, 3)
        packed["next_cycle"] = result.next_cycle
    logger.info("cycle", extra={"fields": packed})
    return packed


def log_config_problems(problems: tuple[str, ...]) -> None:
    """Report each bad value of the runtime configuration once, until all are mended."""
    for problem in set(problems) - _reported:
        logger.warning(problem)
    _reported.clear()
    _reported.update(problems)


def _packed(route: RouteResult) -> dict[str, Any]:
    packed: dict[str, Any] = {"outcome": route.outcome}
    if route.reason:
        packed["reason"] = route.reason
    packed["replayed"] = route.moved.replayed
    packed |= {reason: n for reason, n in route.moved.quarantined.items() if n}
    packed |= {"waiting": route.waiting} if route.waiting else {}
    packed |= {"odd_counters": route.odd} if route.odd else {}
    if route.outcome == "replayed":
        packed["remaining"] = route.moved.remaining
    return packed


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + " ".join(f"{name}={_plain(part)}" for name, part in value.items()) + "}"
    text = str(value)
    return json.dumps(text) if " " in text or not text else text


def _breaks(text: str) -> bool:
    return not text.isprintable()
