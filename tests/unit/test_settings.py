"""The environment as a whole: defaults, one line for each mistake, and no secret anywhere."""

import dataclasses
import re
import socket
from operator import attrgetter
from pathlib import Path

import pytest

from mutt_tasks.errors import SettingsError
from mutt_tasks.settings import RUNTIME_KEYS, VARIABLES, Settings, load, overridden, warnings
from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.settings.variable import FILE_SUFFIX, NOT_SHOWN, known_names

SECRET = "s3cr3t-v4lue"

# A value for each secret that is accepted and holds SECRET.
SECRETS = {
    "MOOG_API_KEY": SECRET,
    "MOOG_PASSWORD": SECRET,
    "MOOG_WEBHOOK_URL": f"https://user:{SECRET}@moogsoft.example/hook?token={SECRET}",
    "MOOG_HEALTH_URL": f"https://moogsoft.example/health?key={SECRET}",
    "REDIS_URL": f"redis://user:{SECRET}@localhost:6379/0",
    "REDIS_PASSWORD": SECRET,
    "REDIS_PASS_NEXT": SECRET,
    "CELERY_BROKER_URL": f"redis://:{SECRET}@localhost:6379/0",
    "OTEL_EXPORTER_OTLP_HEADERS": f"x-team=noc,authorization=Bearer%20{SECRET}",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"api-key={SECRET}",
    "PROMETHEUS_URL": f"https://user:{SECRET}@prometheus.example/?key={SECRET}",
    "NOTIFY_URLS": f"ops=mailto://user:{SECRET}@mail.example slack://{SECRET}/TokenB1/TokenC2",
}

# The design's table of names and defaults.
DEFAULTS = {
    "REMEDIATION_ENABLED": True,
    "REMEDIATION_INTERVAL": 300,
    "REMEDIATION_BATCH_SIZE": 10,
    "REMEDIATION_MAX_BATCH_SIZE": 1000,
    "REMEDIATION_DRAIN": True,
    "REMEDIATION_DRAIN_INTERVAL": 1,
    "REMEDIATION_MAX_RATE": None,
    "REMEDIATION_HIGH_WATER": 1000,
    "REMEDIATION_RETRY_BACKOFF": 60,
    "REMEDIATION_MAX_AGE": 0,
    "REMEDIATION_ROUTES": ("alerter", "moog"),
    "REMEDIATION_SHELTER": True,
    "MAX_POISON_RETRIES": 3,
    "ALERTER_DLQ_NAME": "mutt:dlq:alerter",
    "INGEST_QUEUE_NAME": "mutt:ingest_queue",
    "MOOG_DLQ_NAME": "mutt:dlq:moog",
    "ALERT_QUEUE_NAME": "mutt:alert_queue",
    "DEAD_LETTER_QUEUE": "mutt:dlq:dead",
    "MOOG_HEALTH_CHECK_ENABLED": True,
    "MOOG_WEBHOOK_URL": "",
    "MOOG_HEALTH_TIMEOUT": 5,
    "MOOG_HEALTH_URL": "",
    "MOOG_HEALTH_CACHE_TTL": 60,
    "MOOG_API_KEY": "",
    "MOOG_AUTH_HEADER": "Authorization",
    "MOOG_AUTH_SCHEME": "",
    "MOOG_USERNAME": "",
    "MOOG_PASSWORD": "",
    "MOOG_CA_CERT": "",
    "MOOG_RATE_LIMIT": 50,
    "MOOG_RATE_PERIOD": 1,
    "MOOG_BREAKER_TIMEOUT": 300,
    "MOOG_DELIVERED_STATUS": frozenset({200, 201}),
    "MOOG_RATE_LIMIT_KEY": "mutt:rate_limit:moog",
    "REDIS_HOST": "localhost",
    "REDIS_PORT": 6379,
    "REDIS_DB": 0,
    "REDIS_USERNAME": "",
    "REDIS_PASSWORD": "",
    "REDIS_PASS_NEXT": "",
    "REDIS_TLS_CA_CERT": "",
    "REDIS_TLS_CERT": "",
    "REDIS_TLS_KEY": "",
    "REDIS_URL": None,
    "CELERY_BROKER_URL": "",
    "DYNAMIC_CONFIG_ENABLED": False,
    "METRICS_PORT_REMEDIATION": 8086,
    "HEALTH_PORT_REMEDIATION": 8087,
    "LOG_LEVEL": "INFO",
    "LOG_JSON_ENABLED": False,
    "OTEL_ENABLED": False,
    "OTEL_SERVICE_NAME": "mutt-remediation",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "DEPLOYMENT_ENV": "production",
}


