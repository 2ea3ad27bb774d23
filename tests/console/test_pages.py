"""Every page shows real data to everybody who may see it, and nothing to those who may not."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import redis

from mutt_tasks.core.identity import digest
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs, switches
from mutt_tasks.store.store import Store
from tests.console.conftest import app_on
from tests.console.people import HERE, Client, House
from tests.jobs import OFF, discarded, order, plan_of
from tests.pipeline import DEAD, DLQ, MOOG_DLQ, event, fill, lying_in, run_cycle

PAGES = (
    *("/", "/messages", "/messages?route=moog&order=newest", "/messages?where=host:rtr*"),
    *("/messages?route=trash", "/dead", "/groups", "/groups?exact=1", "/trash", "/jobs"),
    *("/journal", "/journal?show=audit", "/journal?show=refused", "/pause", "/access", "/login"),
    *("/parts/groups", "/parts/reasons", "/parts/chain"),
)
# Whoever shows this unescaped runs it; whoever prints it to a terminal moves the cursor.
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\x1b[2J{{7*7}}${7*7}\u202e"

BINARY = b"\xff\xfe no JSON <b>"


def hostile(number: int) -> bytes:
    fields = dict.fromkeys(("hostname", "message", "program", "x<y>"), f"{HOSTILE}{number}")
    return json.dumps({**json.loads(event(number)), **fields, "api_key": "s3cr3t-v4lue"}).encode()


@pytest.fixture
def lists(client: redis.Redis, store: Store) -> None:
    """Something in every list, a job that has ended, one that waits, and a pause."""
    discarded(client, store)
    fill(client, DLQ, [event(100), hostile(1), BINARY, b"", b"[1]"])
    fill(client, MOOG_DLQ, [hostile(2)])
    fill(client, DEAD, [hostile(3), b"<i>not JSON"])
    jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": [event(100)]}), order())
    switches.pause(store, "r", f"ann{HOSTILE[:9]}", "change <b>4711</b>", 600)


class Links(HTMLParser):
    """What a page refers to, and what it must not have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [given[name] or "" for name in ("href", "src", "action") if name in given]
        is_inline = tag == "style" or (tag == "script" and "src" not in given)
        events = [name for name in given if name.startswith("on") or name == "style"]
        self.inline += [tag] * is_inline + events


@pytest.mark.usefixtures("lists")
@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_every_page_shows_what_there_is_without_running_any_of_it(house: House, role: str) -> None:
    person = house.person(role)
    # Who may not see what messages say may not search for it either.
    for path in PAGES if role != "viewer" else [each for each in PAGES if "where" not in each]:
        answer = person.get(path)
        assert answer.status_code == 200, path
        page = Links(answer.text)
        assert page.inline == [], path
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "s3cr3t-v4lue" not in answer.text
        assert all(link.startswith(("/", "#")) and link[:2] != "//" for link in page.found), path


@pytest.mark.usefixtures("lists")
def test_every_link_leads_somewhere(house: House) -> None:
    person, seen, waiting = house.person("operator"), set[str](), ["/"]
    binary = {f"/messages/m-{digest(BINARY)[:12]}/edit"}
    while waiting and len(seen) < 120:
        path = waiting.pop()
        seen.add(path)
        answer = person.get(path)
        # Bytes that are no text cannot be edited on a page, which then says so.
        assert answer.status_code == (409 if path in binary else 200), path
        if "html" in answer.headers["content-type"]:
            links = [link.partition("#")[0] for link in Links(answer.text).found]
            posts = re.findall(r'method="post" action="([^"]+)"', answer.text)
            new = {link for link in links if link and link not in posts} - seen
            waiting += sorted(new - set(waiting))
    assert {"/messages", "/dead", "/trash", "/jobs", "/journal", "/pause", "/access"} <= seen
    assert any(path.startswith("/messages/m-") for path in seen)
    assert any(path.startswith("/jobs/j-") for path in seen)


@pytest.mark.usefixtures("lists")
def test_a_viewer_sees_no_word_of_what_messages_say(house: House) -> None:
    viewer = house.person("viewer")
    listed = viewer.get("/messages?route=alerter").text
    ids = re.findall(r'href="/messages/(m-[0-9a-f]+)', listed)
    assert ids
    pages = [listed, viewer.get("/groups").text, *(viewer.get(f"/messages/{i}").text for i in ids)]
    for page in pages:
        assert "alert(1)" not in page
        assert "host-100" not in page
    assert viewer.get("/messages?where=host-100").status_code == 403
    assert viewer.post(f"/messages/{ids[0]}/raw").status_code == 403
    assert viewer.get(f"/messages/{ids[0]}/edit").status_code == 403


@pytest.mark.usefixtures("lists")
def test_what_a_role_may_not_do_is_shown_disabled_and_refused(house: House) -> None:
    viewer = house.person("viewer")
    assert '<button name="verb" value="discard" disabled' in viewer.get("/messages").text
    wanted = {"verb": "discard", "scope": "all", "route": "alerter"}
    assert viewer.post("/plans", data=wanted).status_code == 403
    assert viewer.post("/pause", data={"reason": "x", "for": "1h"}).status_code == 403
    assert viewer.post("/resume").status_code == 403


