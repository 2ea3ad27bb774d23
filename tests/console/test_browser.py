"""The console's pages in a real browser: live, by keyboard, narrow, dark, printed, accessible."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mutt_tasks.console.application import opened
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs, status
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.metrics import RedisCollector
from tests.console.browsing import CHROMIUM, Person, browser, width_of
from tests.console.conftest import app_on
from tests.console.people import keys_in
from tests.console.running import served
from tests.console.test_pages import PAGES, hostile
from tests.jobs import OFF, discarded, order, plan_of
from tests.pipeline import DEAD, DLQ, MOOG_DLQ, event, fill, lying_in, run_cycle, settings_of
from tests.redis_server import RedisServer

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
    # One browser for all of them.
    pytest.mark.xdist_group("browser"),
]
WHOLE_PAGES = [path for path in PAGES if not path.startswith("/parts")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    return keys_in(tmp_path / "keys")


@pytest.fixture
def address(store: Store, tmp_path: Path, keys: dict[str, str]) -> Iterator[str]:
    with served(app_on(store, CONSOLE_KEYS_FILE=tmp_path / "keys")) as base:
        yield base


@pytest.fixture
def person(chromium: Browser, address: str, keys: dict[str, str]) -> Iterator[Person]:
    """An operator at a browser, which has nothing to complain of and asks nobody else."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    found = Person(context, address).logs_in(keys["operator"])
    yield found
    assert found.complaints == []
    assert found.strangers() == []
    context.close()


@pytest.fixture
def full(client: redis.Redis, store: Store) -> None:
    """Something in every list, with hostile bytes in every field."""
    discarded(client, store)
    fill(client, DLQ, [*(event(n) for n in range(60)), hostile(1), b"\xff\xfe", b""])
    fill(client, DEAD, [hostile(3), b"<i>not JSON"])


def test_the_first_screen_follows_what_happens(
    person: Person, client: redis.Redis, store: Store
) -> None:
    page = person.goes("/")
    sentence = page.locator(".sentence")
    expect(sentence).to_contain_text("Nothing to replay")
    fill(client, DLQ, [event(n) for n in range(7)])
    expect(page.locator(".flow")).to_contain_text("7")
    run_cycle(store, OFF)
    expect(sentence).to_contain_text("REMEDIATION_ENABLED is false")
    expect(page.locator("#live-journal")).to_contain_text("cycle: held")


def test_one_stream_a_tab_which_ends_when_it_is_hidden(person: Person) -> None:
    page = person.goes("/")
    expect(page.locator("body")).not_to_have_class(re.compile("is-stale"))
    assert sum(url.endswith("/live") for url in person.asked) <= 2  # of the login's page, and this
    before = len([url for url in person.asked if url.endswith("/live")])
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: false});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_function("performance.getEntriesByType('resource').length > 0")
    page.wait_for_timeout(300)
    assert len([url for url in person.asked if url.endswith("/live")]) == before + 1


def test_when_redis_is_away_the_page_says_so_and_recovers_by_itself(
    chromium: Browser, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path).start()
    keys = keys_in(tmp_path / "keys")
    env = {"REDIS_URL": server.url, "CONSOLE_KEYS_FILE": str(tmp_path / "keys")}
    fill(server.client, DLQ, [event(n) for n in range(7)])
    with served(opened(settings_of(**env))) as base:
        person = Person(chromium.new_context(), base).logs_in(keys["operator"])
        page = person.page
        expect(page.locator(".flow")).to_contain_text("7")
        server.freeze()
        expect(page.locator(".sentence")).to_contain_text("Redis is away", timeout=6000)
        # What was known last stays there, and is told to be old.
        expect(page.locator("body")).to_have_class(re.compile("is-stale"))
        expect(page.locator(".flow")).to_contain_text("7")
        expect(page.locator(".now")).to_contain_text("s old")
        # What says so is not greyed with the rest.
        expect(page.locator("#live-now .card")).to_have_css("opacity", "1")
        expect(page.locator("#live-flow .card")).to_have_css("opacity", "0.55")
        server.thaw()
        expect(page.locator(".sentence")).not_to_contain_text("away", timeout=10_000)
        expect(page.locator("body")).not_to_have_class(re.compile("is-stale"))
        person.context.close()
    server.stop()


