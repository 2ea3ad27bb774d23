"""The variables of `mutt-notify`, which tells people what no metric carries."""

from dataclasses import dataclass
from typing import ClassVar

import mutt_tasks.settings.parsers as take
from mutt_tasks.core.addresses import Address, parse_addresses
from mutt_tasks.settings.variable import variable


@dataclass(frozen=True)
class Notify:
    """Whom `mutt-notify` tells, and how often. Times are in seconds."""

    title: ClassVar[str] = "Notifications (`mutt-notify`)"

    addresses: tuple[Address, ...] = variable(
        "NOTIFY_URLS",
        "",
        parse_addresses,
        "whom to tell: addresses as apprise takes them, with spaces or new lines between them, each"
        " with a name in front if wanted (`ops=mailto://… slack://…`); nobody when empty",
        secret=True,
    )
    wait: float = variable(
        "NOTIFY_WAIT",
        "30",
        take.number(0, 3600),
        "the first message of a kind waits this long for others of its kind",
        unit="s",
    )
    again: float = variable(
        "NOTIFY_AGAIN",
        "300",
        take.number(0, 86_400),
        "the next message of the same kind goes no sooner than this",
        unit="s",
    )
    repeat: float = variable(
        "NOTIFY_REPEAT",
        "14400",
        take.number(1, 30 * 86_400),
        "what lasts is told again after this, and nothing sooner",
        unit="s",
    )
    most_per_hour: int = variable(
        "NOTIFY_MOST_PER_HOUR",
        "12",
        take.whole(1, 3600),
        "what is due beyond this goes in one digest as soon as there is room",
        unit="messages for each target",
    )
    timeout: float = variable(
        "NOTIFY_TIMEOUT",
        "20",
        take.number(1, 120),
        "how long a target may take for a message, all in all",
        unit="s",
    )
    recovered_from: int = variable(
        "NOTIFY_RECOVERED_FROM",
        "10",
        take.whole(1, 1_000_000_000),
        "tell of a backlog that is gone if it was at least so many, or an outage held it",
        unit="messages",
    )
    pause_ends: float = variable(
        "NOTIFY_PAUSE_ENDS",
        "600",
        take.number(0, 86_400),
        "tell that a pause is about to end so long before it does, at most half of its length",
        unit="s",
    )
    console_url: str = variable(
        "CONSOLE_URL",
        "",
        take.public_url,
        "address of the console, for links in notifications; without it they name commands",
    )
    metrics_port: int = variable(
        "METRICS_PORT_NOTIFY", "8091", take.whole(1, 65_535), "`/metrics` of `mutt-notify`"
    )
    health_port: int = variable(
        "HEALTH_PORT_NOTIFY", "8092", take.whole(1, 65_535), "its `/health` and `/ready`"
    )