def refused(env: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(env)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return caught.value.lines


def test_an_empty_environment_gives_the_defaults_of_the_design() -> None:
    settings = load({})
    by_name = {spec.name: attrgetter(path)(settings) for path, spec in VARIABLES.items()}

    assert {name: by_name[name] for name in DEFAULTS} == DEFAULTS
    assert load(dict.fromkeys(by_name, "")) == settings


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load({}).pace.interval = 1  # type: ignore[misc]


def test_every_variable_is_documented_and_its_default_is_accepted() -> None:
    for spec in VARIABLES.values():
        assert spec.meaning
        assert spec.group
        spec.parse(spec.default)


# What each number may be at least and at most.
RANGES = {
    "REMEDIATION_INTERVAL": (0.5, 86_400),
    "REMEDIATION_BATCH_SIZE": (1, 100_000),
    "REMEDIATION_MAX_BATCH_SIZE": (1, 100_000),
    "REMEDIATION_DRAIN_INTERVAL": (0, 60),
    "REMEDIATION_MAX_RATE": (0, 1_000_000),
    "REMEDIATION_HIGH_WATER": (1, 1_000_000_000),
    "REMEDIATION_RETRY_BACKOFF": (0, 3600),
    "REMEDIATION_MAX_AGE": (0, 3_153_600_000),
    "REMEDIATION_SUSPECT_WAIT": (0, 604_800),
    "REMEDIATION_DEAD_RETENTION": (0, 36_500),
    "MAX_POISON_RETRIES": (1, 1000),
    "MOOG_HEALTH_TIMEOUT": (0.05, 20),
    "SLO_RECOVERED_WITHIN": (1, 604_800),
    "PROMETHEUS_TIMEOUT": (0.1, 60),
    "MOOG_HEALTH_CACHE_TTL": (0, 3600),
    "MOOG_RATE_LIMIT": (1, 1_000_000),
    "MOOG_RATE_PERIOD": (0.001, 3600),
    "MOOG_BREAKER_TIMEOUT": (1, 86_400),
    "REDIS_PORT": (1, 65_535),
    "REDIS_DB": (0, 99_999),
    "METRICS_PORT_REMEDIATION": (1, 65_535),
    "HEALTH_PORT_REMEDIATION": (1, 65_535),
    "NOTIFY_WAIT": (0, 3600),
    "NOTIFY_AGAIN": (0, 86_400),
    "NOTIFY_REPEAT": (1, 2_592_000),
    "NOTIFY_MOST_PER_HOUR": (1, 3600),
    "NOTIFY_TIMEOUT": (1, 120),
    "NOTIFY_RECOVERED_FROM": (1, 1_000_000_000),
    "NOTIFY_PAUSE_ENDS": (0, 86_400),
    "METRICS_PORT_NOTIFY": (1, 65_535),
    "HEALTH_PORT_NOTIFY": (1, 65_535),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_number_may_be_what_is_least_and_most_and_nothing_beyond(name: str) -> None:
    (spec,) = (each for each in VARIABLES.values() if each.name == name)
    least, most = RANGES[name]
    assert [spec.parse(str(value)) for value in (least, most)] == [least, most]
    step = 0.0001 if least % 1 else 1
    for value in (least - step, most + 1):
        with pytest.raises(ValueError, match="number"):
            spec.parse(str(value))


def test_every_variable_that_counts_something_has_its_range_here() -> None:
    counting = {each.name for each in VARIABLES.values() if each.unit}
    assert counting <= RANGES.keys()


def test_no_two_fields_read_the_same_variable() -> None:
    names = [spec.name for spec in VARIABLES.values()]

    assert len(names) == len(set(names))


# --- mistakes ---


def rejects(name: str) -> bool:
    spec = next(spec for spec in VARIABLES.values() if spec.name == name)
    try:
        spec.parse("\tbad\n§ value")
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("name", [s.name for s in VARIABLES.values() if rejects(s.name)])
def test_a_bad_value_is_one_line_that_names_the_variable_what_it_got_and_what_it_takes(
    name: str,
) -> None:
    lines = refused({name: "bad\n§ value"})

    is_secret = name in SECRETS
    got = NOT_SHOWN if is_secret else r"'bad\n§ value'"
    assert len(lines) == 1
    assert "\n" not in lines[0]
    assert re.fullmatch(rf"{name}: got {re.escape(got)}, accepts .{{5,}}", lines[0])


def test_all_mistakes_are_told_at_once() -> None:
    lines = refused({"REMEDIATION_INTERVAL": "soon", "REDIS_PORT": "0", "LOG_LEVEL": "loud"})

    assert [line.partition(":")[0] for line in lines] == [
        "REMEDIATION_INTERVAL",
        "REDIS_PORT",
        "LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"ALERTER_DLQ_NAME": "q", "INGEST_QUEUE_NAME": "q"}, "INGEST_QUEUE_NAME"),
        ({"DEAD_LETTER_QUEUE": "mutt:dlq:alerter"}, "DEAD_LETTER_QUEUE"),
        ({"MOOG_DLQ_NAME": "mutt:dlq:dead"}, "DEAD_LETTER_QUEUE"),
        ({"ALERT_QUEUE_NAME": "mutt:ingest_queue"}, "ALERT_QUEUE_NAME"),
        ({"ALERTER_DLQ_NAME": "mutt:remediation:stats"}, "ALERTER_DLQ_NAME"),
        ({"INGEST_QUEUE_NAME": "remediation"}, "INGEST_QUEUE_NAME"),
        ({"DEAD_LETTER_QUEUE": "mutt:config:x"}, "DEAD_LETTER_QUEUE"),
        (
            {"REMEDIATION_BATCH_SIZE": "20", "REMEDIATION_MAX_BATCH_SIZE": "10"},
            "REMEDIATION_BATCH_SIZE",
        ),
        ({"MOOG_PASSWORD": SECRET}, "MOOG_USERNAME"),
        ({"MOOG_USERNAME": "u", "MOOG_PASSWORD": SECRET, "MOOG_API_KEY": SECRET}, "MOOG_API_KEY"),
        ({"METRICS_PORT_REMEDIATION": "8087"}, "HEALTH_PORT_REMEDIATION"),
        ({"REDIS_TLS_CERT": __file__, "REDIS_TLS_ENABLED": "true"}, "REDIS_TLS_CERT"),
        ({"REDIS_TLS_KEY": __file__, "REDIS_TLS_ENABLED": "true"}, "REDIS_TLS_CERT"),
    ],
)
def test_values_that_contradict_each_other_are_refused(env: dict[str, str], named: str) -> None:
    lines = refused(env)

    assert len(lines) == 1
    assert lines[0].startswith(f"{named}: ")
    assert ", accepts " in lines[0] or ": takes " in lines[0]
    assert SECRET not in lines[0]


def test_a_key_in_a_header_of_its_own_goes_with_a_user() -> None:
    env = {"MOOG_USERNAME": "u", "MOOG_API_KEY": "k", "MOOG_AUTH_HEADER": "apiKey"}

    assert load(env).moogsoft.api_key == "k"


def test_a_larger_first_batch_lifts_the_largest_unless_that_is_set() -> None:
    assert load({"REMEDIATION_BATCH_SIZE": "5000"}).pace.max_batch_size == 5000


# --- secrets ---


def test_the_secrets_are_the_ones_that_this_file_tests() -> None:
    assert {spec.name for spec in VARIABLES.values() if spec.secret} == set(SECRETS)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file_and_is_never_shown(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRETS[name] + "\n")
    user = {"MOOG_USERNAME": "user"} if name == "MOOG_PASSWORD" else {}

    settings = load({f"{name}_FILE": str(file)} | user)

    assert settings == load({name: SECRETS[name]} | user)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert SECRET in settings.secrets()


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_in_no_error_however_it_is_given(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("\x00 :// ä " + SECRETS[name])
    environments: list[dict[str, str]] = [
        {name: SECRETS[name], f"{name}_FILE": str(file)},
        {name: "\x00 :// ä " + SECRETS[name], "REDIS_PORT": "x"},
        {f"{name}_FILE": str(file), "REDIS_PORT": "x"},
        {f"{name}_FILE": SECRETS[name], "REDIS_PORT": "x"},
    ]

    for env in environments:
        assert SECRET not in "\n".join(refused(env))


def test_the_secrets_hold_every_part_of_every_address_that_must_not_be_shown() -> None:
    settings = load(
        {
            "MOOG_WEBHOOK_URL": "https://u:web%2Fpw@moogsoft.example/hook?token=web%2Ftoken&b=q2-value",
            "MOOG_HEALTH_URL": "https://moogsoft.example/health?health-token",
            "CELERY_BROKER_URL": "redis://:broker%40pw@h1/0;redis://:broker2@h2/0",
            "REDIS_URL": "redis://user:redis%40pw@localhost:6379/0",
        }
    )

    assert settings.secrets() >= {
        *("web%2Fpw", "web/pw", "web%2Ftoken", "web/token", "q2-value", "health-token"),
        *("broker%40pw", "broker@pw", "broker2", "redis@pw"),
        "https://moogsoft.example/health?health-token",
    }
    assert "localhost" not in settings.secrets()
    assert "user" not in settings.secrets()


def test_without_secrets_there_is_nothing_to_hide() -> None:
    assert load({}).secrets() == frozenset()
    assert load({"REDIS_USERNAME": "mutt", "REDIS_TLS_ENABLED": "true"}).secrets() == frozenset()


# --- warnings ---


def test_an_unknown_variable_of_ours_is_warned_of_with_the_nearest_name() -> None:
    env = {
        "REMEDIATION_BATCHSIZE": "1",
        "MOOG_APIKEY": "x",
        "MOOG_API_KEY_FILE": "/x",
        "SOMETHING_ELSE": "1",
    }

    lines = [line for line in warnings(load({}), env) if "does nothing" in line]

    assert lines == [
        "MOOG_APIKEY is not a variable of mutt_tasks and does nothing; did you mean MOOG_API_KEY?",
        "REMEDIATION_BATCHSIZE is not a variable of mutt_tasks and does nothing;"
        " did you mean REMEDIATION_BATCH_SIZE?",
    ]


def test_no_known_variable_is_warned_of() -> None:
    env = dict.fromkeys(known_names(VARIABLES.values()), "x")

    assert not [line for line in warnings(load({}), env) if "is not a variable" in line]


@pytest.mark.parametrize(
    ("env", "warned"),
    [
        ({}, "neither MOOG_WEBHOOK_URL nor MOOG_HEALTH_URL is set"),
        ({"MOOG_HEALTH_CHECK_ENABLED": "false"}, "MOOG_HEALTH_CHECK_ENABLED is false"),
        (
            {"MOOG_HEALTH_CHECK_ENABLED": "false", "MOOG_HEALTH_URL": "http://h/"},
            "MOOG_HEALTH_CHECK_ENABLED is false",
        ),
    ],
)
def test_a_probe_that_asks_nobody_is_warned_of(env: dict[str, str], warned: str) -> None:
    lines = warnings(load(env), env)

    assert len(lines) == 1
    assert lines[0].startswith(warned)


@pytest.mark.parametrize("env", [{}, {"MOOG_HEALTH_CHECK_ENABLED": "false"}])
def test_who_asks_nobody_anyway_is_not_warned_of_it(env: dict[str, str]) -> None:
    assert warnings(load(env), env, is_worker=False) == []


@pytest.mark.parametrize("name", ["MOOG_WEBHOOK_URL", "MOOG_HEALTH_URL"])
def test_with_a_probe_there_is_nothing_to_warn_of(name: str) -> None:
    env = {name: "http://moogsoft.example/"}

    assert warnings(load(env), env) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_HOST", "h"),
        ("REDIS_PORT", "1"),
        ("REDIS_DB", "1"),
        ("REDIS_USERNAME", "u"),
        ("REDIS_PASSWORD", "p"),
        ("REDIS_PASSWORD_FILE", __file__),
        ("REDIS_PASS_CURRENT", "p"),
        ("REDIS_PASS_CURRENT_FILE", __file__),
    ],
)
def test_a_part_of_the_address_that_redis_url_overrides_is_warned_of(name: str, value: str) -> None:
    env = {"REDIS_URL": "redis://h", name: value, "MOOG_HEALTH_URL": "http://h/"}

    assert len(warnings(load(env), env)) == 1


