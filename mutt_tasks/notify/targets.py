"""One notification to one target, through apprise, which must never show an address.

apprise prints addresses and tokens in its log lines and errors. So nothing of what it says goes
anywhere: its lines are read for what happened, and that is told in words of ours.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, OverflowMode

from mutt_tasks.core.addresses import Address
from mutt_tasks.core.notice_text import Notice

# These keep incidents under a key of ours, and take the same one twice for one.
KEEPS_INCIDENTS = frozenset({"pagerduty"})

_MEANINGS = (
    (r"refused", "connection refused"),
    (r"timed? ?out", "no answer in time"),
    (r"name or service|getaddrinfo|resolve|nodename|name resolution", "its name is not known"),
    (r"certificate", "its certificate is not accepted"),
    (r"authentication|\b535\b", "log-in refused"),
    (r"unreachable|no route", "its network cannot be reached"),
    (r"reset|closed|aborted|disconnected", "connection closed"),
)


def problem_of(address: Address) -> str:
    """Why apprise cannot send to an address, in one line; empty when it can."""
    with _listening():
        target = Apprise.instantiate(address.url, asset=_asset())
    return (
        "" if target else f"{address.name}: {address.scheme}://… is no address that apprise takes"
    )


def prepared(address: Address, notice: Notice, timeout: float) -> Callable[[], str]:
    """Prepare a notification; what is returned sends it, and returns why it was not taken.

    That is empty when it was. Each answer may take `timeout` seconds.
    """
    with _listening():
        target = Apprise.instantiate(address.url, asset=_asset())
    if target is None:
        return lambda: "no address that apprise takes"
    kind = type(target)
    for name in ("socket_connect_timeout", "socket_read_timeout"):
        # What the address says itself counts.
        if getattr(target, name) == getattr(kind, name):
            setattr(target, name, timeout)
    if target.overflow_mode == kind.overflow_mode:
        target.overflow_mode = OverflowMode.TRUNCATE
    _give_key(target, address, notice)
    apprise = Apprise(asset=_asset())
    apprise.add(target)
    return lambda: _sent(apprise, notice)


def _sent(apprise: Apprise, notice: Notice) -> str:
    with _listening() as said:
        is_taken = apprise.notify(
            title=notice.title,
            body=notice.body,
            notify_type=NotifyType(notice.severity.value),
            body_format=NotifyFormat.TEXT,
        )
    return "" if is_taken else _meaning(said)


def _give_key(target: object, address: Address, notice: Notice) -> None:
    """Hand on the key where the channel has a place for it."""
    if address.scheme == "pagerduty":
        target.dedup = getattr(target, "dedup", None) or notice.key  # type: ignore[attr-defined]
        target.action = "resolve" if notice.is_over else "trigger"  # type: ignore[attr-defined]
    elif address.scheme in ("json", "jsons", "form", "forms"):
        extras = target.payload_extras  # type: ignore[attr-defined]
        extras.setdefault("dedup_key", notice.key)
        extras.setdefault("event_action", "resolve" if notice.is_over else "trigger")


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="mutt-remediation",
        app_desc="MUTT remediation",
        app_url="",
        image_url_mask="",  # nothing is fetched from anywhere
        image_url_logo="",
        storage_mode="memory",
        http_redirects=False,  # a log-in goes to no other host
        interpret_emojis=False,
        pgp_autogen=False,
        pem_autogen=False,
    )


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What apprise and its libraries say meanwhile, which nobody else hears."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.getMessage()} {record.exc_info or ''}")

    logger = logging.getLogger("apprise")
    before = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [Listener()], False
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        logger.handlers, logger.propagate = before[0], before[1]
        logger.setLevel(before[2])


def _meaning(said: list[str]) -> str:
    """What apprise's lines mean, in words without anything of theirs but an answer's number."""
    text = "\n".join(said)
    status = re.search(r"error=([1-5][0-9]{2})\b", text)
    if status:
        return f"it answered {status[1]}"
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, text, re.IGNORECASE):
            return meaning
    reply = re.search(r"\(([45][0-9]{2}), ", text)
    return f"it answered {reply[1]}" if reply else "it was not sent"
