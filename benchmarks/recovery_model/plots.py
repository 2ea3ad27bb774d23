"""docs/recovery.png."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from benchmarks.recovery_model.harm import ALL
from benchmarks.recovery_model.measures import Measures
from benchmarks.recovery_model.run import NONE, REPLAYING

SHOWN = (
    *("moogsoft-down", "alerter-down", "backlog", "outage"),
    *("shed-storm", "both-routes", "half-capacity", "outage-breaker-60"),
)
COLORS = {"ours": "#0072B2", "predecessor": "#999999", "fixed": "#E69F00", "at_once": "#D55E00"}

# A panel goes on for so many times the least possible time after the trouble.
PANEL_SPAN = 2.5


def backlog_curves(found: dict[tuple[str, str], Measures], path: Path) -> None:
    """The backlog over time, one panel a scenario, one curve a policy."""
    names = [name for name in SHOWN if (name, NONE) in found]
    figure, panels = plt.subplots(2, 4, figsize=(17, 7), squeeze=False)
    for panel, name in zip(panels.flat, names, strict=False):
        _panel(panel, name, found)
    for panel in panels.flat[len(names) :]:
        panel.set_visible(False)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _panel(panel: Any, name: str, found: dict[tuple[str, str], Measures]) -> None:
    scenario = ALL[name]
    end = scenario.trouble_to + PANEL_SPAN * max(found[name, NONE].least, 60.0)
    for policy in REPLAYING:
        if (name, policy) not in found:
            continue
        one = found[name, policy]
        points = list(one.depths)
        if points[-1][0] < end:
            points.append((end, one.good_left + one.odd_left))
        panel.plot(
            [at / 60 for at, _ in points],
            [depth for _, depth in points],
            label=policy,
            color=COLORS[policy],
            linewidth=2.2 if policy == "ours" else 1.4,
        )
    if scenario.trouble_to:
        panel.axvspan(
            scenario.trouble_from / 60, scenario.trouble_to / 60, color="#D55E00", alpha=0.08
        )
    text = "\n".join(
        f"{policy}: {run.live_lost + run.replays_dropped:,} lost"
        for policy in (*REPLAYING, NONE)
        if (run := found.get((name, policy)))
    )
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    panel.text(
        *(0.98, 0.9, text), transform=panel.transAxes, ha="right", va="top", fontsize=7, bbox=box
    )
    panel.set_title(name, fontsize=10)
    panel.set_xlabel("minutes")
    panel.set_ylabel("messages in the DLQs")
    panel.set_ylim(bottom=0)
    panel.set_xlim(0, end / 60)
    panel.grid(alpha=0.25)