def test_the_page_the_command_line_and_the_metrics_say_the_same(
    person: Person, client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(1234)])
    fill(client, DEAD, [event(n) for n in range(56)])
    run_cycle(store, OFF)
    page = person.goes("/")
    settings = settings_of(REMEDIATION_ROUTES="alerter,moog")
    said = status.read(store, settings.routes, settings.lists.dead_letter_queue).as_json()
    depths = {
        sample.labels["dlq_name"]: sample.value
        for metric in RedisCollector(store, settings).collect()
        for sample in metric.samples
        if sample.name == "mutt_remediation_dlq_depth"
    }
    expect(page.locator(".flow .depth a")).to_have_text(["1,234", "0", "56"])
    assert [depths[name] for name in (DLQ, MOOG_DLQ, DEAD)] == [1234, 0, 56]
    assert [said["routes"][name]["depth"] for name in ("alerter", "moog")] == [1234, 0]
    expect(page.locator(".sentence")).to_contain_text(said["sentence"][1:])


def test_by_keyboard_alone_a_message_is_discarded_and_brought_back(
    person: Person, client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    page = person.goes("/messages?route=alerter")
    page.locator("input[name=id]").first.focus()
    page.keyboard.press("Space")
    page.locator("button[value=discard]").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Discard 1 message")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.locator("button[value=discard]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open] #reason")).to_be_focused()
    page.keyboard.type("old, ticket 812")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/j-*")
    run_cycle(store, OFF)
    expect(page.locator("h1 .tag")).to_have_text("done")
    assert lying_in(client, DLQ) == [event(1), event(2)]
    page.fill("#undo-reason", "it was the wrong one")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/jobs/j-" in url)
    expect(page.locator("h1")).to_contain_text("Undo 1")
    run_cycle(store, OFF)
    expect(page.locator("h1 .tag")).to_have_text("done")
    assert lying_in(client, DLQ) == [event(0), event(1), event(2)]
    page.go_back()
    expect(page.locator("h1")).to_contain_text("Discard 1")


@pytest.mark.usefixtures("full")
def test_no_page_runs_what_a_message_says_or_is_wider_than_a_telephone(person: Person) -> None:
    page = person.page
    page.set_viewport_size({"width": 360, "height": 800})
    paths = [*WHOLE_PAGES, *_one_of_each(person)]
    for path in paths:
        person.goes(path)
        assert width_of(page) <= 360, path
        assert page.locator("main img, main script").count() == 0, path


@pytest.mark.usefixtures("full")
def test_every_page_is_accessible(person: Person) -> None:
    for path in [*WHOLE_PAGES, *_one_of_each(person)]:
        _check(person.goes(path), path)


@pytest.mark.usefixtures("full")
def test_the_dark_pages_and_a_plan_are_accessible(person: Person) -> None:
    person.page.emulate_media(color_scheme="dark")
    for path in ["/", "/journal", *_one_of_each(person)]:
        _check(person.goes(path), path)
    page = person.goes("/messages?route=dead")
    page.locator("input[name=id]").first.check()
    page.click("button[value=discard]")
    expect(page.locator("dialog[open]")).to_be_visible()
    _check(page, "a plan")


