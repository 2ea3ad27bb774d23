"""What has happened since the last look, as causes: the outbox of the notifier.

Nobody writes to it. It is what every change writes anyway, in the same step: journal, counters, the
jobs, the pause, the dead letter list. So there is no change without its news, and none twice.
"""

from dataclasses import replace

from mutt_tasks.core.breaker import BREAKER_OPEN
from mutt_tasks.core.causes import Cause, Kind
from mutt_tasks.core.jobs import ACTIVE, Job
from mutt_tasks.core.knowledge import Knowledge, Reading
from mutt_tasks.core.limits import BACKOFF
from mutt_tasks.core.moments import iso, moment_of
from mutt_tasks.core.recovery import Books, Recovered, follow
from mutt_tasks.core.redaction import text_redacted
from mutt_tasks.notify.dead import DeadLetters
from mutt_tasks.operations import reasons
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.status import span
from mutt_tasks.store.journal import CycleEnded, Entry, JobEnded
from mutt_tasks.store.notices import Happened

# At the very first look the last ten minutes are news, in seconds.
FIRST_SECONDS = 600.0
# What nobody could be told of for so long is given up, in seconds; and so are the oldest beyond
# this number.
KEPT_SECONDS, MOST_CAUSES = 7 * 86_400.0, 1_000
# Acknowledgements are looked up no more often than this, in seconds.
_ACK_SECONDS = 5.0
_PAGE, _PAGES = 500, 20
# Jobs that may have ended unseen, when the journal was trimmed before it was read.
_MOST_JOBS = 200
# Holds that make even a small backlog worth telling.
_TROUBLE = frozenset({"unhealthy", BREAKER_OPEN, BACKOFF})


