"""A job as fields of its hash, and back."""

import json
from collections.abc import Mapping
from typing import Any

from mutt_tasks.core.access import OPERATOR
from mutt_tasks.core.jobs import Counts, Job, State
from mutt_tasks.core.plan import Verb
from mutt_tasks.store.fields import text, whole_number
from mutt_tasks.store.states import number

# In front of the names of a job's parts that are over.
OVER = "over:"
# In front of the names of the lists in which its messages lie at the old end.
GATHERED = "gathered:"


def fields_of(job: Job) -> dict[str, Any]:
    """A job that is entered, as fields."""
    return {
        "id": job.id,
        "verb": job.verb.value,
        "state": job.state.value,
        "actor": job.actor,
        "known_by": job.known_by,
        "role": job.role,
        "reason": job.reason,
        "plan": job.plan,
        "sources": json.dumps(dict(job.sources)),
        "planned": job.counts.planned,
        "destination": job.destination,
        "undoes": job.undoes,
        "edits": job.edits,
        "makes": job.makes,
        "stop_after": "" if job.stop_after is None else job.stop_after,
        "rate": "" if job.rate is None else job.rate,
        "created_at": f"{job.created_at:.3f}",
    }


def job_of(raw: Mapping[bytes, bytes], came_back: int) -> Job | None:
    """The job that a hash tells; None when it tells none that is known here."""
    found = {text(name): value for name, value in raw.items()}
    words = {name: text(value) for name, value in found.items()}
    try:
        verb, state = Verb(words.get("verb", "")), State(words.get("state", ""))
        sources = {str(name): int(n) for name, n in json.loads(words.get("sources", "{}")).items()}
    except (ValueError, TypeError, AttributeError):
        return None
    amounts = {n: whole_number(found.get(n)) for n in ("planned", "done", "gone", "skipped")}
    return Job(
        id=words.get("id", ""),
        verb=verb,
        state=state,
        actor=words.get("actor", ""),
        known_by=words.get("known_by", ""),
        reason=words.get("reason", ""),
        plan=words.get("plan", ""),
        sources=sources,
        counts=Counts(**{name: n or 0 for name, n in amounts.items()}, came_back=came_back),
        destination=words.get("destination", ""),
        undoes=words.get("undoes", ""),
        edits=words.get("edits", ""),
        makes=words.get("makes", ""),
        stop_after=whole_number(found.get("stop_after")),
        rate=number(found.get("rate")) or None,
        next_at=number(found.get("next_at")),
        over={
            name[len(OVER) :]: whole_number(refused) or 0
            for name, refused in found.items()
            if name.startswith(OVER)
        },
        gathered=frozenset(name[len(GATHERED) :] for name in found if name.startswith(GATHERED)),
        created_at=number(found.get("created_at")),
        started_at=number(found.get("started_at")),
        ended_at=number(found.get("ended_at")),
        why=words.get("why", ""),
        is_cancelled=words.get("cancel") == "1",
        role=words.get("role", OPERATOR),
    )