def test_a_plan_is_shown_and_done_to_exactly_its_messages(
    house: House, client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(5)]
    fill(client, DLQ, events)
    person = house.person("operator")
    ids = re.findall(r'name="id" value="(m-[^"]+)"', person.get("/messages?route=alerter").text)
    client.lrem(DLQ, 1, events[0])  # type: ignore[arg-type]  # a drain has taken it meanwhile
    shown = person.post("/plans", data={"verb": "discard", "id": ids[:3], "route": "alerter"}).text
    assert "Discard 2 messages" in shown
    assert "1 gone" in shown
    fields = dict(re.findall(r'name="(plan|etag|request)" value="([^"]+)"', shown))
    done = person.post("/jobs", data={**fields, "reason": "old"})
    again = person.post("/jobs", data={**fields, "reason": "old"})
    assert (done.status_code, again.headers["location"]) == (303, done.headers["location"])
    run_cycle(store, OFF)
    assert lying_in(client, DLQ) == events[3:]
    page = person.get(done.headers["location"]).text
    assert "Put 2 back" in page
    undone = person.post(f"{done.headers['location']}/undo", data={"reason": "no", "request": "u"})
    run_cycle(store, OFF)
    assert lying_in(client, DLQ) == [*events[1:3], *events[3:]]
    assert "done" in person.get(undone.headers["location"]).text


def test_a_large_number_has_to_be_typed(house: House, client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(1001)])
    person = house.person("operator")
    shown = person.post("/plans", data={"verb": "discard", "scope": "all", "route": "alerter"}).text
    fields = dict(re.findall(r'name="(plan|etag|request)" value="([^"]+)"', shown))
    refused = person.post("/jobs", data={**fields, "reason": "old", "typed": "1000"})
    assert (refused.status_code, store.jobs.active_ids()) == (422, [])
    typed = person.post("/jobs", data={**fields, "reason": "old", "typed": "1,001"})
    assert typed.status_code == 303


def test_an_edit_shows_the_change_and_keeps_the_credential(
    house: House, client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [hostile(1)])
    person = house.person("operator")
    (name,) = set(re.findall(r'href="/messages/(m-[0-9a-f]+)', person.get("/messages").text))
    form = person.get(f"/messages/{name}/edit").text
    assert "s3cr3t" not in form
    digest = re.findall(r'name="digest" value="([^"]+)"', form)[0]
    text = _unescaped(re.findall(r"<textarea[^>]*>(.*?)</textarea>", form, re.DOTALL)[0])
    edited = text.replace('"program": ', '"program_was": ')
    given = {"text": edited, "digest": digest, "route": "alerter"}
    change = person.post(f"/messages/{name}/edit", data=given)
    assert "program_was" in change.text
    assert lying_in(client, DLQ) == [hostile(1)]
    done = person.post(
        f"/messages/{name}/edit", data={**given, "sure": "1", "reason": "typo", "request": "e"}
    )
    assert done.status_code == 303
    run_cycle(store, OFF)
    (raw,) = lying_in(client, DLQ)
    assert json.loads(raw)["api_key"] == "s3cr3t-v4lue"
    assert "program_was" in json.loads(raw)
    late = person.post(f"/messages/{name}/edit", data={**given, "sure": "1", "reason": "again"})
    assert late.status_code == 404


def test_without_any_key_this_host_may_look_and_is_told_how_to_make_one(store: Store) -> None:
    app = app_on(store)
    here = Client(app, HERE, base="http://127.0.0.1:8088")
    assert here.get("/").status_code == 200
    assert "mutt-dlq key new" in here.get("/access").text
    assert "mutt-dlq key new" in here.get("/login").text
    assert Client(app).get("/").status_code == 303


@pytest.mark.parametrize("target", ["//evil.test", "/\\evil.test", "https://evil.test", "/a\nb"])
def test_a_login_leads_to_no_other_site(house: House, target: str) -> None:
    stranger = house.stranger()
    given = {"key": house.keys["viewer"], "next": target}
    assert stranger.post("/login", data=given).headers["location"] == "/"


def test_a_wrong_key_is_told_on_the_form(house: House) -> None:
    answer = house.stranger().post("/login", data={"key": "mutt-wrong"})
    assert answer.status_code == 401
    assert "nobody has this key" in answer.text
    assert "mutt-wrong" not in answer.text


@pytest.mark.parametrize(
    ("path", "given", "says"),
    [
        ("/plans", {"verb": "destroy", "scope": "all"}, "verb: accepts"),
        ("/plans", {"verb": "discard"}, "no message is ticked"),
        ("/pause", {"reason": "x", "for": "soon"}, "for: got"),
        ("/pause", {"reason": "", "for": "1h"}, "reason"),
        ("/notes", {"subject": "x", "text": "t"}, "id: got"),
        ("/acks", {"subject": "s1-9f3a12cd4e5f", "reason": "x", "seconds": "1e99"}, "until"),
    ],
)
def test_what_is_wrong_is_named_on_a_page(
    house: House, path: str, given: dict[str, str], says: str
) -> None:
    answer = house.person("operator").post(path, data=given)
    assert answer.status_code == 422
    assert says in _unescaped(answer.text)


def test_a_filter_that_is_none_is_told_beside_it(house: House) -> None:
    answer = house.person("operator").get("/messages", params={"where": "age>soon"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert 'value="age&gt;soon"' in answer.text


def test_templates_are_all_used() -> None:
    root = Path("mutt_tasks/console")
    names = {str(p.relative_to(root / "templates")) for p in (root / "templates").rglob("*.html")}
    text = "".join(
        p.read_text() for p in (*root.rglob("*.py"), *(root / "templates").rglob("*.html"))
    )
    live = {f"live/{name}.html" for name in ("now", "flow", "limits", "books", "jobs", "journal")}
    assert {name for name in names - live if f'"{name}"' not in text} == set()


def _unescaped(text: str) -> str:
    return html.unescape(text)
