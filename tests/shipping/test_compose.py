"""The Compose file: valid, closed to the outside, and in step with the settings."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import celeryconfig
from mutt_tasks.settings import VARIABLES, load
from mutt_tasks.settings.variable import Variable, known_names
from tests.shipping.files import (
    COMPOSE,
    KNOWN,
    PROMETHEUS,
    SECRETS,
    SETTINGS,
    default_of,
    environment_of,
    interpolated,
    services,
    stages,
    template,
)

DEMO = ("moogsoft", "pipeline")
PRODUCTION = ("remediation", "beat", "console", "flower", "notify")
OURS = PRODUCTION + DEMO

# They say where a container is found from outside; within it the port is always the same.
PUBLISHED = {
    "METRICS_PORT_REMEDIATION": "remediation",
    "HEALTH_PORT_REMEDIATION": "remediation",
    "CONSOLE_PORT": "console",
    "METRICS_PORT_NOTIFY": "notify",
    "HEALTH_PORT_NOTIFY": "notify",
}
# What else a variable means here.
FIXED = frozenset({*PUBLISHED, "POD_NAME"})
# Variables of other programs.
LOGINS = frozenset({"FLOWER_BASIC_AUTH", "GRAFANA_ADMIN_PASSWORD"})
FOREIGN = LOGINS | {"CE_BROKER_URL", "REDISCLI_AUTH"}
PASSWORD = "${REDIS_PASSWORD:-${REDIS_PASS_CURRENT:-}}"


def worker() -> dict[str, Any]:
    return services()["remediation"]


def test_it_satisfies_the_compose_specification() -> None:
    command = ("-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE))
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=lambda variable: str(variable.name))
@pytest.mark.parametrize("service", ["remediation", "beat", "notify"])
def test_every_setting_reaches_the_container_by_each_of_its_names(
    service: str, variable: Variable
) -> None:
    for name in known_names([variable]):
        given = environment_of(service, {name: "<given>"})
        if name == "POD_NAME":
            assert given[name] == service
        elif name in PUBLISHED:
            its = services()[PUBLISHED[name]]
            ports = [interpolated(port, {name: "9"}) for port in its["ports"]]
            assert f"127.0.0.1:9:{default_of(name)}" in ports
            assert name not in given
        else:
            assert given[name] == "<given>"


@pytest.mark.parametrize("service", PRODUCTION)
def test_a_file_that_a_variable_names_can_be_put_into_the_container(service: str) -> None:
    (mount,) = [each for each in services()[service]["volumes"] if "/run/mutt" in each]
    assert interpolated(mount, {"FILES_FOLDER": "./secrets"}) == "./secrets:/run/mutt:ro"
    volume, _, _ = interpolated(mount, {}).partition(":")
    assert volume in yaml.safe_load(COMPOSE.read_text())["volumes"]


def test_starting_remediation_alone_starts_all_that_it_needs() -> None:
    """What `docker-compose up -d remediation` starts."""
    started, waiting = set(), ["remediation"]
    while waiting:
        started.add(name := waiting.pop())
        waiting += set(services()[name].get("depends_on", {})) - started
    assert started == {"remediation", "beat", "redis"}
    assert "profiles" not in worker()


def test_every_variable_is_a_setting_or_one_of_another_program() -> None:
    for service in services().values():
        names = {name for name in service.get("environment", {}) if not name.startswith("GF_")}
        assert names <= KNOWN | FOREIGN


def test_a_setting_of_the_shell_or_of_env_reaches_the_worker() -> None:
    given = {name: f"<{name}>" for name in KNOWN - FIXED}
    assert environment_of("remediation", given) == given | {"POD_NAME": "remediation"}


def test_secrets_are_handed_on_and_never_written_down() -> None:
    for service in set(services()) - set(DEMO):
        for name, value in services()[service].get("environment", {}).items():
            if name in SECRETS | LOGINS:
                assert value == f"${{{name}:-}}"
    assert services()["redis"]["environment"] == {"REDISCLI_AUTH": PASSWORD}


def test_a_copy_of_the_template_means_the_redis_of_compose() -> None:
    settings = load(environment_of("remediation", template(as_copied=True)))
    assert settings.redis.address.hosts == (("redis", int(default_of("REDIS_PORT"))),)
    assert environment_of("celery-exporter", template(as_copied=True)) == {
        "CE_BROKER_URL": "redis://:@redis:6379/0"
    }


def test_the_exporter_listens_where_the_worker_does() -> None:
    env = {"REDIS_HOST": "there", "REDIS_PORT": "1", "REDIS_DB": "2"}
    for more in (
        {"REDIS_PASSWORD": "x"},
        {"REDIS_PASS_CURRENT": "x", "REDIS_PASS_NEXT": "y"},
        {"REDIS_PASSWORD": "x", "REDIS_USERNAME": "u"},
        {"REDIS_URL": "redis://:y@elsewhere:3/4"},
        {"REDIS_URL": "redis://:y@elsewhere:3/4", "CELERY_BROKER_URL": "redis://:z@broker:5/6"},
    ):
        expected = load(environment_of("remediation", env | more)).celery_broker
        assert environment_of("celery-exporter", env | more) == {"CE_BROKER_URL": expected}


def test_the_template_explains_every_variable_that_compose_hands_on() -> None:
    offered = set(template(as_copied=False))
    assert offered <= KNOWN | FOREIGN | {"FILES_FOLDER"}
    assert SETTINGS | LOGINS | {"FILES_FOLDER"} <= offered


def test_the_demo_puts_its_samples_in_no_redis_but_its_own() -> None:
    production = {
        "REDIS_HOST": "prod",
        "REDIS_URL": "redis://prod",
        "CELERY_BROKER_URL": "redis://x",
    }
    for service in DEMO:
        assert load(environment_of(service, production)).redis.address.hosts == (("redis", 6379),)


def test_the_demo_runs_only_when_asked_for_and_nothing_else_relies_on_it() -> None:
    for name, service in services().items():
        assert service.get("profiles") == (["demo"] if name in DEMO else None)
        assert name in DEMO or "moogsoft" not in str(service)


def test_the_demo_runs_modules_that_exist_where_its_messages_go() -> None:
    for service in DEMO:
        python, dash_m, module, *_ = services()[service]["command"]
        assert (python, dash_m) == ("python", "-m")
        assert importlib.util.find_spec(module)
    port = services()["moogsoft"]["command"][-1]
    assert environment_of("pipeline", {})["MOOG_WEBHOOK_URL"] == f"http://moogsoft:{port}/webhook"


def test_only_this_host_can_reach_what_is_published() -> None:
    published = [
        interpolated(port, {})
        for service in services().values()
        for port in service.get("ports", [])
    ]
    assert published
    for port in published:
        assert port.startswith("127.0.0.1:")
    for name, service in PUBLISHED.items():
        port = default_of(name)
        its_ports = services()[service]["ports"]
        assert f"127.0.0.1:{port}:{port}" in [interpolated(each, {}) for each in its_ports]


@pytest.mark.parametrize("name", services())
def test_a_container_comes_back_and_can_do_no_more_than_it_needs_to(name: str) -> None:
    service = services()[name]
    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "cap_add" not in service


@pytest.mark.parametrize("name", sorted(set(services()) - set(OURS)))
def test_an_image_of_somebody_else_has_a_version(name: str) -> None:
    tag = services()[name]["image"].partition(":")[2]
    assert any(character.isdigit() for character in tag)


def test_production_is_one_image_and_the_demo_another_both_built_from_here() -> None:
    assert {services()[name]["image"] for name in PRODUCTION} == {"mutt-remediation"}
    assert all(services()[name]["build"] == "." for name in PRODUCTION)
    assert {services()[name]["image"] for name in DEMO} == {"mutt-remediation-demo"}
    for name in DEMO:
        build = services()[name]["build"]
        assert build == {"context": ".", "target": "demo"}
        assert build["target"] in stages()


def test_the_worker_may_end_its_step_before_it_is_killed() -> None:
    seconds = int(worker()["stop_grace_period"].removesuffix("s"))
    assert seconds > celeryconfig.task_time_limit


def test_whoever_is_waited_for_says_when_it_is_healthy() -> None:
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            if other == "beat":
                assert how == {"condition": "service_started"}  # which comes first does not matter
            else:
                assert how == {"condition": "service_healthy"}
                assert "test" in services()[other]["healthcheck"], f"{name} waits for {other}"


def test_a_notification_on_its_way_may_arrive_before_the_notifier_is_killed() -> None:
    seconds = int(services()["notify"]["stop_grace_period"].removesuffix("s"))
    assert seconds > 2 * float(default_of("NOTIFY_TIMEOUT"))


def test_the_image_s_health_check_is_left_to_the_worker() -> None:
    assert "healthcheck" not in worker()
    assert all("healthcheck" in services()[name] for name in OURS if name != "remediation")


def test_beat_is_asked_by_the_name_that_it_has() -> None:
    beat = services()["beat"]
    command = " ".join(beat["healthcheck"]["test"])
    assert f"inspect ping -d celerybeat@{beat['hostname']} " in command
    assert celeryconfig.beat_enable_remote_control


def test_redis_writes_down_what_it_holds_and_asks_for_the_password() -> None:
    for name in ("REDIS_PASSWORD", "REDIS_PASS_CURRENT"):
        command = [interpolated(word, {name: "p w"}) for word in services()["redis"]["command"]]
        assert command == ["redis-server", "--appendonly", "yes", "--requirepass", "p w"]
    assert services()["redis"]["volumes"] == ["redis:/data"]


def test_tasks_are_counted_under_their_queue() -> None:
    command = services()["celery-exporter"]["command"]
    assert command[command.index("--default-queue-name") + 1] == celeryconfig.QUEUE


def flower_login(tmp_path: Path, login: str) -> str:
    """What Flower gets as its login when FLOWER_BASIC_AUTH is `login`."""
    stand_in = tmp_path / "celery"
    stand_in.write_text('#!/bin/sh\nprintf "%s|%s" "$FLOWER_BASIC_AUTH" "$*"')
    stand_in.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FLOWER_BASIC_AUTH": login}
    command = [interpolated(word, {}) for word in services()["flower"]["command"]]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    found, _, arguments = done.stdout.partition("|")
    assert arguments == "-A mutt_tasks flower"
    return found


def test_flower_lets_in_who_has_the_login(tmp_path: Path) -> None:
    assert flower_login(tmp_path, "ann:s$cret word") == "ann:s$cret word"


def test_flower_without_a_login_lets_nobody_in(tmp_path: Path) -> None:
    first, second = flower_login(tmp_path, ""), flower_login(tmp_path, "")
    assert first.startswith("nobody:")
    assert len(first) > 40
    assert first != second


def test_prometheus_scrapes_every_process() -> None:
    found: dict[str, Any] = yaml.safe_load(PROMETHEUS.read_text())
    targets = [
        target
        for job in found["scrape_configs"]
        for group in job.get("static_configs", [])
        for target in group["targets"]
    ]
    port = default_of("METRICS_PORT_REMEDIATION")
    notify = f"notify:{default_of('METRICS_PORT_NOTIFY')}"
    console = f"console:{default_of('CONSOLE_PORT')}"
    assert targets == [f"remediation:{port}", "celery-exporter:9808", notify, console]
    assert {target.partition(":")[0] for target in targets} <= set(services())
    folder = f"./{PROMETHEUS.parent.name}:/etc/prometheus:ro"
    assert folder in services()["prometheus"]["volumes"]
