"""A stand-in for MUTT's alerter at work on a Redis."""

import time
from typing import Any

from demo.backlog import RETIRED_DOMAIN, alert
from demo.consumer import Consumer
from mutt_tasks.settings import Settings
from mutt_tasks.settings.redis_address import RedisAddress
from stand_ins import alerter
from stand_ins.alerter import Event, Fate
from stand_ins.books import Losses
from stand_ins.runtime import RuntimeConfig


class Alerter(Consumer):
    """Gives up what fails too often, sheds while the alert queue is long, destroys what it must."""

    def __init__(self, address: RedisAddress, settings: Settings, losses: Losses) -> None:
        super().__init__(
            "alerter", address, settings.lists.ingest_queue, settings.lists.alerter_dlq, losses
        )
        self._alerts = settings.lists.alert_queue
        self._config = RuntimeConfig(self.client.get, time.monotonic)

    def held(self) -> float:
        """Shed one event, or only wait, while too many alerts wait."""
        depth: Any = self.client.llen(self._alerts)
        pressure = alerter.pressure(depth, self._config)
        if pressure is None:
            return 0.0
        if pressure.sheds:
            raw: Any = self.client.lmove(self.queue, self.processing, "RIGHT", "LEFT")
            if raw is not None:
                self.hand_on(raw, self.dlq, pressure.shed(raw))
        return pressure.seconds

    def handle(self, raw: bytes) -> None:
        """One event."""
        step = alerter.step(raw, _is_retired)
        match step.fate:
            case Fate.GIVEN_UP:
                self.hand_on(raw, self.dlq)
            case Fate.DESTROYED:
                self.destroy(raw, f"by the alerter, {step.why}")
            case Fate.STRANDED:
                self.strand()
            case Fate.TRIED_AGAIN:
                self.hand_on(raw, self.queue, step.event)
            case Fate.FORWARDED:
                self.hand_on(raw, self._alerts, alert(step.event))
            case Fate.ENDED:
                self.done(raw)


def _is_retired(event: Event) -> bool:
    return str(event["hostname"]).endswith(RETIRED_DOMAIN)