class News:
    """Reads what has happened."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._store, self._settings = looker.store, looker.settings
        self._dead = DeadLetters(looker)
        self._acks_at = 0.0
        self._held: tuple[str, ...] = ()

    def look(self, known: Knowledge) -> Knowledge:
        """What is known after another look; raises StoreError."""
        is_first = not known.looked_at
        seen, known = self._read(known, is_first=is_first)
        if seen.is_last:
            known = self._with_recovery(known, seen, is_first=is_first)
        known = self._with_pause(known, seen)
        known = self._dead.look(known, seen, is_first=is_first)
        known = self._with_acknowledgements(known, seen.now)
        return _bounded(replace(known, looked_at=seen.now), seen.now)

    def _read(self, known: Knowledge, *, is_first: bool) -> tuple[Happened, Knowledge]:
        """The journal up to its end, or a good part of the way, and the jobs that it tells of."""
        routes = {route.name: route.source for route in self._settings.routes}
        last = known.reading.journal
        if is_first:
            last = f"{(self._store.now() - FIRST_SECONDS) * 1000:.0f}-0"
        for page in range(_PAGES):
            seen = self._store.notices.happened(
                last, _PAGE, routes, self._settings.lists.dead_letter_queue
            )
            for entry_id, entry in seen.entries:
                known = self._with_entry(known, entry, int(entry_id.partition("-")[0]) / 1000)
            if page == 0 and not is_first and not seen.has_all:
                known = self._with_jobs_since(known, known.looked_at)
            last = seen.last
            if seen.is_last:
                break
        return seen, replace(known, reading=replace(known.reading, journal=last))

    def _with_entry(self, known: Knowledge, entry: Entry, at: float) -> Knowledge:
        if isinstance(entry, JobEnded):
            job = self._store.jobs.get(entry.job)
            return _with(known, self._job(job, entry, at))
        if isinstance(entry, CycleEnded):
            told = (shown.partition(" ")[2] for shown in entry.routes.values())
            held = [reason for reason in told if reason in reasons.LASTING]
            self._held = tuple(dict.fromkeys((*self._held, *held)))
        return known

    def _with_jobs_since(self, known: Knowledge, since: float) -> Knowledge:
        for job in self._store.jobs.listed(_MOST_JOBS) or ():
            is_known = _key_of(job.id) in known.causes
            if job.state not in ACTIVE and job.ended_at > since and not is_known:
                did = f"{job.counts.done} done, {job.counts.left} left"
                told = JobEnded(job.id, job.verb.value, job.actor, job.state.value, did)
                known = _with(known, self._job(job, told, job.ended_at))
        return known

    def _job(self, job: Job | None, told: JobEnded, at: float) -> Cause:
        facts = {
            "name": told.job,
            "verb": told.verb,
            "by": self._said(told.by),
            "state": told.state,
            "did": told.did,
            "why": self._said(job.reason) if job else "",
            "took": span(max(0.0, at - job.created_at)) if job else "an unknown time",
        }
        count = job.counts.done if job else 0
        return Cause(_key_of(told.job), Kind.JOB, at, count, last_at=at, ended_at=at, facts=facts)

    def _with_recovery(self, known: Knowledge, seen: Happened, *, is_first: bool) -> Knowledge:
        now = Books(seen.now, seen.replayed, seen.bounced, seen.quarantined, seen.waiting)
        before = now if is_first else known.reading.books
        backlog, gone = follow(known.reading.backlog, before, now, self._held)
        self._held = ()
        known = replace(known, reading=replace(known.reading, books=now, backlog=backlog))
        return _with(known, self._recovered(gone)) if gone and self._is_told(gone) else known

    def _is_told(self, gone: Recovered) -> bool:
        moved = gone.back + gone.dead
        is_many = moved >= self._settings.notify.recovered_from
        return moved > 0 and (is_many or not _TROUBLE.isdisjoint(gone.held))

    def _recovered(self, gone: Recovered) -> Cause:
        took = span(gone.ended_at - gone.began_at)
        facts = {
            "what": f"{gone.back:,} back, {gone.dead:,} dead, in {took}",
            "dead": str(gone.dead),
            "from": iso(gone.began_at),
            "held": reasons.in_words(gone.held),
        }
        at = gone.ended_at
        key = f"{Kind.RECOVERED.value}:{gone.began_at:.0f}"
        return Cause(key, Kind.RECOVERED, at, gone.back, last_at=at, ended_at=at, facts=facts)

    def _with_pause(self, known: Knowledge, seen: Happened) -> Knowledge:
        """The knowledge with a pause that is about to end, and without those that are over."""
        pause, current = self._store.pauses.current(), ""
        if pause is not None and pause.seconds_left > 0:
            end = seen.now + pause.seconds_left
            length = max(0.0, end - (moment_of(pause.since) or seen.now))
            at = end - min(self._settings.notify.pause_ends, length / 2)
            current = f"{Kind.PAUSE.value}:{pause.since}"
            if at <= seen.now and current not in known.causes:
                facts = {
                    "name": f"the pause of {self._said(pause.actor)}",
                    "by": self._said(pause.actor),
                    "why": self._said(pause.reason),
                    "since": pause.since,
                    "until": iso(end),
                }
                cause = Cause(current, Kind.PAUSE, at, seen.waiting, last_at=at, facts=facts)
                known = _with(known, cause)
        over = [
            replace(cause, ended_at=seen.now)
            for cause in known.causes.values()
            if cause.kind is Kind.PAUSE and cause.is_open and cause.key != current
        ]
        for cause in over:
            known = _with(known, cause)
        return known

    def _with_acknowledgements(self, known: Knowledge, now: float) -> Knowledge:
        dead = {c.facts["name"]: c for c in known.causes.values() if c.kind is Kind.DEAD}
        if not dead or now - self._acks_at < _ACK_SECONDS:
            return known
        self._acks_at = now
        remarks = self._store.notes.of(dead)
        for group, cause in dead.items():
            ack = remarks[group].acknowledged if group in remarks else None
            until = (moment_of(ack.until) or 0.0) if ack else 0.0
            # One that was taken back counts no more; one that is over did while it lasted.
            if until or cause.quiet_until > now:
                known = _with(known, replace(cause, quiet_until=until))
        return known

    def _said(self, text: str) -> str:
        """What somebody typed, as it may be told to others."""
        shown = text_redacted(text, self._looker.hints)[:200]
        return "".join(char if char.isprintable() else " " for char in shown)


def _key_of(job: str) -> str:
    return f"{Kind.JOB.value}:{job}"


def _with(known: Knowledge, cause: Cause) -> Knowledge:
    return replace(known, causes={**known.causes, cause.key: cause})


def _bounded(known: Knowledge, now: float) -> Knowledge:
    """The knowledge without what nobody could be told of for too long, or that is too much."""
    causes = {
        key: cause
        for key, cause in known.causes.items()
        if cause.is_open or now - cause.last_at < KEPT_SECONDS
    }
    for key in list(causes)[: max(0, len(causes) - MOST_CAUSES)]:
        del causes[key]
    dropped = len(known.causes) - len(causes)
    if not dropped:
        return known
    reading: Reading = known.reading
    return replace(
        known, causes=causes, reading=replace(reading, dropped=reading.dropped + dropped)
    )
