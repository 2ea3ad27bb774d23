"""Who is told what and when: grouped, repeated, capped, quiet, and never twice for one cause."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.causes import EVENTS, Cause, Kind
from mutt_tasks.core.due import decide, is_done, noted, waiting
from mutt_tasks.core.telling import HOUR, Message, Rules, Target, begun, lost, refused, taken

RULES = Rules()
T0 = 1_000_000.0


@dataclass
class Life:
    """One target's life, second by second; `took` is what arrived there, and when."""

    rules: Rules = RULES
    target: Target = field(default_factory=Target)
    causes: dict[str, Cause] = field(default_factory=dict)
    now: float = T0
    took: list[tuple[float, Message]] = field(default_factory=list)
    fate: str = "taken"
    knows_keys: bool = False
    is_slow: bool = False

    def adds(self, key: str, kind: Kind = Kind.DEAD, **more: float) -> None:
        ended = self.now if kind in EVENTS else 0.0
        values = {"at": self.now, "ended_at": ended, **more}
        self.causes[key] = Cause(key, kind, **values)  # type: ignore[arg-type]

    def ends(self, key: str) -> None:
        self.causes[key] = replace(self.causes[key], ended_at=self.now)

    def passes(self, seconds: float, step: float = 1.0) -> None:
        """Time goes on; what is due goes, and has its fate, if `is_slow` at the next step."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + step)
            self.settles()
            self.target = noted(self.target, self.causes, self.now, self.rules)
            message = decide(self.target, self.causes, self.now, self.rules)
            if message is not None:
                self.target = begun(self.target, message, self.fate, self.now)
            if not self.is_slow:
                self.settles()

    def settles(self) -> None:
        sending = self.target.sending
        if sending is None:
            return
        if sending.id == "refused":
            self.target = refused(self.target, self.now)
            return
        self.took.append((sending.at, sending.message))
        if sending.id == "taken":
            self.target = taken(self.target, self.now)
        else:
            self.target = lost(self.target, self.now, knows_keys=self.knows_keys)

    @property
    def told(self) -> list[tuple[float, tuple[str, ...], tuple[str, ...]]]:
        """When what was told, and what had ended; times since the beginning."""
        return [(at - T0, each.causes, each.ends) for at, each in self.took]


def test_the_first_message_waits_for_others_of_its_kind() -> None:
    life = Life()
    life.adds("a")
    life.passes(20)
    life.adds("b")
    life.adds("j", Kind.JOB)
    life.passes(60)

    assert life.told == [(30, ("a", "b"), ()), (50, ("j",), ())]


def test_the_next_of_a_kind_goes_five_minutes_later() -> None:
    life = Life()
    life.adds("a")
    life.passes(40)
    life.adds("b")
    life.passes(400)

    assert life.told == [(30, ("a",), ()), (330, ("b",), ())]


def test_what_lasts_is_told_again_after_four_hours_and_what_happened_is_not() -> None:
    life = Life()
    life.adds("a")
    life.adds("j", Kind.JOB)
    life.passes(5 * 3600, step=10)

    assert life.told == [(30, ("a",), ()), (40, ("j",), ()), (30 + 14_400, ("a",), ())]


def test_what_ends_while_it_is_told_is_ended_there_too() -> None:
    life = Life(is_slow=True)
    life.adds("a")
    life.passes(30)
    assert life.target.sending is not None
    life.ends("a")
    assert not is_done(life.target, life.causes["a"], life.now, RULES)
    life.passes(400)

    assert life.told == [(30, ("a",), ()), (331, (), ("a",))]


def test_the_end_is_told_of_what_was_told_and_of_nothing_else() -> None:
    life = Life()
    life.adds("a")
    life.passes(400)
    life.adds("b")
    life.ends("a")
    life.passes(10)
    life.ends("b")
    life.passes(600)

    assert life.told == [(30, ("a",), ()), (430, (), ("a",))]
    assert life.took[-1][1].is_over


def test_what_begins_again_within_its_repeat_time_is_not_told_before() -> None:
    life = Life()
    life.adds("a")
    life.passes(60)
    life.ends("a")
    life.passes(600)
    del life.causes["a"]
    life.passes(60)
    life.adds("a")
    life.passes(600)
    assert [told for _, told, _ in life.told] == [("a",), ()]

    life.passes(14_400, step=10)
    assert life.told[-1][:2] == (30 + 14_400, ("a",))


def test_what_somebody_takes_care_of_is_quiet_until_then() -> None:
    life = Life()
    life.adds("a", quiet_until=T0 + 3600)
    life.adds("b", quiet_until=T0 + 3600)
    life.passes(1800)
    life.ends("b")
    life.passes(1790)
    assert life.told == []

    life.passes(3600)
    assert life.told == [(3600, ("a",), ())]


def test_more_than_twelve_an_hour_go_as_one_digest() -> None:
    life = Life(Rules(wait=0, again=1, most_per_hour=12))
    for number in range(40):
        life.adds(f"j{number}", Kind.JOB)
        life.passes(2)
    assert len(life.took) == 12
    life.adds("a")
    life.passes(HOUR - 100)
    assert len(life.took) == 12
    assert life.target.is_capped
    assert waiting(life.target, life.causes, life.now, life.rules) == (29, 0.0)

    life.passes(120)
    ((_, digest),) = life.took[12:]
    assert digest.is_digest
    assert len(digest.causes) == 29
    assert set(digest.kinds) == {Kind.DEAD, Kind.JOB}
    assert not life.target.is_capped


def test_a_target_that_refuses_is_asked_less_and_less_often_and_told_all_when_it_is_back() -> None:
    life = Life(fate="refused")
    life.adds("a")
    tries = []
    for _ in range(1000):
        before = life.target.failed
        life.passes(1)
        tries += [life.now - T0] if life.target.failed > before else []
    life.adds("b")
    life.passes(1)
    late = waiting(life.target, life.causes, life.now, RULES)
    life.fate = "taken"
    life.passes(301)

    assert tries == [30, 35, 45, 65, 105, 185, 345, 645, 945]
    assert late == (2, 971)
    assert [told for _, told, _ in life.told] == [("a", "b")]
    assert life.target.failures == 0


def test_what_may_have_arrived_is_told_again_after_its_repeat_time_and_not_before() -> None:
    life = Life(fate="lost")
    life.adds("j", Kind.JOB)
    life.passes(60)
    life.fate = "taken"
    life.passes(14_400, step=10)
    life.passes(14_500, step=10)

    assert [told for _, told, _ in life.told] == [("j",), ("j",)]
    assert life.told[1][0] >= 30 + 14_400
    assert is_done(life.target, life.causes["j"], life.now, RULES)


def test_a_target_that_knows_keys_gets_it_again_at_once() -> None:
    life = Life(fate="lost", knows_keys=True)
    life.adds("j", Kind.JOB)
    life.passes(30)
    life.fate = "taken"
    life.passes(10)

    assert life.told == [(30, ("j",), ()), (31, ("j",), ())]


def test_an_end_that_may_not_have_arrived_is_told_again_once() -> None:
    life = Life()
    life.adds("a")
    life.passes(400)
    life.ends("a")
    life.fate = "lost"
    life.passes(60)
    life.fate = "taken"
    assert not is_done(life.target, life.causes["a"], life.now, RULES)
    life.passes(30_000, step=10)

    assert [ends for _, _, ends in life.told] == [(), ("a",), ("a",)]
    assert is_done(life.target, life.causes["a"], life.now, RULES)


def test_an_incident_is_ended_also_for_what_only_happened_and_beyond_the_limit() -> None:
    life = Life(Rules(wait=0, again=10, most_per_hour=1), Target(keeps_incidents=True))
    life.adds("j", Kind.JOB)
    life.passes(30)
    life.adds("k", Kind.JOB)
    life.passes(30)

    assert life.told == [(1, ("j",), ()), (11, (), ("j",))]
    assert [message.is_over for _, message in life.took] == [False, True]
    assert life.target.is_capped


def test_a_clock_that_goes_back_holds_nothing_for_long() -> None:
    life = Life()
    life.adds("a")
    life.passes(60)
    life.now = T0 - 90_000
    life.adds("b")
    life.passes(400)

    assert [told for _, told, _ in life.told] == [("a",), ("b",)]


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """What happens, to which cause, and how long after that nothing does."""
    what = st.sampled_from(("adds", "event", "ends", "ack", "taken", "refused", "lost"))
    some = st.tuples(what, st.integers(0, 5), st.sampled_from((0, 1, 7, 40, 400, 2000, 16_000)))
    return draw(st.lists(some, max_size=30))


def lived(life: Life, happenings: list[tuple[str, int, int]]) -> None:
    for number, (what, which, seconds) in enumerate(happenings):
        key = f"d{which}"
        if what == "adds" and (key not in life.causes or life.causes[key].ended_at):
            life.adds(key)
        elif what == "event":
            life.adds(f"j{number}", Kind.JOB)
        elif what == "ends" and key in life.causes and not life.causes[key].ended_at:
            life.ends(key)
        elif what == "ack" and key in life.causes:
            life.causes[key] = replace(life.causes[key], quiet_until=life.now + 3000)
        elif what in ("taken", "refused", "lost"):
            life.fate = what
        life.passes(seconds, step=max(1.0, seconds / 50))
        done = [
            key
            for key, cause in life.causes.items()
            if is_done(life.target, cause, life.now, life.rules)
        ]
        for key in done:
            del life.causes[key]


@given(steps(), st.booleans(), st.booleans())
def test_whatever_happens_the_rules_hold(
    happenings: list[tuple[str, int, int]], keeps_incidents: bool, is_slow: bool
) -> None:
    target = Target(keeps_incidents=keeps_incidents)
    life = Life(Rules(most_per_hour=3), target, is_slow=is_slow)
    lived(life, happenings)
    life.fate = "taken"
    life.passes(16_000, step=30)
    life.passes(HOUR * 5, step=30)

    by_cause: dict[str, list[float]] = defaultdict(list)
    by_end: dict[str, list[float]] = defaultdict(list)
    for at, message in life.took:
        assert message.causes or message.ends
        for key in message.causes:
            by_cause[key].append(at)
        for key in message.ends:
            by_end[key].append(at)
    for moments in by_cause.values():
        assert all(b - a >= RULES.repeat for a, b in pairwise(moments))
    for key, moments in by_end.items():
        assert min(moments) >= by_cause[key][0]
    counted = [at for at, message in life.took if not (message.is_over and keeps_incidents)]
    for at in counted:
        assert sum(at - HOUR < each <= at for each in counted) <= 3
    # Nothing is forgotten.
    for cause in life.causes.values():
        if cause.is_open and not cause.is_quiet(life.now):
            assert cause.key in by_cause
        if cause.kind in EVENTS:
            assert cause.key in by_cause
    for number, (what, _, _) in enumerate(happenings):
        assert what != "event" or f"j{number}" in by_cause
