"""Who gets in, by what, and what no browser can be made to do by another site."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mutt_tasks.console.guard import MOST_BYTES
from mutt_tasks.core.access import ROLES
from mutt_tasks.operations.access import new_key, remove_key
from mutt_tasks.store.store import Store
from tests.console.conftest import app_on
from tests.console.people import API, ELSEWHERE, HERE, Client, House, problem_of

PAUSE = {"seconds": 60, "reason": "change"}
PROXY = ("10.0.0.7", 40_000)


def logged_in(house: House, role: str = "operator", **headers: str) -> Client:
    """A browser with a session."""
    browser = house.stranger(ELSEWHERE, **headers)
    answer = browser.post(f"{API}/session", json={"key": house.keys[role]})
    assert answer.status_code == 200, answer.text
    return browser


def proxied(store: Store, tmp_path: Path, **env: object) -> House:
    """A console behind a proxy that says who asks."""
    path = tmp_path / "keys"
    more = {
        "CONSOLE_TRUSTED_PROXIES": "10.0.0.7",
        "CONSOLE_PROXY_ROLES": "netops=operator,leads=admin",
        "CONSOLE_KEYS_FILE": path,
    }
    return House(app_on(store, **more | env), {}, path)


# --- keys ---


def test_nobody_gets_in_without_a_key(house: House) -> None:
    for peer in (HERE, ELSEWHERE):
        answer = house.stranger(peer).get(f"{API}/status")
        assert (answer.status_code, problem_of(answer)) == (401, "no-key")
        assert answer.headers["www-authenticate"] == "ApiKey"


@pytest.mark.parametrize("role", ROLES)
def test_a_key_says_who_one_is_and_what_one_may_do(house: House, role: str) -> None:
    found = house.person(role).get(f"{API}/session").json()

    assert (found["name"], found["role"], found["known_by"]) == (role, role, "console key")
    assert set(found["may"]) == ROLES[role]
    assert all(role in why for why in found["may_not"].values())


def test_a_key_in_a_url_is_refused_even_where_it_is_right(house: House) -> None:
    for name in ("api_key", "X-API-KEY", "key"):
        answer = house.stranger().get(f"{API}/status", params={name: house.keys["admin"]})
        assert (answer.status_code, problem_of(answer)) == (400, "key-in-url")
        assert house.keys["admin"] not in answer.text


def test_a_removed_key_is_locked_out_at_once(house: House) -> None:
    ann, browser = house.person("operator"), logged_in(house)

    remove_key(str(house.path), "operator")

    assert [each.get(f"{API}/status").status_code for each in (ann, browser)] == [401, 401]


def test_wrong_keys_are_throttled_and_right_ones_are_not(house: House) -> None:
    wrong = house.stranger(X_API_KEY="mutt-wrong")

    answers = [wrong.get(f"{API}/status") for _ in range(7)]

    assert [each.status_code for each in answers] == [401] * 5 + [429] * 2
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert house.person("viewer").get(f"{API}/status").status_code == 200


def test_logins_are_throttled_by_address_right_ones_too(house: House) -> None:
    here, there = house.stranger(("192.0.2.1", 1)), house.stranger(("192.0.2.2", 1))

    def login(who: Client, key: str) -> int:
        return who.post(f"{API}/session", json={"key": key}).status_code

    assert [login(here, "mutt-wrong") for _ in range(6)] == [401] * 5 + [429]
    assert login(here, house.keys["admin"]) == 429
    assert login(there, house.keys["admin"]) == 200


def test_a_network_of_ipv6_is_one_address_to_the_throttle(house: House) -> None:
    tried = [
        house.stranger((f"2001:db8:1:2::{n}", 1)).post(f"{API}/session", json={"key": "x"})
        for n in range(1, 8)
    ]

    assert [each.status_code for each in tried] == [401] * 5 + [429] * 2


def test_refused_attempts_do_not_fill_the_audit(house: House, client: redis.Redis) -> None:
    eve = house.person("viewer")

    answers = [eve.put(f"{API}/pause", json=PAUSE).status_code for _ in range(40)]

    assert answers == [403] * 30 + [429] * 10
    assert client.xlen("mutt:remediation:audit") == 30


# --- without any key ---


@pytest.fixture
def unlocked(store: Store, tmp_path: Path) -> House:
    """A console for which nobody has made a key yet."""
    path = tmp_path / "keys"
    return House(app_on(store, CONSOLE_KEYS_FILE=path), {}, path)


def test_without_any_key_this_host_may_look_and_nobody_may_act(unlocked: House) -> None:
    here = Client(unlocked.app, HERE, base="http://127.0.0.1:8088")

    answer = here.put(f"{API}/pause", json=PAUSE, headers={"Origin": "http://127.0.0.1:8088"})

    assert here.get(f"{API}/status").status_code == 200
    assert here.get(f"{API}/session").json()["role"] == "viewer"
    assert (answer.status_code, problem_of(answer)) == (403, "forbidden")


def test_without_any_key_others_are_told_how_to_make_one(unlocked: House) -> None:
    answer = unlocked.stranger(ELSEWHERE).get(f"{API}/status")

    assert (answer.status_code, problem_of(answer)) == (401, "no-key")
    assert "mutt-dlq key new" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("evil.example:8088", {}),  # DNS that leads a browser here
        ("localhost.evil.example", {}),
        ("127.0.0.1:8088", {"X-Forwarded-For": "192.0.2.7"}),  # a proxy on this host
        ("127.0.0.1:8088", {"Forwarded": "for=192.0.2.7"}),
        ("localhost", {"Via": "1.1 proxy"}),
    ],
)
def test_without_any_key_what_only_seems_to_come_from_here_is_a_stranger(
    unlocked: House, host: str, headers: dict[str, str]
) -> None:
    answer = Client(unlocked.app, HERE, headers, f"http://{host}").get(f"{API}/status")

    assert answer.status_code == 401


def test_the_first_key_locks_the_door(unlocked: House) -> None:
    here = Client(unlocked.app, HERE, base="http://localhost:8088")
    assert here.get(f"{API}/status").status_code == 200

    new_key(str(unlocked.path), "ann", "operator")

    assert here.get(f"{API}/status").status_code == 401


def test_a_file_with_a_broken_line_alone_lets_nobody_in(unlocked: House) -> None:
    unlocked.path.write_text("ann operator\n")

    assert (
        Client(unlocked.app, HERE, base="http://localhost").get(f"{API}/status").status_code == 401
    )


# --- sessions ---


def test_a_session_is_a_cookie_that_no_script_reads(house: House) -> None:
    answer = house.stranger().post(f"{API}/session", json={"key": house.keys["operator"]})

    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert house.keys["operator"] not in cookie + answer.text


def test_behind_tls_the_cookie_is_secure_and_only_that_one_counts(
    store: Store, tmp_path: Path
) -> None:
    house = proxied(store, tmp_path)
    key = new_key(str(house.path), "ann", "operator")
    over_tls = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}

    answer = Client(house.app, PROXY, over_tls).post(f"{API}/session", json={"key": key})
    name, _, token = answer.headers["set-cookie"].partition(";")[0].partition("=")
    plain = {**over_tls, "Cookie": f"mutt_console={token}"}

    assert name == "__Host-mutt_console"
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]
    assert Client(house.app, PROXY, plain).get(f"{API}/status").status_code == 401


def test_a_session_acts_as_its_key_and_ends_when_it_is_ended(house: House) -> None:
    browser = logged_in(house, Origin="http://console.test")
    token = browser.cookies["mutt_console"]

    paused = browser.put(f"{API}/pause", json=PAUSE)
    ended = browser.delete(f"{API}/session")
    thief = house.stranger(Cookie=f"mutt_console={token}")

    assert (paused.status_code, ended.status_code) == (200, 204)
    assert paused.json()["paused"]["actor"] == "operator"
    assert thief.get(f"{API}/status").status_code == 401


def test_a_login_gives_a_new_token_and_ends_the_one_before(house: House) -> None:
    browser = logged_in(house, Origin="http://console.test")
    before = browser.cookies["mutt_console"]

    browser.post(f"{API}/session", json={"key": house.keys["viewer"]})

    assert browser.cookies["mutt_console"] != before
    assert browser.get(f"{API}/session").json()["role"] == "viewer"
    assert house.stranger(Cookie=f"mutt_console={before}").get(f"{API}/status").status_code == 401


# --- other sites ---

FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://console.test.evil.example"},
    {"Origin": "http://console.test:8089"},
    {"Origin": "http://console.test", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_site_has_a_browser_change_anything(
    house: House, client: redis.Redis, headers: dict[str, str]
) -> None:
    answer = logged_in(house).put(f"{API}/pause", json=PAUSE, headers=headers)

    assert answer.status_code == 403
    assert problem_of(answer) in ("foreign-origin", "no-origin")
    assert not client.exists("mutt:remediation:paused")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://console.test"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://console.test:80", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_the_console_itself_may(house: House, headers: dict[str, str]) -> None:
    assert logged_in(house).put(f"{API}/pause", json=PAUSE, headers=headers).status_code == 200


def test_no_other_site_logs_anybody_in(house: House) -> None:
    headers = {"Origin": "http://evil.example"}

    answer = house.stranger().post(
        f"{API}/session", json={"key": house.keys["viewer"]}, headers=headers
    )

    assert (answer.status_code, problem_of(answer)) == (403, "foreign-origin")
    assert "set-cookie" not in answer.headers


def test_no_other_site_may_even_ask_the_api(house: House) -> None:
    answer = logged_in(house).get(f"{API}/status", headers={"Sec-Fetch-Site": "cross-site"})

    assert (answer.status_code, problem_of(answer)) == (403, "foreign-origin")


def test_a_link_from_elsewhere_comes_again_with_its_cookie(house: House) -> None:
    first = house.stranger().get("/jobs?state=done", headers={"Sec-Fetch-Site": "cross-site"})
    second = house.stranger().get("/jobs?state=done", headers={"Sec-Fetch-Site": "same-origin"})

    assert (first.status_code, 'http-equiv="refresh"' in first.text) == (200, True)
    assert (second.status_code, second.headers["location"]) == (
        303,
        "/login?next=%2Fjobs%3Fstate%3Ddone",
    )


def test_hosts_that_are_not_named_are_refused(store: Store, tmp_path: Path) -> None:
    house = proxied(store, tmp_path, CONSOLE_HOSTS="ops.example,console.test")
    key = new_key(str(house.path), "ann", "operator")
    headers = {"X-API-KEY": key}

    named, other = (
        Client(house.app, ELSEWHERE, headers, base).get(f"{API}/status")
        for base in ("http://console.test:8088", "http://evil.example")
    )

    assert named.status_code == 200
    assert (other.status_code, problem_of(other)) == (421, "wrong-host")


# --- proxies ---


def test_a_trusted_proxy_says_who_asks(store: Store, tmp_path: Path) -> None:
    house = proxied(store, tmp_path)

    found = [
        Client(house.app, PROXY, {"Remote-User": "ann@example.net", "Remote-Groups": groups})
        .get(f"{API}/session")
        .json()
        for groups in ("", "others,netops", "leads, netops")
    ]

    assert [(each["name"], each["role"]) for each in found] == [
        ("ann@example.net", "viewer"),
        ("ann@example.net", "operator"),
        ("ann@example.net", "admin"),
    ]


@pytest.mark.parametrize("peer", [ELSEWHERE, HERE, ("10.0.0.70", 1), ("::1", 1)])
def test_such_headers_from_anywhere_else_mean_nothing(
    store: Store, tmp_path: Path, peer: tuple[str, int]
) -> None:
    house = proxied(store, tmp_path)
    headers = {
        "Remote-User": "ann",
        "Remote-Groups": "leads",
        "X-Forwarded-For": "10.0.0.7",
        "X-Forwarded-Proto": "https",
    }

    answer = Client(house.app, peer, headers, "http://127.0.0.1").get(f"{API}/status")

    assert answer.status_code == 401
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("name", ["", "ann bob", "ann\u00e9", "../ann", "a" * 65])
def test_a_proxy_that_names_nobody_well_lets_nobody_in(
    store: Store, tmp_path: Path, name: str
) -> None:
    headers = {"Remote-User": name.encode("latin-1").decode("latin-1"), "Remote-Groups": "leads"}

    answer = Client(proxied(store, tmp_path).app, PROXY).get(
        f"{API}/status", headers=[(k, v.encode("latin-1")) for k, v in headers.items()]
    )

    assert answer.status_code == 401


def test_two_names_are_none(store: Store, tmp_path: Path) -> None:
    answer = Client(proxied(store, tmp_path).app, PROXY).get(
        f"{API}/status", headers=[("Remote-User", "ann"), ("Remote-User", "root")]
    )

    assert (answer.status_code, problem_of(answer)) == (401, "wrong-user")


def test_who_comes_by_a_proxy_has_a_browser_too(store: Store, tmp_path: Path) -> None:
    house = proxied(store, tmp_path)
    ann = Client(house.app, PROXY, {"Remote-User": "ann", "Remote-Groups": "netops"})

    assert ann.put(f"{API}/pause", json=PAUSE).status_code == 403
    ours = ann.put(f"{API}/pause", json=PAUSE, headers={"Origin": "http://console.test"})
    assert ours.status_code == 200


def test_the_throttle_sees_through_a_trusted_proxy_and_no_further(
    store: Store, tmp_path: Path
) -> None:
    house = proxied(store, tmp_path)

    def tries(forwarded: str) -> int:
        return (
            Client(house.app, PROXY, {"X-Forwarded-For": forwarded})
            .post(f"{API}/session", json={"key": "x"})
            .status_code
        )

    # What stands before the last one was written by whoever asks.
    assert [tries(f"198.51.100.{n}, 192.0.2.7") for n in range(6)] == [401] * 5 + [429]
    assert tries("192.0.2.8") == 401


# --- how much ---


def test_a_body_that_is_too_large_is_not_read(house: House) -> None:
    ann = house.person("operator")

    told = ann.put(f"{API}/pause", content=b"x" * (MOST_BYTES + 1))
    untold = ann.put(f"{API}/pause", content=_chunks(MOST_BYTES // 1000 + 2))
    lied = ann.put(f"{API}/pause", content=b"{}", headers={"Content-Length": "-1"})

    assert [each.status_code for each in (told, untold, lied)] == [413, 413, 413]


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1000


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"seconds": NaN, "reason": "x"}', b"\xff", b"", b'{"a":' * 9000]
)
def test_a_body_that_is_no_use_is_refused(house: House, body: bytes) -> None:
    answer = house.person("operator").put(
        f"{API}/pause", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in (400, 422)
    assert problem_of(answer)


def test_what_was_typed_is_not_said_again(house: House) -> None:
    """It may be a secret in the wrong place."""
    answer = house.person("operator").post(f"{API}/session", json={"key": ["s3cr3t-v4lue"]})

    assert answer.status_code == 422
    assert "s3cr3t" not in answer.text


# --- every answer ---


@pytest.mark.parametrize("path", [f"{API}/status", "/nothing", "/health", f"{API}/openapi.json"])
def test_every_answer_tells_a_browser_what_it_may_not_do(house: House, path: str) -> None:
    for who in (house.stranger(), house.person("viewer")):
        headers = who.get(path).headers
        policy = headers["content-security-policy"]

        assert "unsafe" not in policy
        assert "http" not in policy
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_an_error_of_ours_tells_nothing_and_has_all_headers(house: House) -> None:
    def fails() -> None:
        raise RuntimeError("s3cr3t-v4lue")

    house.app.add_api_route(f"{API}/fails", fails)

    answer = house.person("admin").get(f"{API}/fails")

    assert (answer.status_code, problem_of(answer)) == (500, "internal")
    assert "s3cr3t" not in answer.text
    assert answer.headers["content-security-policy"]


def test_redis_that_is_away_is_told_with_when_to_ask_again(tmp_path: Path) -> None:
    away = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    path = tmp_path / "keys"
    key = new_key(str(path), "ann", "viewer")
    house = House(app_on(Store(away), CONSOLE_KEYS_FILE=path), {"viewer": key}, path)

    answers = [house.person("viewer").get(f"{API}/{name}") for name in ("status", "jobs", "dlq")]

    assert {(each.status_code, problem_of(each)) for each in answers} == {(503, "redis-away")}
    assert {each.headers["retry-after"] for each in answers} == {"2"}
    assert json.loads(answers[0].text)["detail"].startswith("Redis cannot be reached")
