"""What the runbook has beside `mutt-dlq` and `redis-cli`: programs, units, pages and log lines.

Docker, Kubernetes and systemd are not here, so that their commands are held against the files that
they read. A line of a kind that nothing checks may not stand in the runbook.
"""

import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import celery.beat
import pytest
import redis
import yaml

from tests.monitoring.files import ROOT, RUNBOOK
from tests.monitoring.programs import run
from tests.services import HEALTH, METRICS
from tests.shipping.files import services

TEXT = RUNBOOK.read_text()
# Where a command says so, another one follows, which is one of its own.
PROGRAMS = {"mutt-dlq", "redis-cli"}


def blocks() -> list[str]:
    """Every line of the page that is to be typed as it stands."""
    found = re.findall(r"```\n(.*?)```", TEXT, re.DOTALL)
    return [line.strip() for block in found for line in block.splitlines() if line.strip()]


def spans() -> list[str]:
    """What is marked in the text, if it has several words: a command, or what something says."""
    found = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))
    return list(dict.fromkeys(span for span in found if " " in span))


# --- the kinds ---


def is_composes(words: list[str]) -> None:
    """`docker-compose VERB SERVICE [PROGRAM …]`."""
    verb, *rest = words
    names = [word for word in rest if not word.startswith("-")]
    assert verb in {"ps", "logs", "exec", "up", "restart", "start"}
    if verb == "exec":
        service, program = names[:2]
        assert program in PROGRAMS
        names = [service]
    assert set(names) <= services().keys()


def objects() -> list[dict[str, Any]]:
    """Every object that we ship for Kubernetes."""
    files = sorted((ROOT / "k8s").glob("*.yaml"))
    return [each for file in files for each in yaml.safe_load(file.read_text())["items"]]


def is_kubernetes(words: list[str]) -> None:
    """`kubectl VERB [KIND | deploy/NAME] -n NAMESPACE [-l LABEL=VALUE] [-c CONTAINER] [-- …]`."""
    before, _, after = " ".join(words).partition(" -- ")
    verb, *rest = before.split()
    given = dict(pairwise(rest))
    assert verb in {"get", "logs", "exec", "rollout"}
    assert not after or after.split()[0] in PROGRAMS
    assert given.get("-n") in {each["metadata"]["namespace"] for each in objects()}
    deployments = [each for each in objects() if each["kind"] == "Deployment"]
    if "-l" in given:
        label, _, value = given["-l"].partition("=")
        deployments = [each for each in deployments if _pods_of(each)["labels"].get(label) == value]
    for word in rest:
        if word.startswith("deploy/"):
            name = word.removeprefix("deploy/")
            deployments = [each for each in deployments if each["metadata"]["name"] == name]
    assert deployments
    if "-c" in given:
        named = {c["name"] for each in deployments for c in _spec_of(each)["containers"]}
        assert given["-c"] in named


def _pods_of(deployment: dict[str, Any]) -> dict[str, Any]:
    return dict(deployment["spec"]["template"]["metadata"])


def _spec_of(deployment: dict[str, Any]) -> dict[str, Any]:
    return dict(deployment["spec"]["template"]["spec"])


def is_systemds(words: list[str]) -> None:
    """`systemctl VERB UNIT…`."""
    verb, *units = words
    assert verb in {"status", "restart", "start"}
    _are_units(units)


def is_journals(words: list[str]) -> None:
    """`journalctl -u UNIT …`."""
    option, unit, *_ = words
    assert option == "-u"
    _are_units([unit])


def _are_units(names: list[str]) -> None:
    assert names
    assert all((ROOT / "systemd" / f"{name}.service").exists() for name in names)


def is_fetched(words: list[str]) -> None:
    """`curl …`: of a port at which tests/acceptance/test_alerts.py asks a running worker."""
    (url,) = (word for word in words if not word.startswith("-"))
    assert int(url.partition(":")[2].partition("/")[0]) in {METRICS, HEALTH}


def is_exported(words: list[str]) -> None:
    """`export NAME=VALUE`: of a variable that the command line reads."""
    (name, _, value) = " ".join(words).partition("=")
    assert value
    assert f'"{name}"' in (ROOT / "mutt_tasks" / "cli" / "actor.py").read_text()


def is_a_question_to_prometheus(span: str, folder: Path) -> None:
    """An expression."""
    rules = {"groups": [{"name": "a", "rules": [{"record": "b", "expr": span}]}]}
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump(rules))
    run("promtool", "check", "rules", file)


def is_said(span: str) -> bool:
    """Whether a program of ours, or Celery's beat, says this in its log."""
    ours = (file.read_text() for file in (ROOT / "mutt_tasks").rglob("*.py"))
    return any(span in text for text in (*ours, Path(str(celery.beat.__file__)).read_text()))


KINDS: dict[str, Callable[[list[str]], None]] = {
    "docker-compose": is_composes,
    "kubectl": is_kubernetes,
    "systemctl": is_systemds,
    "journalctl": is_journals,
    "curl": is_fetched,
    "export": is_exported,
}


# --- what stands in the page ---


def test_what_is_to_be_typed_as_it_stands_is_executed_by_a_test() -> None:
    """Those of tests/docs/test_runbook.py; and none hides behind a continued line."""
    assert len(blocks()) > 60
    for line in blocks():
        assert line.split()[0] in PROGRAMS
        assert not line.endswith("\\")


@pytest.mark.parametrize("span", spans())
def test_what_is_marked_in_the_text_is_there(
    span: str, client: redis.Redis, tmp_path: Path
) -> None:
    first, *rest = shlex.split(span)
    if first in PROGRAMS:
        return  # executed
    if first in KINDS:
        KINDS[first](rest)
    elif first in {"sum", "rate", "increase"}:
        is_a_question_to_prometheus(span, tmp_path)
    elif first.isupper():
        client.execute_command(first, *rest)  # type: ignore[no-untyped-call]
    else:
        assert is_said(span), f"nothing checks what this is: {span}"


@pytest.mark.parametrize(
    "wrong",
    [
        "docker-compose ps remedation",
        "docker-compose exec remediation mutt-dlg status",
        "kubectl get pods -n mut",
        "kubectl logs -n mutt -l component=remedy",
        "kubectl logs -n mutt -l component=remediation -c beet",
        "kubectl exec -n mutt deploy/mutt-worker -- mutt-dlq status",
        "systemctl restart mutt-remediation",
        "journalctl -u mutt-worker -n 50",
        "curl -s localhost:8080/ready",
        "export MUTT_ACTRESS=ann",
    ],
)
def test_what_is_not_there_is_found(wrong: str) -> None:
    first, *rest = shlex.split(wrong)
    with pytest.raises(AssertionError):
        KINDS[first](rest)
