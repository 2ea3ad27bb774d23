"""What people do to forms: send them twice, by hand, half filled, late, from elsewhere."""

import re

import pytest
import redis

from mutt_tasks.operations import switches
from mutt_tasks.store.store import Store
from tests.console.people import Client, House
from tests.console.test_pages import hostile
from tests.jobs import OFF, discarded
from tests.pipeline import DLQ, event, fill, run_cycle


def planned(person: Client) -> dict[str, str]:
    """The fields of the form that a plan of all messages is shown with."""
    page = person.post("/plans", data={"verb": "discard", "scope": "all", "route": "alerter"}).text
    return dict(re.findall(r'name="(plan|etag|request)" value="([^"]+)"', page))


@pytest.mark.parametrize("number", ["nan", "inf", "1e400", "1.5", "-1", "0", "²", "x"])
def test_a_job_stops_after_a_whole_number_alone(
    house: House, client: redis.Redis, store: Store, number: str
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    person = house.person("operator")
    wanted = {**planned(person), "reason": "old", "stop_after": number}
    assert person.post("/jobs", data=wanted).status_code == 422
    assert store.jobs.active_ids() == []


@pytest.mark.parametrize("given", [{"scope": "where", "where": " "}, {"scope": "every"}])
def test_no_filter_never_means_all(
    house: House, client: redis.Redis, given: dict[str, str]
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    wanted = {"verb": "discard", "route": "alerter", **given}
    answer = house.person("operator").post("/plans", data=wanted)
    assert answer.status_code == 422
    assert "Discard 3" not in answer.text


@pytest.mark.parametrize(
    ("path", "never"),
    [
        ("/messages?route=alerter&where=age>soon", "None matches"),
        ("/messages?route=alerter&where=age>soon", ">0<"),
        ("/messages?route=alerter&cursor=none", "Nothing waits here"),
        ("/groups?where=age>soon", "Nothing to replay"),
        ("/groups?route=nowhere", "Nothing to replay"),
        ("/journal?before=x", "No entry matches"),
        ("/journal?show=all", "No entry matches"),
    ],
)
def test_what_could_not_be_looked_for_is_not_told_to_be_absent(
    house: House, client: redis.Redis, path: str, never: str
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    answer = house.person("operator").get(path)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert never not in answer.text


def test_a_note_or_an_acknowledgement_that_is_sent_twice_is_written_once(
    house: House, client: redis.Redis
) -> None:
    fill(client, DLQ, [event(0)])
    person = house.person("operator")
    listed = person.get("/messages").text
    (name,) = set(re.findall(r'href="/messages/(m-[0-9a-f]+)', listed))
    page = person.get(f"/messages/{name}").text
    names = re.findall(r'name="request" value="([^"]+)"', page)
    assert len(set(names)) == 2
    for _ in range(2):
        form = {"subject": name, "text": "seen by ann", "request": names[0]}
        assert person.post("/notes", data=form).status_code == 303
    assert person.get("/messages").text.count("seen by ann") == 1


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("/plans", "/messages"),
        ("/resume", "/pause"),
        ("/notes", "/messages"),
        ("/acks", "/groups"),
        ("/jobs/j-1/cancel", "/jobs/j-1"),
        ("/jobs/j-1/undo", "/jobs/j-1"),
        ("/messages/m-1/raw?route=dead", "/messages/m-1?route=dead"),
    ],
)
def test_the_address_of_a_form_leads_to_its_page(house: House, address: str, leads_to: str) -> None:
    answer = house.person("operator").get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


def test_what_a_page_asks_by_itself_after_the_session_ended_leads_to_the_login(
    house: House,
) -> None:
    stranger = house.stranger()
    assert stranger.get("/live", headers={"Accept": "text/event-stream"}).status_code == 401
    asked = {"HX-Request": "true", "HX-Current-URL": "http://console.test/jobs/j-1?x=1"}
    answer = stranger.get("/parts/jobs/j-1", headers=asked)
    assert answer.headers["hx-redirect"] == "/login?next=%2Fjobs%2Fj-1%3Fx%3D1"
    elsewhere = {**asked, "HX-Current-URL": "http://evil.test/jobs"}
    answer = stranger.get("/parts/jobs/j-1", headers=elsewhere)
    assert answer.headers["hx-redirect"] == "/login?next=%2F"


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [
        ("http://console.test/messages?route=moog", "/messages?route=moog"),
        # A proxy with TLS stands before it.
        ("https://console.test/dead", "/dead"),
        ("http://console.test//evil.test/", "/"),
        ("http://evil.test/messages", "/"),
        ("http://[", "/"),
    ],
)
def test_back_leads_to_a_page_of_ours(house: House, referer: str, leads_to: str) -> None:
    answer = house.person("viewer").get("/nowhere", headers={"Referer": referer})
    assert answer.status_code == 404
    assert f'<a href="{leads_to}">Back</a>' in answer.text


