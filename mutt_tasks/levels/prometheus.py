"""Questions to Prometheus: bounded in time and size, and without its address in any answer."""

import json
import queue
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from requests.utils import get_auth_from_url

from mutt_tasks.core.slo_queries import PART
from mutt_tasks.errors import PrometheusRefused, PrometheusUnavailable
from mutt_tasks.transport import Transport

# What we ask for is some twenty numbers.
_MOST_BYTES = 1 << 20


class Prometheus:
    """Ask one Prometheus, each question for at most `timeout` seconds, all for twice as long.

    After the first question that it does not answer it is asked no more: an object is for one
    round of questions.
    """

    def __init__(
        self, url: str, timeout: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        parts = urlsplit(url)
        path = parts.path.rstrip("/") + "/api/v1/query"
        self._url = urlunsplit(parts._replace(path=path))
        self._timeout, self._monotonic = timeout, monotonic
        self._late_at = monotonic() + 2 * timeout
        self._away = ""

    def __call__(self, question: str) -> dict[str, float]:
        """The parts of the answer by their names.

        Raises PrometheusUnavailable, or PrometheusRefused when it cannot make sense of this one.
        """
        if not self._away and self._monotonic() > self._late_at:
            self._away = "too slow"
        if self._away:
            raise PrometheusUnavailable(f"Prometheus does not answer ({self._away})")
        answers: queue.SimpleQueue[dict[str, float] | str | PrometheusRefused] = queue.SimpleQueue()
        transport = Transport()

        def ask() -> None:
            answers.put(self._asked(question, transport))

        threading.Thread(target=ask, name="prometheus", daemon=True).start()
        try:
            answer = answers.get(timeout=self._timeout)
        except queue.Empty:
            transport.abort()
            answer = "timeout"
        if isinstance(answer, PrometheusRefused):
            raise answer
        if isinstance(answer, str):
            self._away = answer
            raise PrometheusUnavailable(f"Prometheus does not answer ({answer})")
        return answer

    def _asked(
        self, question: str, transport: Transport
    ) -> dict[str, float] | str | PrometheusRefused:
        try:
            with requests.Session() as session:
                session.mount("http://", transport)
                session.mount("https://", transport)
                response = session.post(
                    self._url,
                    data={"query": question, "timeout": f"{self._timeout:g}"},
                    auth=_credentials,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    return _read(response)
        except requests.Timeout:
            return "timeout"
        except requests.exceptions.SSLError:
            return "tls_failed"
        except requests.ConnectionError:
            return "connection_failed"
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
            return "request_failed"


def _credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The log-in in the address; having one always keeps a stray `.netrc` out."""
    username, password = get_auth_from_url(request.url or "")
    if username:
        request = HTTPBasicAuth(username.encode(), password.encode())(request)
    return request


def _read(response: requests.Response) -> dict[str, float] | str | PrometheusRefused:
    """What the response says, or in one word why it is no answer."""
    body = bytearray()
    for chunk in response.iter_content(64 << 10):
        body += chunk
        if len(body) > _MOST_BYTES:
            return "answer too large"
    status = response.status_code
    # Prometheus says so of an expression that is wrong, or takes too much memory or time.
    if status in (400, 422, 503):
        return PrometheusRefused(f"Prometheus refuses the question: {_error(bytes(body))}")
    if status != 200:
        return f"http_{status}"
    try:
        return _parts(json.loads(body))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return "no answer of Prometheus"


def _parts(answer: Any) -> dict[str, float]:
    found = answer["data"]["result"]
    return {each["metric"][PART]: float(each["value"][1]) for each in found}


def _error(body: bytes) -> str:
    try:
        text = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it does not say why"
    return str(text)[:200]
