"""The operator's pause: while it is in force, nothing is replayed."""

from dataclasses import dataclass

import redis

from mutt_tasks.store import journal, keys
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.fields import paired, text
from mutt_tasks.store.requests import REMEMBERED_MS, Request
from mutt_tasks.store.scripts import Scripts

# What a pause holds, as the audit calls it.
SCOPE = "all routes"


@dataclass(frozen=True)
class Pause:
    """Who paused, why, since when (ISO 8601), and for how many seconds more."""

    actor: str
    reason: str
    since: str
    seconds_left: float


class Pauses:
    """Look at the pause, begin one, end it."""

    def __init__(self, client: redis.Redis, scripts: Scripts, audit: Audit) -> None:
        self._client = client
        self._scripts = scripts
        self._audit = audit

    def current(self) -> Pause | None:
        """The pause that is in force, if there is one."""
        found, milliseconds = self._scripts.read(("HGETALL", keys.PAUSED), ("PTTL", keys.PAUSED))
        if not found:
            return None
        fields = dict(zip(found[::2], found[1::2], strict=True))
        return Pause(
            actor=text(fields.get(b"actor")) or "unknown",
            reason=text(fields.get(b"reason")),
            since=text(fields.get(b"since")),
            seconds_left=max(0, milliseconds) / 1000,
        )

    def pause(self, request: Request, seconds: float, since: str) -> None:
        """Hold every replay for `seconds`, from now (`since`, ISO 8601) on, and journal it."""
        entry = journal.Paused(request.actor, request.reason, f"{seconds:g}")
        pause = {"actor": request.actor, "reason": request.reason, "since": since}
        self._audit.written(
            request.entry("pause", SCOPE, after=f"paused for {seconds:g} s"),
            lambda audit: self._scripts.call(
                "pause",
                [
                    *(keys.request("pause", request.id), keys.PAUSED, keys.JOURNAL),
                    *(keys.AUDIT, keys.AUDIT_HEAD),
                ],
                [
                    *(REMEMBERED_MS, round(seconds * 1000), journal.LENGTH),
                    *paired(pause),
                    *paired(journal.fields_of(entry)),
                    *paired(audit),
                ],
            ),
        )

    def resume(self, request: Request) -> bool:
        """End the pause, and journal it; False when there was none."""
        answer = self._audit.written(
            request.entry("resume", SCOPE, before="paused"),
            lambda audit: self._scripts.call(
                "resume",
                [
                    *(keys.request("resume", request.id), keys.PAUSED, keys.JOURNAL),
                    *(keys.AUDIT, keys.AUDIT_HEAD),
                ],
                [
                    *(REMEMBERED_MS, journal.LENGTH),
                    *paired(journal.fields_of(journal.Resumed(request.actor))),
                    *paired(audit),
                ],
            ),
        )
        return bool(answer[0] == b"resumed")
