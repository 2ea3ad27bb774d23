"""The Dockerfile, without a build; `make image-check` builds it and runs what comes out."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import celeryconfig
from mutt_tasks.telemetry import health
from tests.redis_server import free_port
from tests.shipping.files import (
    ROOT,
    default_of,
    health_command,
    instructions,
    is_ignored,
    last,
    stages,
)

WORDS = {"ARG", "FROM", "RUN", "ENV", "WORKDIR", "COPY", "LABEL", "USER", "EXPOSE"}
WORDS |= {"STOPSIGNAL", "HEALTHCHECK", "CMD"}


@pytest.fixture
def health_port() -> Iterator[str]:
    """The port of a health server like the worker's."""
    server = health.server("127.0.0.1", 0, lambda: "")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield str(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


def check_health(**env: str) -> int:
    """The exit status of the image's HEALTHCHECK."""
    program, *arguments = health_command()
    assert program == "python"
    done = subprocess.run([sys.executable, *arguments], env=os.environ | env, capture_output=True)
    return done.returncode


def test_each_line_is_an_instruction() -> None:
    assert {word for word, _ in instructions()} <= WORDS


def test_every_stage_starts_from_the_base_that_can_be_chosen() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert bases == ["${BASE_IMAGE}", "${BASE_IMAGE}", "production", "production"]
    assert ("ARG", "BASE_IMAGE=python:3.11-slim") in instructions()


def test_everything_that_is_copied_is_there_and_reaches_the_build() -> None:
    sources = [
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert "mutt_tasks" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not is_ignored(source), source
    package = [p.relative_to(ROOT).as_posix() for p in (ROOT / "mutt_tasks").rglob("*.lua")]
    assert package
    assert not [path for path in package if is_ignored(path)]


def copied_into(stage: str) -> set[str]:
    """What the build copies into a stage from this repository."""
    return {
        source
        for word, rest in stages()[stage]
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }


def test_a_build_without_a_target_makes_the_image_of_production_and_nothing_more() -> None:
    assert stages()[""] == (("FROM", "production"),)
    assert copied_into("production") == set()


def test_only_the_demos_image_holds_the_demo_and_its_stand_ins() -> None:
    assert copied_into("demo") == {"demo", "stand_ins"}
    assert copied_into("build").isdisjoint(copied_into("demo"))


@pytest.mark.parametrize(
    "path",
    [
        *(".env", "secrets.env", ".git/config", ".data/appendonly.aof", ".venv/bin/python"),
        *("tests/conftest.py", "docker-compose.yml", "mutt_tasks/core/__pycache__/flow.pyc"),
    ],
)
def test_nothing_else_reaches_the_build(path: str) -> None:
    assert is_ignored(path)


def test_dependencies_are_installed_by_hash_and_the_package_without_asking_an_index() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    dependencies, package = installs
    assert "--require-hashes -r constraints.txt" in dependencies
    assert "--no-deps --no-build-isolation ." in package


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-dev.txt"])
def test_every_pin_is_exact_and_has_hashes_and_no_place_to_get_it_from(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = re.split(r"\n(?=[a-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    assert len(pins) > 20
    for pin in pins:
        assert re.match(r"[a-z0-9-]+==[^ ]+( ; [^\\]+)? \\\n +--hash=sha256:[0-9a-f]{64}", pin), pin
    assert "://" not in text


def test_it_runs_as_a_user_whose_number_is_not_roots() -> None:
    user, group = last("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert any(word == "RUN" and f"--uid {user} " in rest for word, rest in instructions())


def test_by_itself_it_is_the_worker_of_our_queue_with_one_slot() -> None:
    queue = celeryconfig.QUEUE
    assert json.loads(last("CMD")) == (
        ["celery", "-A", "mutt_tasks", "worker", "-Q", queue, "-c", "1"]
    )
    assert last("STOPSIGNAL") == "SIGTERM"


def test_it_exposes_the_ports_of_the_settings() -> None:
    names = ("METRICS_PORT_REMEDIATION", "HEALTH_PORT_REMEDIATION", "CONSOLE_PORT")
    assert last("EXPOSE").split() == [default_of(name) for name in names]


def test_its_health_check_succeeds_while_the_worker_answers(health_port: str) -> None:
    assert check_health(HEALTH_PORT_REMEDIATION=health_port) == 0


def test_its_health_check_asks_the_worker_and_no_proxy(health_port: str) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert check_health(HEALTH_PORT_REMEDIATION=health_port, http_proxy=nowhere) == 0


def test_its_health_check_fails_when_nobody_answers() -> None:
    assert check_health(HEALTH_PORT_REMEDIATION=str(free_port())) == 1


def test_its_health_check_asks_at_the_default_port_when_none_is_set() -> None:
    assert f"or {default_of('HEALTH_PORT_REMEDIATION')};" in health_command()[-1]


def test_the_script_that_builds_it_is_sound_shell() -> None:
    subprocess.run(["bash", "-n", str(ROOT / "tools" / "image_check.sh")], check=True)
