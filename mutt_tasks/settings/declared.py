"""Every environment variable, each declared by one field of one of the groups of Settings.

A field says its variable's name, default, what it accepts, unit and meaning; `.env.template` and
`docs/configuration.md` are written from these declarations, in their order.
"""

from dataclasses import dataclass
from typing import ClassVar

import mutt_tasks.settings.parsers as take
from mutt_tasks.core.addresses import secrets_of
from mutt_tasks.core.routes import Route, alerter_route, moog_route
from mutt_tasks.core.templates import Masks
from mutt_tasks.settings.declared_console import Console
from mutt_tasks.settings.declared_levels import Levels
from mutt_tasks.settings.declared_neighbours import Forwarder, Moogsoft, Redis
from mutt_tasks.settings.declared_notify import Notify
from mutt_tasks.settings.declared_pace import Lists, Pace
from mutt_tasks.settings.declared_telemetry import Telemetry
from mutt_tasks.settings.variable import secrets_in_url, variable, variables_of


@dataclass(frozen=True)
class Process:
    """How this process serves and logs."""

    title: ClassVar[str] = "Running"

    dynamic_config: bool = variable(
        "DYNAMIC_CONFIG_ENABLED",
        "false",
        take.boolean,
        "let `mutt:config:…` override four settings at once",
    )
    metrics_port: int = variable(
        "METRICS_PORT_REMEDIATION", "8086", take.whole(1, 65_535), "`/metrics`"
    )
    health_port: int = variable(
        "HEALTH_PORT_REMEDIATION", "8087", take.whole(1, 65_535), "`/health` and `/ready`"
    )
    listen_address: str = variable(
        "REMEDIATION_LISTEN_ADDRESS", "0.0.0.0", take.printable, "where both ports listen"
    )
    log_level: str = variable(
        "LOG_LEVEL", "INFO", take.choice("DEBUG", "INFO", "WARNING", "ERROR"), "least severe line"
    )
    log_json: bool = variable("LOG_JSON_ENABLED", "false", take.boolean, "one JSON object a line")
    masks: Masks = variable(
        "REMEDIATION_MASKS",
        "",
        take.masks,
        "what else `mutt-dlq groups` masks in texts, as `ticket=CHG[0-9]+ user=u[0-9]{5}`; ids of"
        " groups change with it",
    )
    pod_name: str = variable(
        "POD_NAME", "", take.text, "name of this process in logs and journal; else the host's name"
    )


@dataclass(frozen=True)
class Settings:
    """Everything that the environment decides, in groups."""

    pace: Pace
    lists: Lists
    moogsoft: Moogsoft
    forwarder: Forwarder
    redis: Redis
    process: Process
    console: Console
    telemetry: Telemetry
    levels: Levels
    notify: Notify

    @property
    def celery_broker(self) -> str:
        """Celery's broker URL."""
        return self.redis.broker_url or self.redis.address.broker_url()

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes that are turned on, in the order in which they are served."""
        lists, dead = self.lists, self.lists.dead_letter_queue
        known = {
            "alerter": alerter_route(lists.alerter_dlq, lists.ingest_queue, dead),
            "moog": moog_route(lists.moog_dlq, lists.alert_queue, dead),
        }
        return tuple(known[name] for name in lists.route_names)

    def secrets(self) -> frozenset[str]:
        """Every text that must never be shown."""
        moogsoft, redis = self.moogsoft, self.redis
        found = {moogsoft.api_key, moogsoft.password, redis.password, redis.address.password}
        found |= {redis.next_password, moogsoft.webhook_url, moogsoft.health_url, redis.broker_url}
        found.add(self.levels.prometheus_url)
        for url in (
            moogsoft.webhook_url,
            moogsoft.health_url,
            self.celery_broker,
            self.levels.prometheus_url,
        ):
            found |= secrets_in_url(url)
        found |= self.telemetry.secrets()
        for address in self.notify.addresses:
            found |= secrets_of(address)
        return frozenset(found - {""})


# Every variable by the path of its field (`pace.interval`), in order of declaration.
VARIABLES = variables_of(Settings)
