"""Make a plan: look at all messages that are meant, and freeze exactly this set."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

from mutt_tasks.core.cursor import Cursor
from mutt_tasks.core.frozen import WIDTH, FrozenSet
from mutt_tasks.core.identity import Numbering, digest_bytes
from mutt_tasks.core.plan import PLANNED, Plan, Verb, etag_of, why_skipped
from mutt_tasks.core.policy import Policy
from mutt_tasks.errors import InvalidArgument, NotFound, Refused, SetChanged
from mutt_tasks.operations import looking, sources
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.picking import pick
from mutt_tasks.operations.sources import DEAD, Source
from mutt_tasks.operations.sparing import Sparing
from mutt_tasks.settings import Settings

# What is left out of a plan, and what helps.
_INSTEAD = {
    Verb.REPLAY: "a replay would end in the dead letter list at once; edit, redirect or discard it",
    Verb.REQUEUE: "a requeue would come straight back; edit, redirect or discard it",
}
# So many ids are shown of what a plan means.
SAMPLE = 5
GONE, TWICE = "gone", "met twice"


@dataclass(frozen=True)
class Selection:
    """What an operator means: a verb, and the messages with these `ids`, or those that match.

    `where` is a filter; without one it has to be said that all are meant (`is_all`). No name in
    `routes` stands for every list that the verb can be used on. A redirect goes to `destination`.
    Ids that are on no list (any more) are left out as `gone` (`skips_gone`), or are an error.
    """

    verb: Verb
    ids: tuple[str, ...] = ()
    where: str = ""
    is_all: bool = False
    routes: tuple[str, ...] = ()
    destination: str = ""
    skips_gone: bool = False


@dataclass
class _Counted:
    """What was found so far: digests by list, what is skipped by reason, and some ids."""

    digests: dict[str, list[bytes]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    sample: list[str] = field(default_factory=list)

    def without_twins(self, name: str) -> None:
        """Of equal messages of a list count one: it may be the same that was met twice."""
        found = self.digests.get(name, [])
        each_once = list(dict.fromkeys(found))
        if len(each_once) < len(found):
            self.digests[name] = each_once
            self.skipped[TWICE] += len(found) - len(each_once)


def make(looker: Looker, wanted: Selection, request: str = "") -> Plan:
    """Make a plan and keep it; nothing that arrives meanwhile is in it.

    Of the same `request` comes the same plan, while it has not expired; without one, another.
    Raises InvalidArgument, NotFound for an id that is on no list, PlaceLost and StoreError. When it
    is interrupted no plan is left behind.
    """
    plan_id = f"p-{_digits(request or uuid4().hex)}"
    if request and (earlier := looker.store.plans.load(plan_id)):
        return earlier
    now = looker.store.now()
    counted = _counted(looker, wanted, now)
    sets = {source: FrozenSet.of(digests) for source, digests in counted.digests.items()}
    plan = Plan(
        id=plan_id,
        etag=etag_of(wanted.verb, wanted.destination, sets),
        verb=wanted.verb,
        sources={source: len(members) for source, members in sets.items()},
        skipped=dict(counted.skipped),
        sample=tuple(counted.sample),
        where=wanted.where,
        destination=wanted.destination,
        made_at=now,
    )
    looker.store.plans.save(plan, sets)
    return find(looker, plan.id)


def _counted(looker: Looker, wanted: Selection, now: float) -> _Counted:
    settings, counted = looker.settings, _Counted()
    chosen = _lists(settings, wanted)
    brought = _brought(looker, chosen)
    found = _meant(looker, wanted, chosen, counted)
    policies, numbering = _policies(looker), Numbering()
    for source, raw in found:
        route = source.route or settings.routes[0]
        policy = policies[route.name]
        why = why_skipped(wanted.verb, raw, route, settings.routes, policy, now=now)
        if why:
            counted.skipped[why] += 1
            continue
        counted.digests.setdefault(source.name, []).append(digest_bytes(raw)[:WIDTH])
        if len(counted.sample) < SAMPLE:
            counted.sample.append(str(numbering.id_of(raw)))
    for name, number in _brought(looker, chosen).items():
        if number != brought[name] and not wanted.ids:
            counted.without_twins(name)
    return counted


def _brought(looker: Looker, chosen: Iterable[Source]) -> dict[str, int]:
    """How many messages of each list have been brought before older ones so far."""
    return {source.name: looker.store.asides.brought(source.name) for source in chosen}


def _meant(
    looker: Looker, wanted: Selection, chosen: tuple[Source, ...], counted: _Counted
) -> Iterable[tuple[Source, bytes]]:
    if not wanted.ids:
        return every(looker, wanted.where, chosen)
    if not wanted.skips_gone:
        return by_id(looker, wanted.ids, chosen)
    found, gone = pick(looker, wanted.ids, chosen)
    if gone:
        counted.skipped[GONE] = len(gone)
    return found


def find(looker: Looker, plan_id: str) -> Plan:
    """A plan that was made before; raises SetChanged when it is gone."""
    plan = looker.store.plans.load(plan_id)
    if plan is None:
        raise SetChanged(f"there is no plan {plan_id!r:.40}, or none any more: make a new one")
    return plan


def _digits(request: str) -> str:
    return hashlib.sha1(request.encode(), usedforsecurity=False).hexdigest()[:12]


def lists_of(settings: Settings, names: Iterable[str]) -> tuple[Source, ...]:
    """The lists with these names."""
    return sources.chosen(settings, tuple(names))


def check_selected(ids: tuple[str, ...], where: str, *, is_all: bool) -> None:
    """Raise InvalidArgument unless ids are given, or a filter, or it is said that all are meant."""
    if not (ids or where or is_all):
        raise InvalidArgument("nothing is selected: accepts ids, a filter, or all")
    if ids and (where or is_all):
        raise InvalidArgument("accepts ids, or a filter, or all")


def check_possible(plan: Plan, *, is_named: bool) -> None:
    """Raise Refused when messages were named one by one, and the verb can be done to none."""
    if is_named and plan.skipped and not plan.count:
        why = ", ".join(f"{count:,} {reason}" for reason, count in plan.skipped.items())
        raise Refused(f"cannot be done ({why}): {_INSTEAD[plan.verb]}")


def _lists(settings: Settings, wanted: Selection) -> tuple[Source, ...]:
    """The lists that the verb is for; raises InvalidArgument."""
    if wanted.verb not in PLANNED:
        raise InvalidArgument(f"verb: accepts {', '.join(PLANNED)}")
    check_selected(wanted.ids, wanted.where, is_all=wanted.is_all)
    queues = settings.lists.redirect_queues
    if (wanted.verb is Verb.REDIRECT) != bool(wanted.destination):
        raise InvalidArgument("a redirect, and nothing else, needs a queue to go to")
    if wanted.destination and wanted.destination not in queues:
        accepted = ", ".join(queues) or "none, for REMEDIATION_REDIRECT_QUEUES names none"
        raise InvalidArgument(f"to: got {wanted.destination!r:.60}, accepts {accepted}")
    fitting = [source for source in sources.all_of(settings) if _fits(wanted.verb, source)]
    for name in wanted.routes:
        if name not in [source.name for source in fitting]:
            accepted = ", ".join(source.name for source in fitting)
            raise InvalidArgument(f"route: got {name!r:.60}, {wanted.verb} accepts {accepted}")
    return tuple(source for source in fitting if not wanted.routes or source.name in wanted.routes)


def _fits(verb: Verb, source: Source) -> bool:
    if verb is Verb.REPLAY:
        return source.name != DEAD
    return verb is not Verb.REQUEUE or source.name == DEAD


def by_id(
    looker: Looker, ids: Iterable[str], chosen: tuple[Source, ...]
) -> list[tuple[Source, bytes]]:
    """The messages with these ids, each once; raises NotFound for those that are on no list."""
    found, gone = pick(looker, ids, chosen)
    if gone:
        lists = " or ".join(source.name for source in chosen)
        are = "is" if len(gone) == 1 else "are"
        raise NotFound(f"{', '.join(gone[:SAMPLE])} {are} not on {lists} (any more)")
    return found


def every(
    looker: Looker, where: str, chosen: Iterable[Source], *, is_whole: bool = False
) -> Iterator[tuple[Source, bytes]]:
    """Every message that matches, from the new end on, where nothing leaves.

    What arrives comes in front of where this began, so it is never looked at. What a job or a
    drain brings before older messages meanwhile may be met twice: who wants each message once, and
    in its order (`is_whole`), gets SetChanged then.
    """
    meant = looking.filter_of(looker, where)
    chosen = list(chosen)
    length = sum(looker.store.listings.lengths([source.parts for source in chosen]))
    sparing, seen = Sparing(looker.time), 0
    for source in chosen:
        brought = _brought(looker, [source])
        start = Cursor(source.name, is_newest_first=True)
        for messages in looking.walk_on(looker.store, source, start, sparing).steps():
            for raw in messages:
                if not meant.terms or looker.matching(meant, source, raw) is not None:
                    yield source, raw
            seen += len(messages)
            looker.progress(seen, length)
        if is_whole and _brought(looker, [source]) != brought:
            raise SetChanged(
                f"messages of {source.name} were brought before older ones meanwhile: ask again"
            )


def _policies(looker: Looker) -> dict[str, Policy]:
    """By what messages of each route are judged: no backoff keeps an operator waiting.

    Replays that were sent while everything failed are forgiven, as they are when they go.
    """
    routes, pace = looker.settings.routes, looker.settings.pace
    known = looker.store.snapshots.take(routes, ()).routes
    return {
        route.name: Policy(
            pace.max_poison_retries, 0.0, pace.max_age, spans=known[route.name].flow.spans
        )
        for route in routes
    }
