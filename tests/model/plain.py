"""The rules of `docs/design.md`, restated over plain lists of bytes: what the store must equal.

Nothing here is shared with `mutt_tasks.core`. A message is split with Python's own JSON decoder,
and a cycle is a loop over a list. The one thing that is not restated is the spread of a message's
rest: the model only knows the band of ±20 %, so whoever drives it keeps the clock out of bands.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from tests.pipeline import ALERTS, DEAD, DLQ, INGEST, MOOG_DLQ

START = 1_800_000_000.0
HOUR = 3600.0
LISTS = (DLQ, INGEST, MOOG_DLQ, ALERTS, DEAD)
HUGE = 1_000_000_000


class Route(NamedTuple):
    """One way back into the pipeline, as the table of routes has it."""

    source: str
    target: str
    reset: str
    looked_up: str
    also_counts: str = ""
    shed_by: str = ""
    required: tuple[str, ...] = ()


ROUTES = {
    "alerter": Route(
        *(DLQ, INGEST, "_retry_count", "hostname", "_moog_retry_count", "shedding_reason"),
        ("hostname", "timestamp", "message"),
    ),
    "moog": Route(MOOG_DLQ, ALERTS, "_moog_retry_count", "severity"),
}


# --- one message ---


class Piece(NamedTuple):
    """One top-level member: its key, and its text up to the next member, cut around the value."""

    key: str
    before: str
    value: str
    after: str


@lru_cache(maxsize=2000)
def pieces_of(raw: bytes) -> tuple[str, tuple[Piece, ...], str] | None:
    """What stands before, in and after the members of an object; None when it is none."""
    try:
        text = raw.decode("utf-8")
        if not isinstance(json.loads(text, parse_int=str), dict):
            return None
    except ValueError:
        return None
    decoder = json.JSONDecoder(parse_int=str)

    def behind(at: int, mark: str) -> int:
        found = re.compile(r"[ \t\n\r]*" + mark + r"[ \t\n\r]*").match(text, at)
        return found.end() if found else -1

    at = behind(0, "{")
    head = text[: text.index("{") + 1]
    pieces: list[Piece] = []
    if text[at] == "}":
        return head, (), text[len(head) :]
    head = text[:at]
    while at > 0:
        key, key_end = decoder.raw_decode(text, at)
        value_at = behind(key_end, ":")
        value_end = decoder.raw_decode(text, value_at)[1]
        next_at = behind(value_end, ",")
        after = text[value_end:next_at] if next_at > 0 else ""
        pieces.append(Piece(key, text[at:value_at], text[value_at:value_end], after))
        at = next_at
    return head, tuple(pieces), text[value_end:]


def depth_of(text: str) -> int:
    """How deep the brackets outside of texts are nested."""
    depth = deepest = 0
    for bracket in re.sub(r'"(?:[^"\\]|\\.)*"|[^]\[{}]', "", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def survives(raw: bytes, overwritten: set[str]) -> bool:
    """Whether a consumer can decode the message, and encode it as JSON for Moogsoft.

    The fields that a replay overwrites do not matter.
    """

    def number(text: str) -> float:
        value = float(text)
        if not isfinite(value):
            raise ValueError(text)
        return value

    def integer(text: str) -> int:
        if len(text.lstrip("-")) > 4300:
            raise ValueError(text)
        return 0

    found = pieces_of(raw)
    assert found is not None
    for piece in found[1]:
        if piece.key in overwritten:
            continue
        if depth_of(piece.value) > 899:
            return False
        try:
            json.loads(piece.value, parse_int=integer, parse_float=number, parse_constant=number)
        except ValueError:
            return False
    return True


def is_complete(event: dict[str, Any], route: Route) -> bool:
    """Whether the consumer of a route has all that it needs."""
    if isinstance(event.get(route.looked_up), dict | list):
        return False
    if not route.required:
        return True
    trap = event.get("trap_oid")
    is_text = isinstance(event.get("message"), str) or (isinstance(trap, str) and trap != "")
    return is_text and all(event.get(name) for name in route.required)


def stamped(raw: bytes, header: str, reset: str = "") -> bytes:
    """The message with this header, and 0 in its reset field; every other byte as it was."""
    found = pieces_of(raw)
    assert found is not None
    head, pieces, tail = found
    headers = [at for at, piece in enumerate(pieces) if piece.key == "_remediation"]
    text = head
    for at, piece in enumerate(pieces):
        if at in headers[:-1]:
            continue
        value = "0" if reset and piece.key == reset else piece.value
        text += piece.before + (header if at in headers else value) + piece.after
    added = [f'"{reset}":0'] if reset and all(piece.key != reset for piece in pieces) else []
    added += [] if headers else [f'"_remediation":{header}']
    if added:
        text += ("," if pieces else "") + ",".join(added)
    return (text + tail).encode()


def count_in(text: str | None) -> tuple[int, bool]:
    """A counter's value, and whether it was one: a whole number from 0 on, as such or quoted."""
    if text is None:
        return 0, True
    match = re.fullmatch(r'("?)(-?[0-9]+(?:\.[0-9]+)?)(?:[eE]([+-]?)([0-9]+))?\1', text)
    if match is None:
        return 0, False
    _, digits, sign, power = match.groups(default="")
    if Fraction(digits) == 0:
        return 0, True
    if len(power.lstrip("0")) > 5:
        return (0, False) if sign == "-" or digits[0] == "-" else (HUGE, True)
    value = Fraction(digits) * Fraction(10) ** int(sign + (power or "0"))
    return (min(int(value), HUGE), True) if value >= 0 and value.denominator == 1 else (0, False)


