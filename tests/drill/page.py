"""The page that the drill writes: how soon each alert fired, who was told what, when it ended."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tests.drill.record import Name, Seen
from tests.drill.world import Fault
from tests.monitoring.faster import FASTER, SHORTER, factor_of
from tests.monitoring.files import ROOT, RULES, SLO_RULES
from tests.monitoring.programs import program

PAGE = ROOT / "docs" / "alerts.md"

_HEAD = """# Alerts, as they were seen

Written by `make alerts`{commit}. Every alert of `monitoring/rules.yml` and
`monitoring/slo-rules.yml` was made to fire once. Real workers and beats, each on a Redis of its
own, were scraped every second by a real Prometheus ({prometheus}); a real Alertmanager
({alertmanager}) with `monitoring/alertmanager.yml` told a local receiver. Each fault was made, the
receiver was told, the fault was mended, and the receiver was told of the end. MUTT's own services
and Moogsoft are stand-ins. Beside them ran two workers with whom all was well (a first start, a
pause, a short backlog, a restart, counters that began anew, an empty queue): of those nobody was
told anything.

So that hours pass in minutes, every length of time in the rules (`for`, ranges, offsets) was
divided by {factor}, in MUTTRemediationDisabled by {more}, and Alertmanager waited for 1 s before it
told. Limits in seconds that stand in expressions:{limits}.

All seconds below are seconds of that run, from the fault or from its mending; *before* says that
an alert was over before anything was mended. *Waits* is the rule's own `for`, as it is and as it
was in the run; the rest is the worker's pace, the scrape, and ranges that have to fill, which do
not shrink alike.
"""

_COLUMNS = (
    "| alert | severity | the fault | waits (run) | fires after | told after |"
    " mended by | over after | told after | receiver, group |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)


def severity_of(alert: str) -> str:
    """The severity of an alert that has one only."""
    (found,) = {rule["labels"]["severity"] for rule in _rules() if rule["alert"] == alert}
    return str(found)


def severities() -> set[tuple[str, str]]:
    """Every alert with each severity that it has."""
    return {(rule["alert"], rule["labels"]["severity"]) for rule in _rules()}


def versions() -> dict[str, str]:
    """Of which version the programs are."""
    programs = {
        "prometheus": program("prometheus"),
        "alertmanager": program("prometheus-alertmanager", "alertmanager"),
    }
    told = {
        name: subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
        for name, path in programs.items()
    }
    return {
        name: (ended.stdout + ended.stderr)
        .partition("version ")[2]
        .split()[0]
        .split("+")[0]
        .rstrip(",")
        for name, ended in told.items()
    }


@dataclass(frozen=True)
class Row:
    """One alert of a fault that was `made` and `mended` at these moments (monotonic, seconds)."""

    fault: Fault
    name: Name
    made: float
    mended: float
    seen: Seen
    is_hidden: bool

    @property
    def cells(self) -> list[str]:
        """What the table says of it."""
        fired = next(at for at in self.seen.fired if at >= self.made)
        ended = self.seen.ended[-1]
        told = [at for at, _ in self.seen.told_since(self.made, "firing")]
        told_over = [at for at, _ in self.seen.told_since(self.made, "resolved")]
        return [
            *(self.name.alert, self.name.severity, self.fault.what, _waits(self.name)),
            _after(self.made, fired),
            _after(self.made, told[0]) if told else "–",
            self.fault.mended,
            _after(self.mended, ended),
            _after(self.mended, told_over[-1]) if told_over else "–",
            self._to_whom,
        ]

    @property
    def description(self) -> str:
        """What the receiver read."""
        found = self.seen.told_since(self.made, "firing")
        return found[0][1].description if found else "(not told)"

    @property
    def _to_whom(self) -> str:
        found = self.seen.told_since(self.made, "firing")
        if self.is_hidden or not found:
            return "hidden by what is worse"
        told = found[0][1]
        group = ", ".join(f"{key}={value}" for key, value in sorted(told.group.items()))
        return f"{told.receiver}: {group}"


def written(rows: Sequence[Row], versions: dict[str, str]) -> str:
    """The whole page."""
    ordered = sorted(rows, key=lambda row: row.name)
    limits = ";".join(
        f"\n`{usual}` of {alert} as `{short}`"
        for alert, pairs in SHORTER.items()
        for usual, short in pairs.items()
    )
    more = factor_of("MUTTRemediationDisabled")
    head = _HEAD.format(commit=_commit(), factor=FASTER, more=more, limits=limits, **versions)
    lines = ["| " + " | ".join(row.cells) + " |" for row in ordered]
    read = [f"| {row.name.alert} | {row.name.severity} | {row.description} |" for row in ordered]
    return (
        f"{head}\n{_COLUMNS}" + "\n".join(lines) + "\n\n## What the receiver read\n\n"
        "| alert | severity | description |\n|---|---|---|\n" + "\n".join(read) + "\n"
    )


def _after(since: float, moment: float) -> str:
    """How long after it; an alert may be over before anything is mended."""
    return f"{moment - since:.1f} s" if moment >= since else "before"


def _waits(name: Name) -> str:
    rule = next(
        rule
        for rule in _rules()
        if (rule["alert"], rule["labels"]["severity"]) == (name.alert, name.severity)
    )
    usual = rule.get("for", "0s")
    seconds = int(usual[:-1]) * {"s": 1, "m": 60, "h": 3600}[usual[-1]]
    return f"{usual} ({seconds / factor_of(name.alert):.1f} s)"


def _rules() -> list[dict[str, Any]]:
    groups = [
        group for file in (RULES, SLO_RULES) for group in yaml.safe_load(file.read_text())["groups"]
    ]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def _commit() -> str:
    """Of which commit it is, where git says so."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return f" at commit {ended.stdout.strip()}" if ended.returncode == 0 else ""