@pytest.mark.usefixtures("full")
def test_without_a_script_everything_can_still_be_read_and_done(
    chromium: Browser, address: str, keys: dict[str, str], client: redis.Redis, store: Store
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    person = Person(context, address).logs_in(keys["operator"])
    page = person.page
    expect(page.locator(".sentence")).to_contain_text("63 held")
    person.goes("/messages?route=alerter")
    page.locator("input[name=id]").first.check()
    page.click("button[value=discard]")
    page.fill("#reason", "old")
    page.click("button.danger")
    page.wait_for_url("**/jobs/j-*")
    run_cycle(store, OFF)
    assert event(0) not in lying_in(client, DLQ)
    context.close()


def test_a_million_messages_are_looked_at_page_by_page(person: Person, client: redis.Redis) -> None:
    events = [event(n) for n in range(10_000)]
    many = client.pipeline()
    for _ in range(100):
        many.lpush(DLQ, *events)
    many.execute()
    page = person.goes("/messages?route=alerter")
    expect(page.locator("h1")).to_contain_text("1,000,000")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.click("text=Next page")
    expect(page.locator("tbody tr").first).to_contain_text("host-50")


def test_back_ticks_nothing_that_nobody_ticked(
    person: Person, client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(6)])
    page = person.goes("/messages?route=alerter")
    for box in page.locator("input[name=id]").all()[:2]:
        box.check()
    page.click("button[value=discard]")
    page.fill("#reason", "old")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/j-*")
    run_cycle(store, OFF)
    page.go_back()
    # The list begins with others now: a browser would tick them, by their places.
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator("input[name=id]:checked")).to_have_count(0)


def test_a_page_whose_session_ended_leads_to_the_login_and_back(
    person: Person, keys: dict[str, str]
) -> None:
    page, other = person.goes("/"), person.tab()
    other.goto(f"{person.base}/jobs")
    other.click("text=Log out")
    page.wait_for_url("**/login?next=%2F")
    page.fill("#key", keys["operator"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{person.base}/")
    # A browser writes down each 401 in its console.
    person.complaints = [each for each in person.complaints if "401" not in each]


def test_a_page_says_that_the_console_does_not_answer(
    chromium: Browser, store: Store, tmp_path: Path, keys: dict[str, str]
) -> None:
    with served(app_on(store, CONSOLE_KEYS_FILE=tmp_path / "keys")) as base:
        person = Person(chromium.new_context(), base).logs_in(keys["operator"])
        expect(person.page.locator("#lost")).to_be_hidden()
    expect(person.page.locator("#lost")).to_contain_text("The console has not answered since")
    expect(person.page.locator("body")).to_have_class(re.compile("is-stale"))
    person.context.close()


def test_the_page_of_a_job_goes_on_after_redis_was_away(chromium: Browser, tmp_path: Path) -> None:
    server = RedisServer(tmp_path).start()
    keys = keys_in(tmp_path / "keys")
    env = {"REDIS_URL": server.url, "CONSOLE_KEYS_FILE": str(tmp_path / "keys")}
    fill(server.client, DLQ, [event(0)])
    app = opened(settings_of(**env))
    store = app.state.console.look().store
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": [event(0)]}), order())
    with served(app) as base:
        person = Person(chromium.new_context(), base).logs_in(keys["operator"])
        page = person.goes(f"/jobs/{job.id}")
        with page.expect_response(lambda response: response.status == 503, timeout=20_000):
            server.freeze()
        server.thaw()
        expect(page.locator("dialog")).to_have_count(0)
        jobs.cancel(store, job.id, order())
        run_cycle(store, OFF)
        expect(page.locator("h1 .tag")).to_have_text("cancelled", timeout=10_000)
        person.context.close()
    server.stop()


def test_remarks_do_not_widen_a_page_beyond_a_telephone(
    person: Person, client: redis.Redis
) -> None:
    fill(client, DLQ, [event(0)])
    page = person.goes("/messages")
    page.set_viewport_size({"width": 360, "height": 800})
    page.click("tbody td.text a")
    page.fill("#ack-reason", "a ticket is open")
    page.keyboard.press("Enter")
    expect(page.locator("dd .tag")).to_contain_text("acknowledged by operator until")
    assert width_of(page) <= 360


def _check(page: Page, what: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{what}\n{found.generate_report()}"


def _one_of_each(person: Person) -> list[str]:
    """The pages of one message, of its edit, of one job, and of a plan."""
    page = person.goes("/messages?route=alerter")
    message = page.locator("tbody td.text a").first.get_attribute("href") or ""
    page = person.goes("/jobs")
    job = page.locator("tbody td a").first.get_attribute("href") or ""
    name = message.partition("?")[0]
    return [message, f"{name}/edit", job]
