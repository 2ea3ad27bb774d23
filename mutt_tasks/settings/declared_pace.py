"""The variables of pace and lists: how fast messages are replayed, and where they lie."""

from dataclasses import dataclass
from typing import ClassVar

import mutt_tasks.settings.parsers as take
from mutt_tasks.settings.variable import variable


@dataclass(frozen=True)
class Pace:
    """How fast, how much, and how often messages are replayed. Times are in seconds."""

    title: ClassVar[str] = "Pace and limits"

    enabled: bool = variable("REMEDIATION_ENABLED", "true", take.boolean, "replay at all")
    interval: float = variable(
        "REMEDIATION_INTERVAL", "300", take.number(0.5, 86_400), "between two beat ticks", unit="s"
    )
    batch_size: int = variable(
        "REMEDIATION_BATCH_SIZE",
        "10",
        take.whole(1, 100_000),
        "first (canary) batch; doubles while what is sent sticks",
        unit="messages",
    )
    max_batch_size: int = variable(
        "REMEDIATION_MAX_BATCH_SIZE",
        "1000",
        take.whole(1, 100_000),
        "no batch holds more; REMEDIATION_BATCH_SIZE when that is larger and this is not set",
        unit="messages",
    )
    drain: bool = variable(
        "REMEDIATION_DRAIN",
        "true",
        take.boolean,
        "go on by itself while there is work; false: exactly one batch per tick",
    )
    drain_interval: float = variable(
        "REMEDIATION_DRAIN_INTERVAL",
        "1",
        take.number(0, 60),
        "from batch to batch of a drain; a batch is spread over it",
        unit="s",
    )
    max_rate: float | None = variable(
        "REMEDIATION_MAX_RATE",
        "auto",
        take.rate,
        "fastest replay, all routes together; `auto`: what the forwarder's limiter has room for;"
        " 0: no limit, whatever the limiter has room for",
        unit="messages/s",
    )
    high_water: int = variable(
        "REMEDIATION_HIGH_WATER",
        "1000",
        take.whole(1, 1_000_000_000),
        "a target that holds this many gets no replays (high-water mark)",
        unit="messages",
    )
    retry_backoff: float = variable(
        "REMEDIATION_RETRY_BACKOFF",
        "60",
        take.number(0, 3600),
        "backoff of a message after its first replay, and of a route in an outage; doubles to at"
        " most an hour; 0: none (1 s for a route)",
        unit="s",
    )
    max_age: float = variable(
        "REMEDIATION_MAX_AGE",
        "0",
        take.number(0, 3_153_600_000),
        "older events go to the dead letter list as `stale`; 0: no limit",
        unit="s",
    )
    suspect_wait: float = variable(
        "REMEDIATION_SUSPECT_WAIT",
        "3600",
        take.number(0, 604_800),
        "an alert that failed while others passed waits this long for live traffic that can bear"
        " another try, then goes to the dead letter list as `suspect`; 0: at once",
        unit="s",
    )
    shelter: bool = variable(
        "REMEDIATION_SHELTER",
        "true",
        take.boolean,
        "while the forwarder cannot deliver, move what it could not take at once out of its queue"
        " into its dead letter queue (needs route `moog`, drains, and a limit on the rate)",
    )
    max_poison_retries: int = variable(
        "MAX_POISON_RETRIES",
        "3",
        take.whole(1, 1000),
        "replays before a message counts as poison",
        unit="replays",
    )


@dataclass(frozen=True)
class Lists:
    """The routes that are served, and the names of the Redis lists."""

    title: ClassVar[str] = "Lists"

    route_names: tuple[str, ...] = variable(
        "REMEDIATION_ROUTES",
        "alerter,moog",
        take.subset("alerter", "moog"),
        "which queues to serve",
    )
    alerter_dlq: str = variable(
        "ALERTER_DLQ_NAME", "mutt:dlq:alerter", take.printable, "source of route `alerter`"
    )
    ingest_queue: str = variable(
        "INGEST_QUEUE_NAME", "mutt:ingest_queue", take.printable, "target of route `alerter`"
    )
    moog_dlq: str = variable(
        "MOOG_DLQ_NAME", "mutt:dlq:moog", take.printable, "source of route `moog`"
    )
    alert_queue: str = variable(
        "ALERT_QUEUE_NAME", "mutt:alert_queue", take.printable, "target of route `moog`"
    )
    dead_letter_queue: str = variable(
        "DEAD_LETTER_QUEUE", "mutt:dlq:dead", take.printable, "terminal dead letter list"
    )
    redirect_queues: tuple[str, ...] = variable(
        "REMEDIATION_REDIRECT_QUEUES",
        "",
        take.names,
        "to which lists operators may redirect messages, with commas between them",
    )
    dead_retention: float = variable(
        "REMEDIATION_DEAD_RETENTION",
        "0",
        take.number(0, 36_500),
        "older dead letters are exported to REMEDIATION_EXPORT_FOLDER, then removed; 0: never",
        unit="days",
    )
    export_folder: str = variable(
        "REMEDIATION_EXPORT_FOLDER",
        "",
        take.text,
        "folder for what REMEDIATION_DEAD_RETENTION exports: JSON lines, gzipped, with credentials",
    )
