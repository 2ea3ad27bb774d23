"""Operators' jobs: entered, cancelled and ended, each in one step that is audited."""

from dataclasses import dataclass, replace

from mutt_tasks.core.audit import AuditEntry
from mutt_tasks.core.jobs import TRASHING, Counts, Job, State
from mutt_tasks.store import journal, keys
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.fields import paired, text
from mutt_tasks.store.job_fields import fields_of
from mutt_tasks.store.requests import REMEMBERED_MS, Request
from mutt_tasks.store.scripts import Scripts

_DAY = 86_400
# A job can be looked up for so long after its end, in seconds; a plan lives on for a quarter of an
# hour after each use, its frozen sets for as long as a job may take.
KEPT = 30 * _DAY
PLAN_MS, SETS_MS = 15 * 60 * 1000, 8 * _DAY * 1000


@dataclass(frozen=True)
class Ending:
    """How a job ends: its state, why, and the jobs whose trash that concerns.

    What lies there is removed at `removed_at` (seconds since 1970; None: nothing is left).
    """

    state: State
    counts: Counts
    why: str = ""
    trash_of: str = ""
    removed_at: float | None = None


class JobChanges:
    """Enter, cancel and end jobs."""

    def __init__(self, scripts: Scripts, audit: Audit) -> None:
        self._scripts = scripts
        self._audit = audit

    def submit(
        self, job: Job, etag: str, request: str, now: float, *, meant: str = ""
    ) -> tuple[str, str]:
        """Enter a job; returns what became of that, and the id of the job that was entered.

        `meant` says for the audit how its messages were chosen.

        That is `submitted`, `again` (with the job of an earlier try), `expired` or `changed`, which
        say that the plan is gone, or another one than that of this `etag`.
        """
        verb, count = job.verb.value, job.counts.planned
        audited = _audited(f"submit {verb}", job, count=count, outcome="submitted")
        audited = replace(audited, before=meant)
        told = journal.Submitted(job.id, verb, job.actor, job.reason, str(count))
        sets = [keys.plan_set(job.plan, source) for source in job.sources] if job.plan else []
        names = [
            *(keys.request("job", request), keys.job(job.id)),
            *(keys.JOBS, keys.ACTIVE_JOBS, keys.TRASH),
            *(keys.JOURNAL, keys.AUDIT, keys.AUDIT_HEAD),
            *([keys.plan(job.plan), *sets] if job.plan else []),
        ]
        arguments = [
            *(REMEMBERED_MS, job.id, f"{now:.3f}", etag),
            *(PLAN_MS, SETS_MS, journal.LENGTH, f"{now - KEPT:.0f}"),
            f"{now + KEPT:.0f}" if job.verb in TRASHING else "",
            *paired(fields_of(replace(job, created_at=now))),
            *paired(journal.fields_of(told)),
        ]
        answer = self._audit.written(
            audited, lambda entry: self._scripts.call("submit", names, [*arguments, *paired(entry)])
        )
        word, *found = (text(part) for part in answer)
        return word, found[0] if found else job.id

    def cancel(self, job: Job, request: Request) -> bool:
        """Have a job end where it is; False when it has ended, or is cancelled already."""
        audited = replace(
            _audited("cancel", job, count=job.counts.left, outcome="cancelled"),
            actor=request.actor,
            known_by=request.known_by,
            role=request.role,
            reason=request.reason,
        )
        told = journal.Cancelled(job.id, request.actor, request.reason)
        names = [
            *(keys.request("cancel", request.id), keys.job(job.id), keys.ACTIVE_JOBS),
            *(keys.JOURNAL, keys.AUDIT, keys.AUDIT_HEAD),
        ]
        arguments = [REMEMBERED_MS, job.id, journal.LENGTH, *paired(journal.fields_of(told))]
        answer = self._audit.written(
            audited, lambda entry: self._scripts.call("cancel", names, [*arguments, *paired(entry)])
        )
        return bool(answer[0] != b"over")

    def end(self, token: str, job: Job, ending: Ending, now: float) -> None:
        """End a job under the lease that holds `token`; raises LeaseLost."""
        counts, state, verb = ending.counts, ending.state.value, job.verb.value
        did = _described(counts)
        audited = _audited(f"end {verb}", job, count=counts.done, outcome=state)
        told = journal.JobEnded(job.id, verb, job.actor, state, did)
        fields = {
            "state": state,
            "ended_at": f"{now:.3f}",
            "why": ending.why,
            "gone": counts.gone,
            "skipped": counts.skipped,
        }
        names = [
            *(keys.LEASE, keys.job(job.id), keys.ACTIVE_JOBS, keys.TRASH),
            *(keys.JOURNAL, keys.AUDIT, keys.AUDIT_HEAD),
            *(keys.job_done(job.id, source) for source in job.sources),
            keys.job_edit(job.id),
        ]
        arguments = [
            *(token, job.id, KEPT * 1000, ending.trash_of),
            "" if ending.removed_at is None else f"{ending.removed_at:.0f}",
            journal.LENGTH,
            *paired(fields),
            *paired(journal.fields_of(told)),
        ]
        self._audit.written(
            replace(audited, after=did),
            lambda entry: self._scripts.call("end_job", names, [*arguments, *paired(entry)]),
        )


def _audited(verb: str, job: Job, *, count: int, outcome: str) -> AuditEntry:
    lists = ", ".join(f"{source} {number}" for source, number in job.sources.items())
    return AuditEntry(
        verb=verb,
        actor=job.actor,
        known_by=job.known_by,
        role=job.role,
        scope=f"{lists} to {job.destination}" if job.destination else lists,
        reason=job.reason,
        count=count,
        outcome=outcome,
        job=job.id,
    )


def _described(counts: Counts) -> str:
    """What a job did, in words."""
    parts = {"done": counts.done, "gone": counts.gone, "skipped": counts.skipped}
    told = [f"{amount} {word}" for word, amount in parts.items() if amount or word == "done"]
    return f"{', '.join(told)}, {counts.left} left"
