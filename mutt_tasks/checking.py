"""Whether Moogsoft takes events: the forwarder's breaker first, then what the probe says."""

from dataclasses import replace

from mutt_tasks import moogsoft
from mutt_tasks.core.asking import Asking
from mutt_tasks.core.breaker import BREAKER_OPEN, Breaker, State, judged
from mutt_tasks.settings import Settings
from mutt_tasks.store.probes import ProbeRecord
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings

UNCHECKED, ASK_LATER = "unchecked", "ask_later"

# A drain that waits for Moogsoft looks at least this often (seconds) whether it has to ask.
LONGEST_LOOK = 10.0
# A look that finds nothing to do is no cycle; but one takes place after this many seconds.
LONGEST_LINGER = 30.0


def check(
    store: Store, settings: Settings, surroundings: Surroundings, *, by_hand: bool
) -> ProbeRecord:
    """Moogsoft's health: the forwarder's breaker first, then a fresh answer, then the probe.

    Somebody who calls by hand has just mended something: they get a new probe, unless
    Moogsoft itself asked us to wait.
    """
    now = surroundings.now()
    last = store.probes.last()
    if last and last.checked_at > now:
        last = None  # a clock went back
    breaker = _breaker(store, settings, now)
    if breaker.is_open:
        asked = last.asking.asked if last else ()
        not_before = last.not_before if last else 0.0
        record = ProbeRecord(
            False, BREAKER_OPEN, now, now, not_before=not_before, asking=Asking(0, asked)
        )
    elif not moogsoft.is_probed(settings):
        record = ProbeRecord(True, UNCHECKED, now, now)
    elif last and _is_used_again(last, now, by_hand):
        reason = ASK_LATER if last.reason == BREAKER_OPEN else last.reason
        record = replace(last, reason=reason)
    else:
        record = _asked(settings, surroundings, last.asking if last else Asking(), now)
    if record != last:
        store.probes.remember(record)
    is_stale = breaker.state is State.STALE
    return replace(record, stale_since=breaker.until if is_stale else 0.0)


def next_look(store: Store, surroundings: Surroundings, passed_at: float) -> float:
    """In how many seconds a drain that waits for Moogsoft should go on.

    At `passed_at` a live alert was seen to pass (seconds since 1970; 0: none). If that was since
    the last question, the next one is due at once.
    """
    last, now = store.probes.last(), surroundings.now()
    if last is None or last.reason == BREAKER_OPEN:
        return LONGEST_LOOK
    if _hastens(last, passed_at, now):
        store.probes.remember(replace(last, usable_until=now))
        return 0.0
    return min(LONGEST_LOOK, max(0.0, last.usable_until - now))


def may_linger(store: Store, settings: Settings, surroundings: Surroundings) -> float:
    """For how many seconds a drain that waits for Moogsoft may wait again without a cycle.

    0 when there is something to do: to ask, to say that something changed, or to end the drain. A
    cycle takes place every half minute in any case, so that log and journal say what it waits for.
    """
    outlook = store.probes.outlook(settings.routes, settings.forwarder.rate_limit_key)
    now, last = surroundings.moment(outlook.now), outlook.record
    is_idle = (
        settings.pace.drain and settings.pace.enabled and not outlook.is_paused and outlook.has_work
    )
    has_said_so = 0 <= now - outlook.waits_since < LONGEST_LINGER
    if not is_idle or not has_said_so or last is None or last.healthy:
        return 0.0
    is_open = judged(outlook.breaker, now, settings.forwarder.breaker_timeout).is_open
    if is_open or last.reason == BREAKER_OPEN:
        return LONGEST_LOOK if is_open and last.reason == BREAKER_OPEN else 0.0
    if not _is_used_again(last, now, by_hand=False) or _hastens(last, outlook.passed_at, now):
        return 0.0
    return min(LONGEST_LOOK, max(last.usable_until, last.asking.earliest()) - now)


def _hastens(last: ProbeRecord, passed_at: float, now: float) -> bool:
    """Whether live alerts that pass are reason to ask at once."""
    asking = last.asking
    has_passed = bool(asking.asked) and passed_at > asking.asked[-1]
    return has_passed and now >= last.not_before and asking.may_hasten(now)


def _is_used_again(last: ProbeRecord, now: float, by_hand: bool) -> bool:
    if now < last.not_before:
        return True
    return not by_hand and now < max(last.usable_until, last.asking.earliest())


def _asked(
    settings: Settings, surroundings: Surroundings, asking: Asking, now: float
) -> ProbeRecord:
    """Ask Moogsoft. A failed answer is used until it is time to ask again."""
    answer = surroundings.probe(settings, now)
    answered_at = surroundings.now()
    asking = asking.answered(answer.healthy, now, settings.moogsoft.health_cache_ttl)
    not_before = answered_at + answer.retry_after if answer.retry_after else 0.0
    until = (
        now + settings.moogsoft.health_cache_ttl if answer.healthy else asking.next_at(answered_at)
    )
    return ProbeRecord(
        healthy=answer.healthy,
        reason=answer.reason,
        checked_at=now,
        usable_until=max(until, not_before),
        not_before=not_before,
        asking=asking,
    )


def _breaker(store: Store, settings: Settings, now: float) -> Breaker:
    """The forwarder's breaker; when an OPEN without a date was first seen is kept."""
    marks = store.pipeline.breaker()
    breaker = judged(marks, now, settings.forwarder.breaker_timeout)
    if breaker.is_undated and not 0 < marks.seen_at <= now:
        store.probes.breaker_seen(now)
    elif marks.seen_at and not breaker.is_undated:
        store.probes.breaker_seen(0.0)
    return breaker
