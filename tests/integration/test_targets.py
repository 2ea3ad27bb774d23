"""What really goes to each kind of target, through apprise, and what is said when it does not."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from mutt_tasks.core.addresses import Address, secrets_of
from mutt_tasks.core.notice_text import Notice, Severity
from mutt_tasks.notify.post import bounded
from mutt_tasks.notify.targets import prepared, problem_of
from tests.receivers import DRIP, HANG, REFUSE, Inbox, far_services, mail_server, webhook
from tests.redis_server import free_port

# What apprise imports for the pictures in mails.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "S3cretValue9"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#mutt"
PAGERDUTY = f"pagerduty://{'0a' * 16}@{'1b' * 10}"
NOTICE = Notice(
    "MUTT remediation: <test> & more", "- one *line*\n- <!channel> two", Severity.WARNING, "the-key"
)
OVER = Notice("over", "it is over", Severity.SUCCESS, "the-key", is_over=True)


def sent(url: str, notice: Notice = NOTICE, seconds: float = 5.0) -> str:
    return bounded(prepared(Address("ops", url), notice, seconds), seconds)


@pytest.fixture
def far(
    authority: trustme.CA, ca_cert: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Inbox]]:
    """Slack and PagerDuty, as this process reaches them."""
    with far_services(authority) as (port, inboxes):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_cert)
        yield inboxes


def test_slack_gets_a_message_in_its_format(far: dict[str, Inbox]) -> None:
    assert sent(SLACK) == ""

    (request,) = far["hooks.slack.com"].took
    assert request.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
    (attachment,) = request.body["attachments"]
    told = str(request.body)
    assert "&lt;!channel&gt; two" in told
    assert "<!channel>" not in told
    assert "image" not in told
    assert attachment["color"]


def test_pagerduty_gets_an_incident_and_its_end_under_one_key(far: dict[str, Inbox]) -> None:
    assert sent(PAGERDUTY) == ""
    assert sent(PAGERDUTY, OVER) == ""

    first, second = (request.body for request in far["events.pagerduty.com"].took)
    assert (first["event_action"], first["dedup_key"]) == ("trigger", "the-key")
    assert first["payload"]["severity"] == "warning"
    assert first["payload"]["summary"].startswith("MUTT remediation: <test>")
    assert "images" not in first
    assert second == {
        "routing_key": "0a" * 16,
        "event_action": "resolve",
        "dedup_key": "the-key",
    }


def test_pagerduty_gets_no_more_than_it_takes(far: dict[str, Inbox]) -> None:
    long = Notice("title", "line\n" * 1000, Severity.INFO, "k")
    assert sent(PAGERDUTY, long) == ""

    (request,) = far["events.pagerduty.com"].took
    assert len(request.body["payload"]["summary"]) <= 1024


def test_an_unknown_certificate_is_not_accepted(
    far: dict[str, Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    assert sent(SLACK) == "its certificate is not accepted"


def test_a_mail_goes_to_those_who_are_named() -> None:
    with mail_server(SECRET) as (port, mails):
        url = f"mailto://mutt:{SECRET}@127.0.0.1:{port}?from=mutt@example.com&to=ann@example.com"
        assert sent(f"{url}&mode=insecure") == ""
        mails.answer = "554 not here"
        assert sent(f"{url}&mode=insecure") == "it answered 554"
        assert sent(f"{url}&mode=insecure".replace(SECRET, "wrong")) == "log-in refused"

    (mail,) = mails.took
    assert set(mails.log_ins) == {"mutt"}
    assert mail["Subject"] == NOTICE.title
    assert "ann@example.com" in mail["To"]
    plain = mail.get_body(("plain", "html"))
    assert plain is not None
    assert "two" in plain.get_content()


def test_a_webhook_gets_the_key_and_whether_it_is_over() -> None:
    with webhook() as (port, inbox):
        url = f"json://u:{SECRET}@127.0.0.1:{port}/hook"
        assert sent(url) == sent(url, OVER) == ""

    first, second = (request.body for request in inbox.took)
    assert first["title"] == NOTICE.title
    assert (first["message"], first["type"]) == (NOTICE.body, "warning")
    assert [each["dedup_key"] for each in (first, second)] == ["the-key", "the-key"]
    assert [each["event_action"] for each in (first, second)] == ["trigger", "resolve"]


@pytest.mark.parametrize(
    ("mode", "status", "why"),
    [
        (REFUSE, 401, "it answered 401"),
        (REFUSE, 503, "it answered 503"),
        (REFUSE, 302, "it answered 302"),
        (HANG, 0, "no answer in time"),
        (DRIP, 0, "no answer in time"),
    ],
)
def test_why_a_webhook_did_not_take_it_is_said_in_time(mode: str, status: int, why: str) -> None:
    with webhook(mode=mode, status=status) as (port, _):
        began = time.monotonic()
        said = sent(f"json://127.0.0.1:{port}/", seconds=0.5 if not status else 5)

    assert said == why
    assert time.monotonic() - began < 4


def test_nobody_there_and_no_such_name_are_told_apart() -> None:
    assert sent(f"json://127.0.0.1:{free_port()}/") == "connection refused"
    assert sent("json://no.such.host.invalid/") == "its name is not known"


def test_an_error_of_a_kind_that_nobody_thought_of_shows_no_text() -> None:
    def breaks() -> str:
        raise KeyError(f"json://{SECRET}")

    assert bounded(breaks, 1) == "it was not sent (KeyError)"


@pytest.mark.parametrize(
    "url",
    [
        f"json://user:{SECRET}@127.0.0.1:1/{SECRET}?token={SECRET}",
        f"mailto://user:{SECRET}@127.0.0.1:1?from=a@example.com&to=b@example.com",
        SLACK,
        PAGERDUTY,
        f"pagerduty://{SECRET} @{SECRET}",
        f"slack://{SECRET}",
        f"tgram://{SECRET}/{SECRET}",
    ],
)
def test_nothing_of_an_address_is_shown_whatever_happens(
    url: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    address = Address("ops", url)
    told = [problem_of(address), bounded(prepared(address, NOTICE, 3.0), 3.0), repr(address)]

    out, err = capfd.readouterr()
    shown = "\n".join([*told, out, err, caplog.text])
    assert told[1]
    assert [secret for secret in secrets_of(address) if secret in shown] == []
    assert SECRET not in shown
    assert list(tmp_path.iterdir()) == []