@pytest.mark.parametrize("url", ["rabbit", "redis//h", "redis://[::1", "redis://h:x/0"])
def test_a_broker_address_that_is_none_is_refused_at_start(url: str) -> None:
    assert refused({"CELERY_BROKER_URL": url})[0].startswith("CELERY_BROKER_URL: got ")


# --- Redis and Celery ---


def test_redis_is_named_by_its_parts_or_by_one_address() -> None:
    parts = load(
        {
            "REDIS_HOST": "h",
            "REDIS_PORT": "7000",
            "REDIS_DB": "2",
            "REDIS_USERNAME": "u",
            "REDIS_PASSWORD": "p@",
        }
    )

    address = RedisAddress("redis", (("h", 7000),), db=2, username="u", password="p@")
    assert parts.redis.address == address
    assert load({"REDIS_URL": "redis://u:p%40@h:7000/2"}).redis.address == address
    assert parts.celery_broker == "redis://u:p%40@h:7000/2"
    assert load({"CELERY_BROKER_URL": "amqp://b"}).celery_broker == "amqp://b"


def test_tls_is_turned_on_by_its_switch_or_by_the_address() -> None:
    switched = load({"REDIS_TLS_ENABLED": "true", "REDIS_TLS_CA_CERT": __file__}).redis.address
    named = load({"REDIS_URL": "rediss://localhost", "REDIS_TLS_CA_CERT": __file__}).redis.address

    assert switched == named
    assert (named.tls, named.scheme, named.ca_cert) == (True, "rediss", __file__)
    assert not load({"REDIS_TLS_CA_CERT": __file__}).redis.address.tls


