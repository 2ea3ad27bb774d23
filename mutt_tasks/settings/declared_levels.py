"""The variables of the service levels."""

from dataclasses import dataclass
from typing import ClassVar

import mutt_tasks.settings.parsers as take
from mutt_tasks.settings.variable import variable


@dataclass(frozen=True)
class Levels:
    """Where service levels are reckoned from, and what is promised. Times are in seconds."""

    title: ClassVar[str] = "Service levels"

    file: str = variable(
        "SLO_FILE",
        "",
        take.text,
        "objectives of your own (`slo.yaml`; needs the `slo` extra); read by `mutt-dlq slo`",
    )
    recovered_within: float = variable(
        "SLO_RECOVERED_WITHIN",
        "900",
        take.number(1, 604_800),
        "a dead letter is to be back or set aside after so long with a healthy Moogsoft and no"
        " pause; read by the worker",
        unit="s",
    )
    prometheus_url: str = variable(
        "PROMETHEUS_URL",
        "",
        take.http_url,
        "Prometheus that scrapes us and MUTT: service levels come from it, those of the pipeline"
        " too; from what Redis holds when empty",
        secret=True,
    )
    prometheus_timeout: float = variable(
        "PROMETHEUS_TIMEOUT",
        "5",
        take.number(0.1, 60),
        "each question to it; all of them together take at most twice as long",
        unit="s",
    )
