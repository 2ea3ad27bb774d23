"""The environment and the pipeline's runtime configuration, read into Settings."""

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_type_hints

from mutt_tasks.errors import SettingsError
from mutt_tasks.settings.checks import contradictions, unreadable
from mutt_tasks.settings.declared import VARIABLES, Settings
from mutt_tasks.settings.variable import read

# Key of the pipeline's runtime configuration (`mutt:config:<key>`) -> the field that it overrides.
RUNTIME_KEYS = {
    "remediation_enabled": "pace.enabled",
    "remediation_interval": "pace.interval",
    "remediation_batch_size": "pace.batch_size",
    "max_poison_retries": "pace.max_poison_retries",
}


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment; a process without `POD_NAME` is named after its host.

    Raises SettingsError with one line for each variable that is not usable.
    """
    env = os.environ if env is None else env
    values, problems = read(VARIABLES, env)
    if problems:
        raise SettingsError(problems)
    settings = _with_batch_sizes_agreed(_grouped(values), env)
    problems = [*unreadable(settings, env), *contradictions(settings)]
    if problems:
        raise SettingsError(problems)
    return _with(settings, "process.pod_name", settings.process.pod_name or socket.gethostname())


def of_the_log(env: Mapping[str, str] | None = None) -> tuple[bool, str, str]:
    """Whether lines are JSON, and the service's and the process' name, of any environment.

    So that what is wrong with an environment can be said as it wants to have it said.
    """
    env = os.environ if env is None else env
    paths = ("process.log_json", "telemetry.service", "process.pod_name")
    found, _ = read({path: VARIABLES[path] for path in paths}, env)
    as_json, service, pod_name = (found.get(path) for path in paths)
    return bool(as_json), str(service), str(pod_name) or socket.gethostname()


def overridden(
    settings: Settings, runtime: Mapping[str, bytes]
) -> tuple[Settings, tuple[str, ...]]:
    """The settings with runtime configuration applied, and one line for each value ignored.

    `runtime` maps keys of RUNTIME_KEYS to what stands there.
    """
    problems = []
    for name, raw in runtime.items():
        path = RUNTIME_KEYS[name]
        value_text = raw.decode("utf-8", "replace").strip()
        try:
            value = VARIABLES[path].parse(value_text)
        except ValueError as accepted:
            problems.append(
                f"mutt:config:{name}: got {value_text[:60]!r}, accepts {accepted}; ignored"
            )
            continue
        settings = _with(settings, path, value)
    # A canary larger than the largest batch is a batch of the largest size.
    batch_size = min(settings.pace.batch_size, settings.pace.max_batch_size)
    return _with(settings, "pace.batch_size", batch_size), tuple(problems)


def _grouped(values: Mapping[str, Any]) -> Settings:
    """Settings from the value of each path of VARIABLES."""
    groups: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        group, _, field = path.partition(".")
        groups.setdefault(group, {})[field] = value
    types = get_type_hints(Settings)
    return Settings(**{name: types[name](**fields) for name, fields in groups.items()})


def _with(settings: Settings, path: str, value: object) -> Settings:
    """The same settings but for one field."""
    name, _, field = path.partition(".")
    group: Any = getattr(settings, name)
    return replace(settings, **{name: replace(group, **{field: value})})


def _with_batch_sizes_agreed(settings: Settings, env: Mapping[str, str]) -> Settings:
    """Of the canary and the largest batch, the one that is not given follows the one that is."""
    pace = settings.pace
    if not env.get("REMEDIATION_MAX_BATCH_SIZE", "").strip():
        largest = max(pace.max_batch_size, pace.batch_size)
        return _with(settings, "pace.max_batch_size", largest)
    if not env.get("REMEDIATION_BATCH_SIZE", "").strip():
        canary = min(pace.batch_size, pace.max_batch_size)
        return _with(settings, "pace.batch_size", canary)
    return settings
