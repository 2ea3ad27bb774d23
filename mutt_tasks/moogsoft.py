"""The probe: is Moogsoft taking events?

A probe asks for a status line and reads nothing more. Whatever the other side does, it ends
within its timeout, and nothing of the address or the credentials leaves this module.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from requests.utils import get_auth_from_url

from mutt_tasks.core.moments import iso
from mutt_tasks.settings import Settings
from mutt_tasks.transport import Transport

logger = logging.getLogger(__name__)

HEALTHY_STATUSES = frozenset({200, 201, 202})
LONGEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True)
class Answer:
    """What a probe found; `retry_after` is the wait in seconds that Moogsoft asked for.

    `status` is the HTTP status, 0 when there was none; the reason says it too.
    """

    healthy: bool
    reason: str
    retry_after: float = 0.0
    status: int = field(default=0, compare=False)


def is_probed(settings: Settings) -> bool:
    """Whether there is anything to ask."""
    return settings.moogsoft.health_check_enabled and bool(
        settings.moogsoft.health_url or settings.moogsoft.webhook_url
    )


def probe(settings: Settings, now: float) -> Answer:
    """Ask Moogsoft once, in at most `MOOG_HEALTH_TIMEOUT` seconds.

    `now` is the moment that the event carries. The timeouts of HTTP libraries count from one
    received byte to the next, so a server that dribbles would hold them for hours: the
    request runs in a thread of its own, and its socket is shut when the time is over.
    """
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    transport = Transport()

    def ask() -> None:
        answers.put(_ask(settings, now, transport))

    threading.Thread(target=ask, name="moogsoft-probe", daemon=True).start()
    try:
        answer = answers.get(timeout=settings.moogsoft.health_timeout)
    except queue.Empty:
        transport.abort()
        return Answer(False, "timeout")
    # A health page of its own says nothing of how alerts are answered.
    if not settings.moogsoft.health_url:
        _compare_with_forwarder(answer.status, settings.forwarder.delivered_statuses)
    return answer


_last_success = 0


def _compare_with_forwarder(status: int, delivered: frozenset[int]) -> None:
    """Warn when Moogsoft begins to answer with a success that the forwarder takes for a failure."""
    global _last_success
    if not 200 <= status <= 299:
        return
    if status != _last_success and status not in delivered:
        logger.warning(
            "Moogsoft answers %d: the forwarder does not count that as delivered, and will put"
            " every alert that is answered so into mutt:dlq:moog; if yours does count it, add it"
            " to MOOG_DELIVERED_STATUS (%s)",
            status,
            ",".join(map(str, sorted(delivered))),
        )
    _last_success = status


def test_event(now: float) -> dict[str, str]:
    """The event that the POST probe sends.

    The fields that Moogsoft deduplicates by (`signature`; `source`, `service` and `check`) never
    change: every probe updates one alert instead of opening another.
    """
    return {
        "source": "MUTT_HEALTH_CHECK",
        "description": "Health check probe - auto-close",
        "severity": "clear",
        "check_id": f"health_check_{int(now)}",
        "timestamp": iso(now),
        "signature": "MUTT_HEALTH_CHECK::mutt_remediation",
        "service": "mutt_remediation",
        "check": "health_check",
    }


def _ask(settings: Settings, now: float, transport: Transport) -> Answer:
    timeout = settings.moogsoft.health_timeout
    try:
        with requests.Session() as session:
            session.mount("http://", transport)
            session.mount("https://", transport)
            is_get = bool(settings.moogsoft.health_url)
            response = session.request(
                "GET" if is_get else "POST",
                settings.moogsoft.health_url or settings.moogsoft.webhook_url,
                json=None if is_get else test_event(now),
                auth=_credentials(settings),
                timeout=timeout,
                verify=settings.moogsoft.ca_cert or True,
                # A redirect to a log-in page answers 200 and takes no events.
                allow_redirects=False,
                # Nothing but the status is wanted; the body may be endless.
                stream=True,
            )
            with response:
                return _judge(response, now)
    except requests.Timeout:
        return Answer(False, "timeout")
    except requests.exceptions.SSLError:
        return Answer(False, "tls_failed")
    except requests.exceptions.ProxyError:
        return Answer(False, "proxy_failed")
    except requests.ConnectionError:
        return Answer(False, "connection_failed")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        return Answer(False, "request_failed")


def _judge(response: requests.Response, now: float) -> Answer:
    status = response.status_code
    if status in HEALTHY_STATUSES:
        return Answer(True, f"http_{status}", status=status)
    wait = _retry_after(response.headers.get("Retry-After", ""), now)
    return Answer(False, f"http_{status}", wait, status)


def _retry_after(value: str, now: float) -> float:
    """The header's wait in seconds, given as seconds or as a date (RFC 9110, 10.2.3)."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    wait = (moment - datetime.fromtimestamp(now, UTC)).total_seconds()
    return min(max(0.0, wait), LONGEST_RETRY_AFTER)


Credentials = Callable[[requests.PreparedRequest], requests.PreparedRequest]


def _credentials(settings: Settings) -> Credentials:
    """Every form of authentication that is configured, as one callable.

    Passing one always, even if it adds nothing, keeps requests from taking a log-in for the
    host from a `.netrc` that happens to lie around.
    """
    scheme = settings.moogsoft.auth_scheme
    if not scheme and settings.moogsoft.auth_header.lower() == "authorization":
        scheme = "Bearer"

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # A log-in inside the address counts too, as it does for every HTTP client.
        login = (settings.moogsoft.username, settings.moogsoft.password)
        username, password = (
            login if settings.moogsoft.username else get_auth_from_url(request.url or "")
        )
        if username:
            request = HTTPBasicAuth(username.encode(), password.encode())(request)
        if settings.moogsoft.api_key:
            request.headers[settings.moogsoft.auth_header] = (
                f"{scheme} {settings.moogsoft.api_key}".strip()
            )
        return request

    return sign
