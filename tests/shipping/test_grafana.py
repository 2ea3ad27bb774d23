"""Compose's Grafana finds its dashboards and their Prometheus, and lets in nobody by itself."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.shipping.files import ROOT, interpolated, services

FOLDER = ROOT / "monitoring" / "grafana" / "provisioning"


def grafana() -> dict[str, Any]:
    return services()["grafana"]


def mounted(path: str) -> Path:
    """What of this repository lies there in the container."""
    for volume in grafana()["volumes"]:
        source, target, mode = volume.split(":")
        if path == target or path.startswith(target + "/"):
            assert mode == "ro"
            return Path(ROOT, source, path.removeprefix(target).lstrip("/"))
    raise AssertionError(path)


def password(tmp_path: Path, given: str) -> str:
    """What Grafana gets as its administrator's password when GRAFANA_ADMIN_PASSWORD is this."""
    program = tmp_path / "run.sh"
    program.write_text('#!/bin/sh\nprintf "%s" "$GF_SECURITY_ADMIN_PASSWORD"')
    program.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "GRAFANA_ADMIN_PASSWORD": given}
    entry = [interpolated(word, {}) for word in grafana()["entrypoint"]]
    command = [word.replace("exec /run.sh", f"exec {program}") for word in entry]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout


def test_who_has_the_password_gets_in(tmp_path: Path) -> None:
    assert password(tmp_path, "a s$cret word") == "a s$cret word"


def test_without_a_password_nobody_gets_in(tmp_path: Path) -> None:
    first, second = password(tmp_path, ""), password(tmp_path, "")

    assert len(first) > 40
    assert first != second


def test_the_dashboards_are_where_it_looks_for_them() -> None:
    (provider,) = yaml.safe_load((FOLDER / "dashboards" / "mutt.yml").read_text())["providers"]
    folder = mounted(provider["options"]["path"])

    assert {file.name for file in folder.glob("*.json")} == {
        "overview.json",
        "route.json",
        "celery_tasks.json",
    }
    home = grafana()["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted(home) == folder / "overview.json"
    assert mounted("/etc/grafana/provisioning") == FOLDER
    assert not provider["allowUiUpdates"]


def test_their_numbers_come_from_composes_prometheus() -> None:
    file = FOLDER / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(file.read_text())["datasources"]
    (published,) = services()["prometheus"]["ports"]

    assert source["type"] == "prometheus"
    assert source["url"] == f"http://prometheus:{published.rpartition(':')[2]}"
    assert source["isDefault"]
    scraped = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]


def test_the_runbook_is_where_the_dashboards_links_lead() -> None:
    assert mounted("/usr/share/grafana/public/mutt") == ROOT / "docs"


def test_it_asks_nobody_on_the_internet() -> None:
    env = grafana()["environment"]

    asked = ("REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES")
    assert {env[f"GF_ANALYTICS_{name}"] for name in asked} == {"false"}
    assert env["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