def test_no_entry_of_the_time_line_is_left_out_between_two_pages(
    house: House, store: Store
) -> None:
    for number in range(60):
        # Each is in the journal and, of the same moment, in the audit.
        switches.pause(store, f"r{number}", "ann", f"change number-{number}.", 60)
    person = house.person("operator")
    for query in ("", "&actor=ann", "&message=number-7."):
        path, told = f"/journal?show={query}", ""
        while path:
            text = person.get(path).text
            told += text
            found = re.search(r'href="(/journal[^"]+)" rel="next"', text)
            path = found[1].replace("&amp;", "&") if found else ""
        wanted = range(60) if "message" not in query else [7]
        for number in wanted:
            assert told.count(f"change number-{number}.") >= 2, (query, number)


def test_access_names_every_permission_in_words(house: House) -> None:
    page = house.person("operator").get("/access").text
    assert '<th scope="row">edit</th>' not in page
    assert "Edit one message" in page


def test_whoever_pauses_sees_the_pause_on_the_next_page(house: House) -> None:
    person = house.person("operator")
    assert "Resume…" not in person.get("/").text
    assert person.post("/pause", data={"reason": "change", "for": "1h"}).status_code == 303
    assert "Resume…" in person.get("/").text
    assert person.get("/api/v1/status").json()["paused"] is not None
    assert person.post("/resume").status_code == 303
    assert "Resume…" not in person.get("/").text


def test_no_message_turns_the_text_beside_it_round(house: House, client: redis.Redis) -> None:
    fill(client, DLQ, [hostile(1)])
    person = house.person("operator")
    listed = person.get("/messages").text
    name = re.findall(r'href="/messages/(m-[0-9a-f]+)', listed)[0]
    for page in (listed, person.get(f"/messages/{name}").text, person.get("/groups").text):
        assert "\u202e" not in page
        assert "\\u202e" in page


def test_a_job_that_is_to_be_cancelled_says_so(
    house: House, client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    person = house.person("operator")
    job = person.post("/jobs", data={**planned(person), "reason": "old"}).headers["location"]
    assert "Cancel the job" in person.get(job).text
    assert person.post(f"{job}/cancel", data={"reason": "no"}).status_code == 303
    page = person.get(job).text
    assert "To be cancelled" in page
    assert "Cancel the job" not in page
    run_cycle(store, OFF)
    assert "To be cancelled" not in person.get(job).text


def test_who_has_tried_too_many_keys_is_told_how_long_to_wait(house: House) -> None:
    stranger = house.stranger()
    for _ in range(6):
        answer = stranger.post("/login", data={"key": "mutt-wrong"})
    assert answer.status_code == 429
    assert re.search(r"wait \d+ s", answer.text)
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_why_a_button_is_disabled_is_read_without_a_mouse(
    house: House, client: redis.Redis, store: Store
) -> None:
    discarded(client, store)
    fill(client, DLQ, [event(0)])
    viewer, operator = house.person("viewer"), house.person("operator")
    listed = viewer.get("/messages?route=alerter").text
    name = re.findall(r'href="/messages/(m-[0-9a-f]+)', listed)[0]
    said = '<p class="why-not">Your role may not replay, discard, redirect.'
    assert said in listed
    assert said in viewer.get(f"/messages/{name}").text
    assert '<p class="why-not">Your role may not undo.' in viewer.get("/trash").text
    assert '<p class="why-not">Your role may not redirect.' in operator.get("/messages").text


def test_the_first_screen_tells_a_cycle_that_says_nothing_new_once(
    house: House, client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(0)])
    person = house.person("operator")
    for _ in range(3):
        run_cycle(store, OFF)
    switches.pause(store, "r", "ann", "change 4711", 60)
    run_cycle(store, OFF)
    page = person.get("/").text
    assert page.count("cycle: held") == 2
    assert "paused: by ann" in page