def moment_in(value: object) -> float | None:
    """A moment written as ISO 8601, UTC when it names no zone."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        found = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return datetime.fromtimestamp(found, UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def written(moment: float | None) -> str | None:
    """ISO 8601 in UTC with milliseconds."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass(frozen=True)
class Rules:
    """The numbers in force."""

    max_retries: int = 3
    backoff: float = 60
    max_age: float = 0
    batch: int = 10
    most: int = 1000
    rate: float = 0
    high_water: int = 1000
    drain: bool = True
    enabled: bool = True
    interval: float = 300
    routes: tuple[str, ...] = ("alerter",)
    scan: int = 10_000


class Fate(NamedTuple):
    """What becomes of a message: `replay`, a reason for the dead letter list, or `wait`.

    `earliest` and `latest` bound the moment when its rest is over. `came_back`, `is_first_return`
    and `forgiven` tell of its last replay.
    """

    kind: str
    payload: bytes = b""
    is_sound: bool = True
    earliest: float = 0.0
    latest: float = 0.0
    came_back: bool = False
    is_first_return: bool = False
    forgiven: int = 0


def fate_of(raw: bytes, route_name: str, rules: Rules, cycle: str, now: float) -> Fate:
    """The table of section "One message"."""
    route = ROUTES[route_name]
    found = pieces_of(raw)
    if found is None:
        return Fate("malformed", raw)
    values = {piece.key: piece.value for piece in found[1]}
    is_sent = survives(raw, {"_remediation", route.reset})
    fields: Any = None
    text = values.get("_remediation", "{}")
    if len(text) <= 4096:
        try:
            fields = json.loads(text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            fields = None
    is_sound = isinstance(fields, dict)
    fields = fields if is_sound else {}
    counts = []
    for name in ("replays", "forgiven"):
        value = fields.get(name, "0")
        number, is_count = count_in(value) if isinstance(value, str) else (0, False)
        counts.append(number)
        is_sound &= is_count
    replays, forgiven = counts
    first_at, last_at = moment_in(fields.get("first_at")), moment_in(fields.get("last_at"))
    reset, reset_is_sound = count_in(values.get(route.reset))
    other = values.get(route.also_counts) if route.also_counts else None
    failures, failures_are_sound = count_in(other)
    is_sound &= reset_is_sound and failures_are_sound

    was_shed = route.shed_by in values and bool(route.shed_by) and reset == 0
    came_back, forgiven_before = replays > 0, forgiven
    is_first_return = replays == 1
    if not is_sent:
        return Fate("malformed", raw, came_back=came_back, is_first_return=is_first_return)
    forgiven = min(replays, forgiven + was_shed)
    more_forgiven = max(0, forgiven - forgiven_before)

    def header(more: dict[str, Any]) -> str:
        whole = {
            "replays": replays,
            "forgiven": forgiven,
            "route": route_name,
            "cycle": cycle,
            "first_at": written(first_at),
            "last_at": written(last_at),
        }
        return json.dumps(whole | more, separators=(",", ":"))

    happened = moment_in(json.loads(values.get("timestamp", "null")))
    reason = ""
    event = {name: json.loads(value, parse_int=float) for name, value in values.items()}
    if not is_complete(event, route):
        reason = "incomplete"
    elif max(failures, replays - forgiven) >= rules.max_retries or replays >= 4 * rules.max_retries:
        reason = "poison"
    elif rules.max_age and happened is not None and now - happened > rules.max_age:
        reason = "stale"
    if reason:
        text = header({"reason": reason, "dead_at": written(now)})
        return Fate(
            reason,
            stamped(raw, text),
            is_sound,
            came_back=came_back,
            is_first_return=is_first_return,
            forgiven=more_forgiven,
        )
    if rules.backoff and last_at is not None and last_at <= now + HOUR:
        rest = rules.backoff * 2.0 ** max(0, replays - forgiven - 1)
        earliest = last_at + min(HOUR, 0.8 * rest)
        if now < earliest:
            return Fate("wait", b"", is_sound, earliest, last_at + min(HOUR, 1.2 * rest))
    replays += 1
    first_at = now if first_at is None else first_at
    last_at = now
    return Fate(
        "replay",
        stamped(raw, header({}), route.reset),
        is_sound,
        came_back=came_back,
        is_first_return=is_first_return,
        forgiven=more_forgiven,
    )


@lru_cache(maxsize=2000)
def band_of(raw: bytes, route_name: str, rules: Rules) -> tuple[float, float]:
    """Between which moments it is not known whether the message's rest is over."""
    found = pieces_of(raw)
    values = {piece.key: piece.value for piece in found[1]} if found else {}
    try:
        last_at = moment_in(json.loads(values["_remediation"])["last_at"])
    except (KeyError, TypeError, ValueError):
        return 0, 0
    if last_at is None:
        return 0, 0
    fate = fate_of(raw, route_name, rules, "", last_at)
    return fate.earliest, fate.latest


def out_of_bands(now: float, bands: Iterable[tuple[float, float]]) -> float:
    """The first moment from `now` on that lies in no band."""
    for earliest, latest in sorted(bands):
        if earliest <= now <= latest:
            now = float(int(latest) + 1)
    return now


# --- the pipeline ---


class Cursor(NamedTuple):
    """So many messages at the old end wait until a moment between two, by the rules of then."""

    waiting: int = 0
    earliest: float = 0.0
    latest: float = 0.0
    by: tuple[float, ...] = ()


class Result(NamedTuple):
    """What a step says that it did."""

    outcome: str = ""
    reason: str = ""
    goes_on: bool = False


@dataclass
class Pipeline:
    """Every list (oldest first), every counter, and what else a cycle depends on.

    `lease` is a cycle's id, the id with a colon while its replay step runs, `next` when it waits
    for a drain's next cycle, or empty. `result` is what the last step says that it did, None when
    it found the lease with somebody else. A call by hand takes over a drain that
    `waits_for_moogsoft` between two cycles.
    """

    now: float
    lists: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in LISTS})
    counters: Counter[str] = field(default_factory=Counter)
    is_paused: bool = False
    lease: str = ""
    waits_for_moogsoft: bool = False
    ticked_at: float | None = None
    cursors: dict[str, Cursor] = field(default_factory=lambda: {name: Cursor() for name in ROUTES})
    tokens: float = 0.0
    tokens_at: float | None = None
    result: Result | None = None

    def copied(self) -> "Pipeline":
        """The same state, that changes no more."""
        return replace(
            self,
            lists={name: list(messages) for name, messages in self.lists.items()},
            counters=Counter(self.counters),
            cursors=dict(self.cursors),
        )

    def journal(self) -> dict[str, int]:
        """What the journal's entries must add up to."""
        totals = {"cycles": self.counters["loops"]}
        for kind in ("replayed", "malformed", "incomplete", "poison", "stale"):
            totals[kind] = sum(self.counters[f"{kind}:{name}"] for name in ROUTES)
        return totals

    def begin(self, rules: Rules, cycle: str, is_tick: bool) -> Iterator["Pipeline"]:
        """Take the lease; yields the state after each step that is atomic."""
        self.result = None
        is_taken_over = self.waits_for_moogsoft and len(self.lease) == 32 and not is_tick
        if self.lease and not is_taken_over:
            self.counters["ticks:busy"] += 1
            self.result = Result("busy", "draining")
            yield self.copied()
            return
        if is_tick:
            if self.ticked_at is not None and self.now - self.ticked_at < 0.75 * rules.interval:
                self.counters["ticks:early"] += 1
                self.result = Result("early")
                yield self.copied()
                return
            self.ticked_at = self.now
        self.lease, self.waits_for_moogsoft = cycle, False
        yield self.copied()
        reason = "paused" if self.is_paused else ""
        reason = reason if rules.enabled else "disabled"
        if reason:
            yield self._end(rules, dict.fromkeys(rules.routes, ("held", reason, False, reason)))

    def replay(self, rules: Rules, cycle: str, is_healthy: bool) -> Iterator["Pipeline"]:
        """One batch on every route; yields the state after each step that is atomic."""
        self.result = None
        if self.lease != cycle:
            return
        self.lease = cycle + ":"
        yield self.copied()
        reason = "" if is_healthy else "unhealthy"
        reason = "paused" if self.is_paused else reason
        reason = reason if rules.enabled else "disabled"
        outcomes, at_the_end = {}, {}
        for name in rules.routes:
            more = reason == "unhealthy" and bool(self.lists[ROUTES[name].source])
            outcomes[name] = ("held", reason, more, reason)
            if not reason:
                before = self.cursors[name]
                outcomes[name] = self._serve(name, rules, cycle)
                if outcomes[name][0] == "replayed":
                    yield self.copied()
                else:
                    # Where no commit writes it, the place in the queue is written at the end.
                    at_the_end[name], self.cursors[name] = self.cursors[name], before
        self.cursors |= at_the_end
        yield self._end(rules, outcomes)

    def _end(self, rules: Rules, outcomes: dict[str, tuple[str, str, bool, str]]) -> "Pipeline":
        self.counters["loops"] += 1
        for name, (outcome, reason, _, limit) in outcomes.items():
            self.counters[f"cycles:{name}:{outcome}:{reason}"] += 1
            self.counters[f"limits:{name}:{limit}"] += 1
        passing = ("", "backpressure", "rate_limited", "waiting", "unhealthy")
        goes_on = rules.drain and any(
            more and reason in passing for _, reason, more, _ in outcomes.values()
        )
        self.lease = "next" if goes_on else ""
        self.waits_for_moogsoft = any(
            more and reason == "unhealthy" for _, reason, more, _ in outcomes.values()
        )
        replayed = any(outcome == "replayed" for outcome, *_ in outcomes.values())
        found = list(dict.fromkeys(reason for _, reason, *_ in outcomes.values() if reason))
        # A route with nothing to do is no news beside one that is held.
        reasons = [reason for reason in found if reason != "empty"] or found
        self.result = Result(
            "replayed" if replayed else "held", "" if replayed else ", ".join(reasons), goes_on
        )
        return self.copied()

    def _serve(self, name: str, rules: Rules, cycle: str) -> tuple[str, str, bool, str]:
        """One batch: outcome, reason, whether there is more to do, and the smallest limit."""
        route = ROUTES[name]
        queue = self.lists[route.source]
        credit = rules.high_water - max(len(self.lists[route.target]), len(self.lists[ALERTS]))
        limits = {"backpressure": credit, "window": min(rules.batch, rules.most)}
        tokens = 0.0
        if rules.rate:
            since = 1.0 if self.tokens_at is None else max(0.0, self.now - self.tokens_at)
            tokens = min(max(1.0, rules.rate / 4), self.tokens + rules.rate * since)
            limits["rate_limited"] = int(tokens)
        limits["empty"] = len(queue)
        for limit, messages in limits.items():
            if messages <= 0:
                return "held", limit, bool(queue), limit
        most = min(limits.values())
        limit = next(name for name, messages in limits.items() if messages == most)

        cursor = self.cursors[name]
        by = (rules.max_retries, rules.backoff, rules.max_age)
        is_over = self.now >= cursor.earliest or cursor.by != by
        if not 0 < cursor.waiting <= len(queue) or is_over:
            cursor = Cursor(0, float("inf"), float("inf"))
        at, going = cursor.waiting, 0
        waits, kinds = queue[:at], Counter[str]()
        to_target: list[bytes] = []
        to_dead: list[bytes] = []
        earliest, latest = cursor.earliest, cursor.latest
        while at < len(queue) and going < most and at - cursor.waiting < rules.scan:
            fate = fate_of(queue[at], name, rules, cycle, self.now)
            if fate.kind == "wait":
                waits.append(queue[at])
                earliest, latest = min(earliest, fate.earliest), min(latest, fate.latest)
            else:
                going += 1
                kinds[fate.kind] += 1
                kinds["odd"] += not fate.is_sound
                kinds["bounced"] += fate.came_back
                kinds["first_bounced"] += fate.is_first_return
                kinds["forgiven"] += fate.forgiven
                (to_target if fate.kind == "replay" else to_dead).append(fate.payload)
            at += 1
        longest = self.now + HOUR
        self.cursors[name] = Cursor(len(waits), min(earliest, longest), min(latest, longest), by)
        if not going:
            return "held", "waiting", True, "waiting"
        self.lists[route.source] = waits + queue[at:]
        self.lists[route.target] += to_target
        self.lists[DEAD] += to_dead
        for kind, number in kinds.items():
            if number:
                self.counters[f"{'replayed' if kind == 'replay' else kind}:{name}"] += number
        if rules.rate:
            self.tokens, self.tokens_at = tokens - kinds["replay"], self.now
        return "replayed", "", True, limit
