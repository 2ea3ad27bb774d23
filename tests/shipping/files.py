"""The files that ship the program, read as Docker, Compose and Kubernetes read them."""

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from mutt_tasks.settings import VARIABLES
from mutt_tasks.settings.variable import known_names

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
KUBERNETES = ROOT / "k8s" / "remediation-deployment.yaml"
PROMETHEUS = ROOT / "monitoring" / "prometheus.yml"

SETTINGS = frozenset(spec.name for spec in VARIABLES.values())
KNOWN = known_names(VARIABLES.values())
SECRETS = frozenset(name for spec in VARIABLES.values() if spec.secret for name in spec.names)


def default_of(name: str) -> str:
    """The default of a setting, as text."""
    return next(spec.default for spec in VARIABLES.values() if spec.name == name)


# --- Dockerfile ---


@cache
def instructions() -> tuple[tuple[str, str], ...]:
    """The Dockerfile's instructions: (word, rest), continued lines joined, no comments."""
    text = "\n".join(
        line
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if not line.lstrip().startswith("#")
    )
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    pairs = (line.strip().partition(" ") for line in lines if line.strip())
    return tuple((word, rest.strip()) for word, _, rest in pairs)


@cache
def stages() -> dict[str, tuple[tuple[str, str], ...]]:
    """The instructions of each stage by its name; the last one has none, the empty text."""
    found: dict[str, list[tuple[str, str]]] = {}
    name = None
    for word, rest in instructions():
        if word == "FROM":
            name = rest.partition(" AS ")[2]
            found[name] = []
        if name is not None:
            found[name].append((word, rest))
    return {name: tuple(pairs) for name, pairs in found.items()}


def last(word: str) -> str:
    """What stands after the last such instruction: that of the image itself."""
    return [rest for name, rest in instructions() if name == word][-1]


def health_command() -> list[str]:
    """The command of the image's HEALTHCHECK."""
    command: list[str] = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    return command


def is_ignored(path: str) -> bool:
    """Whether `.dockerignore` keeps a path out of the build: the last pattern that fits decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern = line.strip()
            if _fits(path, pattern.removeprefix("!")):
                ignored = not pattern.startswith("!")
    return ignored


def _fits(path: str, pattern: str) -> bool:
    """Whether a pattern fits the path or a folder above it; `*` stays within one name."""
    here = PurePosixPath(path)
    wanted = PurePosixPath(pattern).parts
    for place in (here, *here.parents):
        parts = place.parts
        if wanted[0] == "**":
            parts = ("**", *parts[len(parts) + 1 - len(wanted) :])
        if len(parts) == len(wanted) and all(map(fnmatch, parts, wanted)):
            return True
    return False


# --- Compose ---


@cache
def services() -> dict[str, dict[str, Any]]:
    """Compose's services, anchors resolved."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def interpolated(text: str, env: Mapping[str, str]) -> str:
    """The text with `${NAME}` and `${NAME:-default}` filled in, from the inside out."""
    text = text.replace("$$", "\0")

    def value(match: re.Match[str]) -> str:
        return env.get(match[1], "").replace("$", "\0") or match[2] or ""

    while (filled := re.sub(r"\$\{(\w+)(?::-([^${}]*))?\}", value, text)) != text:
        text = filled
    assert "$" not in text, f"not understood: {text}"
    return text.replace("\0", "$")


def environment_of(service: str, env: Mapping[str, str]) -> dict[str, str]:
    """What a service's container gets when Compose runs with `env` (shell and .env together)."""
    found: dict[str, str | None] = services()[service].get("environment", {})
    given = {name: env.get(name) if text is None else text for name, text in found.items()}
    return {name: interpolated(text, env) for name, text in given.items() if text is not None}


# --- .env.template ---


def template(*, as_copied: bool) -> dict[str, str]:
    """`.env.template` as it comes, or with every example in it taken up."""
    line = r"^(\w+)=(.*)$" if as_copied else r"^#?(\w+)=(.*)$"
    return dict(re.findall(line, (ROOT / ".env.template").read_text(), re.MULTILINE))


# --- Kubernetes ---

KINDS = {
    **dict.fromkeys(("configMapRef", "configMapKeyRef"), "ConfigMap"),
    **dict.fromkeys(("secretRef", "secretKeyRef"), "Secret"),
}


@cache
def manifests() -> tuple[dict[str, Any], ...]:
    """Every object of the manifest."""
    found = yaml.safe_load(KUBERNETES.read_text())
    assert (found["apiVersion"], found["kind"]) == ("v1", "List")
    return tuple(found["items"])


def manifest(kind: str) -> dict[str, Any]:
    """The only object of its kind."""
    (found,) = (each for each in manifests() if each["kind"] == kind)
    return found


def pod() -> dict[str, Any]:
    """The pod, in which both programs run."""
    found: dict[str, Any] = manifest("Deployment")["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    """The container of the worker (`remediation`) or of `beat`."""
    (found,) = (each for each in pod()["containers"] if each["name"] == name)
    assert isinstance(found, dict)
    return found


def container_environment(
    name: str, objects: Mapping[tuple[str, str], Mapping[str, str]]
) -> dict[str, str]:
    """What a container gets when these ConfigMaps and Secrets, by kind and name, are there.

    As the kubelet does it: the sources in turn, a later one winning, then the single variables. A
    key that is no name of a variable comes by no source.
    """
    found: dict[str, str] = {}
    for source in container(name)["envFrom"]:
        (way, reference), *_ = source.items()
        held = objects.get((KINDS[way], reference["name"]))
        assert held is not None or reference.get("optional"), reference
        found |= {key: text for key, text in (held or {}).items() if re.fullmatch(r"\w+", key)}
    for entry in container(name)["env"]:
        (way, reference), *_ = entry["valueFrom"].items()
        held = objects.get((KINDS.get(way, way), reference.get("name", "")), {})
        if reference.get("key") in held:
            found[entry["name"]] = held[reference["key"]]
        else:
            assert way == "fieldRef" or reference["optional"], reference
    return found
