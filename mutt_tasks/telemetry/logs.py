"""What is logged, and where to: one line a cycle, plain or JSON, and never a secret."""

import logging
import sys
from typing import Any

from mutt_tasks.core.moments import iso
from mutt_tasks.release import VERSION
from mutt_tasks.replay.report import packed_cycle
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.settings import Settings
from mutt_tasks.telemetry.log_lines import Origin, Redacting

logger = logging.getLogger("mutt_tasks.cycle")
# Its lines are JSON, on standard output, whatever those of the others are.
_audit = logging.getLogger("mutt_tasks.audit")

# Celery says the same of every task in three lines; ours is one line a cycle.
_CHATTY = ("celery.app.trace", "celery.worker.strategy")
# These print addresses with their queries when asked for everything.
_INDISCREET = ("urllib3", "requests", "kombu", "amqp")

_stale_since = 0.0


def configure(settings: Settings) -> None:
    """Send every logger's lines to standard error in our format, the audit's to standard output."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings, settings.process.log_json))
    out = logging.StreamHandler(sys.stdout)
    out.setFormatter(formatter(settings, as_json=True))
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


def formatter(settings: Settings, as_json: bool) -> Redacting:
    """What makes this process' lines."""
    origin = Origin(settings.telemetry.service, VERSION, settings.process.pod_name)
    return Redacting(settings.secrets(), origin, as_json)


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
