"""A stand-in for MUTT's alerter: turns events into alerts, or fails at them, or sheds them."""

import time
from contextlib import suppress
from typing import Any

from demo.backlog import RETIRED_DOMAIN, alert
from demo.consumer import Consumer
from mutt_tasks.redis_address import RedisAddress
from mutt_tasks.settings import Settings
from stand_ins import facts, runtime
from stand_ins.books import Losses
from stand_ins.runtime import RuntimeConfig


class Alerter(Consumer):
    """Gives up what fails too often, sheds while the alert queue is long, destroys what it must."""

    def __init__(self, address: RedisAddress, settings: Settings, losses: Losses) -> None:
        super().__init__("alerter", address, settings.ingest_queue, settings.alerter_dlq, losses)
        self._alerts = settings.alert_queue
        self._config = RuntimeConfig(self.client.get, time.monotonic)

    def held(self) -> float:
        """Shed one event, or only wait, while too many alerts wait."""
        depth: Any = self.client.llen(self._alerts)
        threshold = self._config.number(runtime.SHED_THRESHOLD, facts.SHED_THRESHOLD)
        if depth <= threshold:
            return 0.0
        mode = self._config.text(runtime.SHED_MODE, facts.SHED_TO_DLQ)
        if mode == facts.SHED_BY_DEFERRING:
            defer_ms = self._config.number(runtime.DEFER_MS, round(facts.DEFER_SECONDS * 1000))
            return defer_ms / 1000 + facts.AFTER_SHEDDING_SECONDS
        if mode != facts.SHED_TO_DLQ:
            return 0.0
        raw: Any = self.client.lmove(self.queue, self.processing, "RIGHT", "LEFT")
        if raw is not None:
            changed = None
            with suppress(facts.Destroyed, facts.Stranded):
                changed = facts.shed(facts.decoded(raw), depth, threshold)
            self.hand_on(raw, self.dlq, changed)
        return facts.AFTER_SHEDDING_SECONDS

    def handle(self, raw: bytes) -> None:
        """One event."""
        event = facts.decoded(raw)
        failed = facts.failures(event, facts.ALERTER_COUNT)
        if failed > facts.ALERTER_MAX_RETRIES:
            self.hand_on(raw, self.dlq)
        elif not facts.is_complete(event):
            raise facts.Destroyed("by the alerter, for a required field was missing or empty")
        elif str(event["hostname"]).endswith(RETIRED_DOMAIN):
            event[facts.ALERTER_COUNT] = failed + 1
            event["_last_error"] = {"type": "KeyError", "message": "host is not in the inventory"}
            self.hand_on(raw, self.queue, event)
        else:
            self.hand_on(raw, self._alerts, alert(event))
