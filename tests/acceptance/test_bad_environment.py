"""A bad environment ends a `celery` command in clear lines, and no program that only imports us."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forking
from tests.redis_server import RedisServer, free_port
from tests.services import ROOT, Services

BAD = {"REMEDIATION_INTERVAL": "often", "REDIS_PORT": "0"}
LINES = [
    "REMEDIATION_INTERVAL: got 'often', accepts a number from 0.5 to 86400",
    "REDIS_PORT: got '0', accepts a whole number from 1 to 65535",
]


Ended = subprocess.CompletedProcess[str]


def ended_command(folder: Path, *arguments: str, services: Services | None = None) -> Ended:
    """Run `celery -A mutt_tasks …` in the bad environment, or another one, to its end."""
    services = services or Services(folder, "redis://127.0.0.1:1/0", **BAD)
    return forking.run((forking.CELERY, "-A", "mutt_tasks", *arguments), services.env)


def run(folder: Path, *arguments: str, services: Services | None = None) -> Ended:
    """Execute Python in the bad environment, or another one, to its end."""
    services = services or Services(folder, "redis://127.0.0.1:1/0", **BAD)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=services.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("worker",),
        ("worker", "-c", "1", "-Q", "remediation", "-n", "w@test", "-l", "INFO"),
        ("beat",),
        ("call", "mutt_tasks.remediate"),
        ("inspect", "ping"),
        ("report",),
    ],
    ids=" ".join,
)
def test_a_command_ends_with_one_line_for_each_bad_variable_and_status_one(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = ended_command(tmp_path, *command)

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [f"mutt_tasks: {line}" for line in LINES]
    assert ended.stdout == ""


def test_so_does_one_that_is_executed(tmp_path: Path) -> None:
    ended = run(tmp_path, "-m", "celery", "-A", "mutt_tasks", "worker")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines() == [f"mutt_tasks: {line}" for line in LINES]


@pytest.mark.parametrize("module", ["celery", "tasks"])
def test_a_program_that_only_imports_the_application_goes_on(tmp_path: Path, module: str) -> None:
    ended = run(tmp_path, "-W", "error", "-c", f"import mutt_tasks.{module}; print('went on')")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "went on\n", "")


def test_a_program_that_sends_a_task_can_catch_the_error_and_say_what_is_wrong(
    tmp_path: Path,
) -> None:
    program = """
from mutt_tasks.errors import SettingsError
from mutt_tasks.tasks import remediate
try:
    remediate.delay()
except SettingsError as error:
    print(error)
"""
    ended = run(tmp_path, "-c", program)

    assert (ended.returncode, ended.stdout.splitlines(), ended.stderr) == (0, LINES, "")


@pytest.mark.parametrize("command", [("worker", "-Q", "remediation", "-n", "w@test"), ("beat",)])
def test_a_redis_cluster_is_refused_with_status_one(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    # By itself the cluster's bus listens where other programs' connections may begin.
    bus = ("--cluster-port", str(free_port()))
    server = RedisServer(tmp_path, "--cluster-enabled", "yes", *bus).start()
    try:
        services = Services(tmp_path, server.url)
        ended = ended_command(tmp_path, *command, services=services)
    finally:
        server.kill()

    assert ended.returncode == 1
    assert "use one Redis or Sentinel" in ended.stderr


CELERY = ("celery", "-A", "mutt_tasks")


@pytest.mark.parametrize(
    "program",
    [(*CELERY, "worker"), (*CELERY, "beat"), ("mutt_tasks.notify",), ("mutt_tasks.console",)],
    ids=lambda program: program[-1],
)
def test_who_wants_json_gets_it_here_too(tmp_path: Path, program: tuple[str, ...]) -> None:
    env = {**BAD, "LOG_JSON_ENABLED": "true", "POD_NAME": "pod-7"}
    ended = run(
        tmp_path,
        *("-m", *program),
        services=Services(tmp_path, "redis://127.0.0.1:1/0", **env),
    )

    assert ended.returncode == 1
    found = [json.loads(line) for line in (ended.stdout + ended.stderr).splitlines()]
    assert [line["message"] for line in found] == LINES
    assert {(line["level"], line["pod_name"]) for line in found} == {("CRITICAL", "pod-7")}
