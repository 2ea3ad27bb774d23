"""Write `.env.template` and `docs/configuration.md` from the declarations in `mutt_tasks.settings`.

`make docs` runs it; a test fails when the files are not what it would write.
"""

import sys
from itertools import groupby
from pathlib import Path

from mutt_tasks.settings import RUNTIME_KEYS, VARIABLES
from mutt_tasks.settings.variable import FILE_SUFFIX, Variable

ROOT = Path(__file__).parent.parent

HEAD = f"""# Configuration

Every variable is read once, when a process starts, and checked: a value that cannot be used ends
the process with exit status 1 and one line that names the variable, what it got and what it takes.
An unknown `REMEDIATION_…` or `MOOG_…` variable gets a warning with the nearest known name. An empty
value counts as not set. *Secret* variables can come from a file instead: `NAME{FILE_SUFFIX}` holds
its path. *Also* gives another name for the same, that of MUTT's own services. Celery's own settings
are in `celeryconfig.py`.

This page and `.env.template` are written by `make docs` from `mutt_tasks/settings/`.
"""

RUNTIME = """
## At run time

With `DYNAMIC_CONFIG_ENABLED=true` these Redis strings override their variables from the next cycle
on, the interval within a second, without a restart. A value that cannot be used is reported in the
log and ignored; deleting the key goes back to the variable.

| key | overrides |
|---|---|
"""


def groups() -> list[tuple[str, list[Variable]]]:
    """The variables, by the group that they are declared in."""
    return [
        (name, list(found)) for name, found in groupby(VARIABLES.values(), lambda spec: spec.group)
    ]


def configuration_page() -> str:
    """`docs/configuration.md`."""
    lines = [HEAD]
    for group, specs in groups():
        lines += [f"## {group}\n", "| variable | default | unit | meaning |", "|---|---|---|---|"]
        for spec in specs:
            default = f"`{spec.default}`" if spec.default else "–"
            meaning = spec.meaning + (" *(secret)*" if spec.secret else "")
            meaning += "".join(f"; also `{alias}`" for alias in spec.aliases)
            lines.append(f"| `{spec.name}` | {default} | {spec.unit} | {meaning} |")
        lines.append("")
    runtime = [
        f"| `mutt:config:{key}` | `{VARIABLES[attribute].name}` |"
        for key, attribute in RUNTIME_KEYS.items()
    ]
    return "\n".join(lines).rstrip() + "\n" + RUNTIME + "\n".join(runtime) + "\n"


def env_template() -> str:
    """`.env.template`."""
    lines = [
        "# Copy to .env and set what differs from the default; docs/configuration.md says more.",
        "# Written by `make docs`.",
    ]
    for group, specs in groups():
        lines += ["", f"# --- {group} ---"]
        for spec in specs:
            unit = f" [{spec.unit}]" if spec.unit else ""
            secret = f" (or {spec.name}{FILE_SUFFIX})" if spec.secret else ""
            also = "".join(f"; also {alias}" for alias in spec.aliases)
            lines.append(f"# {spec.meaning}{unit}{secret}{also}".replace("`", ""))
            lines.append(f"#{spec.name}={spec.default}")
    lines += ["", "# --- Flower (read by it, not by mutt_tasks) ---"]
    lines += ["# who may log in: user:password (secret); nobody while it is empty"]
    lines += ["#FLOWER_BASIC_AUTH="]
    lines += ["", "# --- Grafana (read by it, not by mutt_tasks) ---"]
    lines += ["# password of its user admin (secret); nobody gets in while it is empty"]
    lines += ["#GRAFANA_ADMIN_PASSWORD="]
    lines += ["", "# --- Compose (read by it, not by mutt_tasks) ---"]
    lines += [
        "# folder of this host that the containers see as /run/mutt: certificates, secret files"
    ]
    lines += ["#FILES_FOLDER="]
    return "\n".join(lines) + "\n"


PAGES = {"docs/configuration.md": configuration_page, ".env.template": env_template}


def main() -> int:
    """Write both files."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