def test_routes_are_served_in_the_order_in_which_they_are_named() -> None:
    settings = load({"REMEDIATION_ROUTES": "moog,alerter", "MOOG_DLQ_NAME": "dlq"})

    assert [(r.name, r.source, r.target) for r in settings.routes] == [
        ("moog", "dlq", "mutt:alert_queue"),
        ("alerter", "mutt:dlq:alerter", "mutt:ingest_queue"),
    ]


def test_what_a_route_gives_up_goes_to_the_one_dead_letter_list() -> None:
    settings = load({"REMEDIATION_ROUTES": "moog,alerter", "DEAD_LETTER_QUEUE": "dead"})

    assert [route.dead for route in settings.routes] == ["dead", "dead"]


# --- runtime configuration ---


def test_runtime_configuration_overrides_four_settings() -> None:
    found, problems = overridden(
        load({}),
        {
            "remediation_enabled": b"false",
            "remediation_interval": b" 60 ",
            "remediation_batch_size": b"25",
            "max_poison_retries": b"5",
        },
    )

    assert problems == ()
    pace = dataclasses.replace(
        load({}).pace, enabled=False, interval=60.0, batch_size=25, max_poison_retries=5
    )
    assert found == dataclasses.replace(load({}), pace=pace)
    assert set(RUNTIME_KEYS) == {
        "remediation_enabled",
        "remediation_interval",
        "remediation_batch_size",
        "max_poison_retries",
    }


@pytest.mark.parametrize("name", RUNTIME_KEYS)
@pytest.mark.parametrize("raw", [b"", b"x", b"\xff\xfe", b"-1", b"nan", b"[1]", b"9" * 5000])
def test_a_bad_runtime_value_is_reported_in_one_line_and_ignored(name: str, raw: bytes) -> None:
    found, problems = overridden(load({}), {name: raw})

    assert found == load({})
    assert len(problems) == 1
    assert re.fullmatch(rf"mutt:config:{name}: got '.*', accepts .+; ignored", problems[0])
    assert len(problems[0]) < 300


def test_a_batch_size_at_runtime_is_no_larger_than_the_largest() -> None:
    found, _ = overridden(load({}), {"remediation_batch_size": b"5000"})

    assert found.pace.batch_size == 1000


def test_settings_are_groups_with_one_variable_a_field() -> None:
    assert list(VARIABLES) == [
        f"{group.name}.{field.name}"
        for group in dataclasses.fields(Settings)
        for field in dataclasses.fields(group.type)  # type: ignore[arg-type]
    ]


def test_a_group_of_settings_cannot_be_changed_either() -> None:
    settings = load({})
    for group in dataclasses.fields(Settings):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(settings, group.name, None)


def test_a_process_without_a_name_is_named_after_its_host() -> None:
    assert load({}).process.pod_name == socket.gethostname()
    assert load({"POD_NAME": "remediation-0"}).process.pod_name == "remediation-0"


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"REDIS_URL": "sentinel://h/mymaster", "REDIS_TLS_ENABLED": "true"}, "REDIS_TLS_ENABLED"),
        ({"CELERY_BROKER_URL": "rediss://:s3cret@h/0"}, "CELERY_BROKER_URL"),
        (
            {"CELERY_BROKER_URL": "redis://a/0;rediss://:s3cret@h/0"},
            "CELERY_BROKER_URL",
        ),
        ({"REDIS_TLS_KEY": __file__, "REDIS_URL": "rediss://h"}, "REDIS_TLS_CERT"),
    ],
)
def test_what_would_not_be_verified_or_used_is_refused(env: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(env)
    (line,) = refused.value.lines
    assert line.startswith(f"{named}: got ")
    assert "s3cret" not in line


def test_a_broker_that_verifies_is_taken() -> None:
    url = "rediss://h/0?ssl_cert_reqs=required"
    assert load({"CELERY_BROKER_URL": url}).celery_broker == url


TLS_FILES = (
    *("REDIS_TLS_CA_CERT", "REDIS_TLS_CERT", "REDIS_TLS_KEY"),
    *("REDIS_CA_CERT_PATH", "REDIS_TLS_CLIENT_CERT", "REDIS_TLS_CLIENT_KEY"),
)


@pytest.mark.parametrize("name", TLS_FILES)
@pytest.mark.parametrize("path", [__file__, "/path/to/nothing"])
def test_without_tls_its_files_are_not_looked_at_and_each_is_warned_of(
    name: str, path: str
) -> None:
    env = {name: path, "MOOG_HEALTH_URL": "http://h/"}

    assert warnings(load(env), env) == [f"{name} does nothing: TLS is not on (REDIS_TLS_ENABLED)"]


@pytest.mark.parametrize("name", TLS_FILES)
@pytest.mark.parametrize("tls", [{"REDIS_TLS_ENABLED": "true"}, {"REDIS_URL": "rediss://h"}])
def test_with_tls_a_file_that_cannot_be_read_is_refused_by_the_name_that_was_given(
    name: str, tls: dict[str, str]
) -> None:
    line = f"{name}: got '/path/to/nothing', accepts the path of a readable file"

    assert line in refused({name: "/path/to/nothing", **tls})


# --- MUTT's names ---


def test_mutts_names_of_the_tls_files_mean_the_same() -> None:
    tls = {"REDIS_TLS_ENABLED": "true"}
    ours = dict.fromkeys(TLS_FILES[:3], __file__)
    mutts = dict.fromkeys(TLS_FILES[3:], __file__)

    assert load(ours | tls) == load(mutts | tls) == load(ours | mutts | tls)
    assert load(mutts | tls).redis.address.client_key == __file__


@pytest.mark.parametrize(("name", "alias"), [*zip(TLS_FILES[:3], TLS_FILES[3:], strict=True)])
@pytest.mark.parametrize("tls", ["true", "false"])
def test_two_names_of_one_setting_with_different_values_are_refused(
    name: str, alias: str, tls: str
) -> None:
    lines = refused({name: "/a", alias: "/b", "REDIS_TLS_ENABLED": tls})

    assert lines == [
        f"{name}: got '/a', and {alias} '/b'; accepts one of the two, or the same value in both:"
        " they are two names of one setting"
    ]


# Every MOOG_… and REMEDIATION_… name that MUTT's services, scripts and manifests read or set.
MUTTS = re.findall(
    r"\w+",
    """
MOOG_API_KEY MOOG_BATCH_SIZE MOOG_CB_FAILURE_THRESHOLD MOOG_CB_KEY_PREFIX MOOG_CB_OPEN_SECONDS
MOOG_CIRCUIT_BREAKER_THRESHOLD MOOG_CIRCUIT_BREAKER_TIMEOUT MOOG_DLQ_NAME
MOOG_FORWARDER_HEALTH_PORT MOOG_FORWARDER_METRICS_PORT MOOG_FORWARDER_PORT
MOOG_FORWARDER_WORKER_ID MOOG_HEALTH_CHECK_ENABLED MOOG_HEALTH_TIMEOUT MOOG_HEARTBEAT_INTERVAL
MOOG_HEARTBEAT_PREFIX MOOG_HOST MOOG_JANITOR_TIMEOUT MOOG_MAX_RETRIES MOOG_METRICS_PORT
MOOG_POD_NAME MOOG_PROCESSING_LIST_PREFIX MOOG_RATE_LIMIT MOOG_RATE_LIMIT_KEY
MOOG_RATE_LIMIT_PER_SEC MOOG_RATE_PERIOD MOOG_RETRY_BASE_DELAY MOOG_RETRY_MAX_DELAY MOOG_TIMEOUT
MOOG_URL MOOG_WEBHOOK_TIMEOUT MOOG_WEBHOOK_URL REMEDIATION_BATCH_SIZE REMEDIATION_ENABLED
REMEDIATION_INTERVAL REMEDIATION_METRICS_PORT REMEDIATION_PORT
""",
)


@pytest.mark.parametrize("name", MUTTS)
def test_a_variable_of_mutts_is_known(name: str) -> None:
    env = {name: "1", "MOOG_HEALTH_URL": "http://h/"}

    assert warnings(load({"MOOG_HEALTH_URL": "http://h/"}), env) == []


# --- the password's rotation ---


def test_the_current_password_is_another_name_of_the_password() -> None:
    assert load({"REDIS_PASS_CURRENT": SECRET}) == load({"REDIS_PASSWORD": SECRET})
    assert (
        load({"REDIS_PASS_CURRENT": SECRET, "REDIS_PASSWORD": SECRET}).redis.address.password
        == SECRET
    )


@pytest.mark.parametrize(
    "forms", [("", ""), (FILE_SUFFIX, ""), ("", FILE_SUFFIX), (FILE_SUFFIX,) * 2]
)
def test_two_different_current_passwords_are_refused_by_name_and_not_shown(
    tmp_path: Path, forms: tuple[str, str]
) -> None:
    env = {}
    names = ("REDIS_PASSWORD", "REDIS_PASS_CURRENT")
    for name, form, value in zip(names, forms, (f"{SECRET}1", f"{SECRET}2"), strict=True):
        (tmp_path / name).write_text(value)
        env[name + form] = str(tmp_path / name) if form else value

    (line,) = refused(env)

    assert line.startswith(
        f"REDIS_PASSWORD: got {NOT_SHOWN}, and REDIS_PASS_CURRENT {NOT_SHOWN}; accepts "
    )
    assert SECRET not in line


@pytest.mark.parametrize(
    "address", [{"REDIS_PASS_CURRENT": "now"}, {"REDIS_URL": "redis://:now@localhost:6379/0"}]
)
def test_the_next_password_goes_with_whatever_gives_the_current_one(
    address: dict[str, str],
) -> None:
    settings = load({**address, "REDIS_PASS_NEXT": "s3cret"})

    assert (settings.redis.address.password, settings.redis.address.next_password) == (
        "now",
        "s3cret",
    )
    assert settings.celery_broker == "redis://:now@localhost:6379/0"
    assert settings.secrets() >= {"now", "s3cret"}
    assert (
        "s3cret" not in repr(settings) + repr(settings.redis.address) + settings.redis.address.shown
    )


def test_the_next_password_alone_is_the_password() -> None:
    settings = load({"REDIS_PASS_NEXT": "s3cret"})

    assert settings.redis.address.password == "s3cret"
    assert settings.celery_broker == "redis://:s3cret@localhost:6379/0"


def test_a_broker_of_its_own_is_not_tried_with_the_next_password_and_that_is_told() -> None:
    env = {"CELERY_BROKER_URL": "redis://b", "REDIS_PASS_NEXT": "n", "MOOG_HEALTH_URL": "http://h/"}

    assert warnings(load(env), env) == [
        "REDIS_PASS_NEXT is not tried at CELERY_BROKER_URL, which has its own log-in"
    ]


def test_a_largest_batch_below_the_usual_canary_is_the_canary_too() -> None:
    settings = load({"REMEDIATION_MAX_BATCH_SIZE": "4"})

    assert (settings.pace.batch_size, settings.pace.max_batch_size) == (4, 4)
